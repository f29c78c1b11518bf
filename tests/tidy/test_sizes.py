"""Files and functions stay small enough to be read in one go."""

import ast

from tests.tidy import sources

FILE_LINES = 350
FUNCTION_LINES = 50
CODE = (".py", ".sh", ".js", ".css", ".html", "Makefile")

# Data, and others' files kept as they came: path -> why it may be longer.
LONGER: dict[str, str] = {}


def test_no_file_is_longer_than_350_lines() -> None:
    lengths = {path: len(sources.text(path).splitlines()) for path in sources.all_files() if path.endswith(CODE)}

    wrong = [f"{path}: {lines} lines" for path, lines in lengths.items() if lines > FILE_LINES and path not in LONGER]

    assert not wrong, "split by idea:\n" + "\n".join(wrong)


def test_no_function_is_longer_than_50_lines() -> None:
    wrong = [
        f"{path}:{node.lineno}: {node.name} has {lines} lines"
        for path in sources.python_files()
        for node in ast.walk(sources.tree(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        if (lines := (node.end_lineno or node.lineno) - node.lineno + 1) > FUNCTION_LINES and path not in LONGER
    ]

    assert not wrong, "name the steps:\n" + "\n".join(wrong)


def test_every_exception_is_a_file_that_needs_it() -> None:
    needless = [
        path for path in LONGER if path not in sources.all_files() or len(sources.text(path).splitlines()) <= FILE_LINES
    ]

    assert not needless, "no longer needed in LONGER: " + ", ".join(needless)
