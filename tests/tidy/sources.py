"""Finds and parses the project's own files for the tests of the house's rules. What is set up or built is not ours."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_NOT_OURS = {
    ".git",
    ".venv",
    "build",
    "data",
    "__pycache__",
    "node_modules",
    ".hypothesis",
    ".pytest_cache",
    ".ruff_cache",
    ".mypy_cache",
}


@cache
def all_files() -> tuple[str, ...]:
    """Paths of the project's files from its root, with "/"."""
    return tuple(sorted(_walk(ROOT)))


def _walk(folder: Path) -> Iterator[str]:
    for path in folder.iterdir():
        if path.name in _NOT_OURS or path.is_symlink():
            continue
        if path.is_dir():
            yield from _walk(path)
        else:
            yield path.relative_to(ROOT).as_posix()


def python_files(*folders: str) -> list[str]:
    """Python files below `folders`, or all of them."""
    prefixes = tuple(folder.rstrip("/") + "/" for folder in folders)
    return [path for path in all_files() if path.endswith(".py") and (not prefixes or path.startswith(prefixes))]


def text(path: str) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


@cache
def tree(path: str) -> ast.Module:
    return ast.parse(text(path), path)


def nodes(path: str) -> Iterator[ast.AST]:
    """Every node of the file, but for what stands under `if TYPE_CHECKING:`, which no interpreter enters."""
    pending: list[ast.AST] = [tree(path)]
    while pending:
        node = pending.pop()
        yield node
        if is_type_checking(node):
            assert isinstance(node, ast.If)
            pending += node.orelse
        else:
            pending += ast.iter_child_nodes(node)


def is_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def imported_names(node: ast.AST, path: str) -> list[str]:
    """Dotted names that an import statement reaches, "shared.wire.Layout" for `from shared.wire import Layout`."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        package = path.split("/")[: -node.level] if node.level else []
        source = ".".join([*package, *([node.module] if node.module else [])])
        return [f"{source}.{alias.name}" for alias in node.names]
    return []


def imports(path: str) -> list[tuple[int, str]]:
    """(line, dotted name) of every import in the file, wherever it stands."""
    return [
        (node.lineno, name)
        for node in nodes(path)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in imported_names(node, path)
    ]


def within(name: str, prefixes: set[str]) -> bool:
    """Is the dotted name one of the prefixes, or below one?"""
    return any(name == prefix or name.startswith(prefix + ".") for prefix in prefixes)
