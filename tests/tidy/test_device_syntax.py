"""Device code keeps to what MicroPython 1.25 has. What differs was found by running both interpreters side by side."""

import ast
import subprocess
from collections.abc import Callable, Iterator

from tests.tidy import sources

MICROPYTHON = sources.ROOT / "build/micropython/micropython"
DEVICE_FOLDERS = ("shared", "firmware", "boards", "tools/sim/device")
COMPAT = "shared/compat.py"

# Methods of str, bytes, int and float that MicroPython lacks (its dir() of each type, against CPython's), and those of
# namedtuple and hashlib. A name that device code gives to a method of its own is not meant.
MISSING_METHODS = {
    *("as_integer_ratio", "bit_count", "bit_length", "capitalize", "casefold", "conjugate", "expandtabs", "format_map"),
    *("is_integer", "isalnum", "isascii", "isdecimal", "isidentifier", "isnumeric", "isprintable", "istitle", "ljust"),
    *("maketrans", "removeprefix", "removesuffix", "rjust", "swapcase", "title", "translate", "zfill"),
    *("_asdict", "_replace", "hexdigest"),
}
MISSING_KEYWORDS = {("to_bytes", "signed"), ("from_bytes", "signed"), ("dumps", "sort_keys"), ("zip", "strict")}
MISSING_SYNTAX: dict[str, Callable[[ast.AST], object]] = {
    "match": lambda node: isinstance(node, ast.Match),
    "except*": lambda node: isinstance(node, ast.TryStar),
    "positional-only parameters": lambda node: isinstance(node, ast.arguments) and node.posonlyargs,
    "raise ... from": lambda node: isinstance(node, ast.Raise) and node.cause is not None,
    "(*a, b)": lambda node: isinstance(node, ast.Tuple | ast.List | ast.Set) and _unpacks(node),
    "keywords of a class": lambda node: isinstance(node, ast.ClassDef) and node.keywords,
    "async comprehension": lambda node: isinstance(node, ast.comprehension) and node.is_async,
    "yield in async def": lambda node: isinstance(node, ast.AsyncFunctionDef) and _has_own_yield(node),
}


def test_device_code_uses_no_syntax_that_micropython_lacks() -> None:
    wrong = [
        f"{path}:{getattr(node, 'lineno', '?')}: {what}"
        for path in sources.python_files(*DEVICE_FOLDERS)
        for node in ast.walk(sources.tree(path))
        for what, is_used in MISSING_SYNTAX.items()
        if is_used(node)
    ]

    assert not wrong, "\n".join(wrong)


def test_device_code_calls_nothing_that_micropython_lacks() -> None:
    missing = MISSING_METHODS - _own_methods()

    wrong = [
        f"{path}:{call.lineno}: {what}"
        for path in sources.python_files(*DEVICE_FOLDERS)
        for call in sources.nodes(path)
        if isinstance(call, ast.Call)
        for what in _missing_in(call, missing)
    ]

    assert not wrong, "\n".join(wrong)


def test_only_compat_asks_which_interpreter_runs() -> None:
    wrong = [
        f"{path}:{node.lineno}"
        for path in sources.python_files("shared")
        if path != COMPAT
        for node in ast.walk(sources.tree(path))
        if isinstance(node, ast.ExceptHandler) and "ImportError" in ast.unparse(node.type or ast.Constant(""))
    ]

    assert not wrong, "imports that may fail belong into shared/compat.py: " + ", ".join(wrong)


def test_micropython_itself_compiles_every_device_file() -> None:
    program = "import sys\nfor path in sys.argv[1:]: compile(open(path).read(), path, 'exec')\nprint('all compiled')"
    files = [path for path in sources.python_files(*DEVICE_FOLDERS) if path != "firmware/manifest.py"]

    run = subprocess.run(
        [MICROPYTHON, "-X", "heapsize=16M", "-c", program, *files],
        cwd=sources.ROOT, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip

    assert run.stdout.strip() == "all compiled", run.stdout + run.stderr


def _own_methods() -> set[str]:
    return {
        node.name
        for path in sources.python_files(*DEVICE_FOLDERS)
        for node in ast.walk(sources.tree(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }


def _missing_in(call: ast.Call, missing: set[str]) -> Iterator[str]:
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    if isinstance(call.func, ast.Attribute) and name in missing:
        yield f".{name}()"
    for keyword in call.keywords:
        if (name, keyword.arg) in MISSING_KEYWORDS:
            yield f"{name}({keyword.arg}=)"


def _unpacks(display: ast.Tuple | ast.List | ast.Set) -> bool:
    is_target = not isinstance(getattr(display, "ctx", ast.Load()), ast.Load)
    return not is_target and any(isinstance(item, ast.Starred) for item in display.elts)


def _has_own_yield(function: ast.AsyncFunctionDef) -> bool:
    pending: list[ast.AST] = list(function.body)
    while pending:
        node = pending.pop()
        if isinstance(node, ast.Yield | ast.YieldFrom):
            return True
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            pending += ast.iter_child_nodes(node)
    return False
