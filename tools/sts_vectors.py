"""Runs a file of STS test vectors and reports on each; written so that CPython and MicroPython both run it.

Usage: python -m tools.sts_vectors FILE [TABLES], or micropython in place of python. Exit code 1 if any vector fails.
"""

import json
import sys

from shared.errors import SharedError
from shared.sts.tables import Tables, tables_from_json
from tools.sts_vector_blocks import BLOCK_KINDS
from tools.sts_vector_tokens import TOKEN_KINDS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Vector = dict[str, Any]


def run_vector(vector: "Vector", tables: Tables | None) -> list[str]:
    """Return what is wrong with one vector, one line for each difference; nothing if it passes.

    tables are those of an EA07 vector whose tables are "file".
    """
    kind = str(vector.get("kind"))
    compute = BLOCK_KINDS.get(kind) or TOKEN_KINDS.get(kind)
    if compute is None:
        return ["unknown kind {!r}".format(kind)]
    try:
        got = compute(vector["input"], vector["expected"], tables)
    except (SharedError, AssertionError, KeyError, ValueError, TypeError, IndexError) as error:
        return ["{}: {}".format(type(error).__name__, error)]
    return _differences(vector["expected"], got)


def _differences(expected: "Vector", got: "Vector") -> list[str]:
    """Compare what the vector expects; a name starting with "given " is an input that the code can work out too."""
    lines = []
    for name in expected:
        if name not in got:
            lines.append("{}: expected {}, not worked out".format(name, expected[name]))
        elif _plain(expected[name]) != _plain(got[name]):
            lines.append("{}: expected {}, got {}".format(name, expected[name], got[name]))
    for name in got:
        if name.startswith("given "):
            given, worked_out = got[name]
            if _plain(given) != _plain(worked_out):
                lines.append("{}: expected {}, got {}".format(name, given, worked_out))
    return lines


def _plain(value: object) -> object:
    return value.upper() if isinstance(value, str) else value


def report(vectors: "list[Vector]", tables: Tables | None) -> int:
    """Print every failure, a count for each kind and the total; return how many failed."""
    counts: dict[str, list[int]] = {}
    failed = 0
    for vector in vectors:
        kind = str(vector.get("kind"))
        lines = run_vector(vector, tables)
        for line in lines:
            print("FAILED {} ({}): {}".format(vector.get("id"), kind, line))
        counts.setdefault(kind, [0, 0])[1 if lines else 0] += 1
        failed += 1 if lines else 0
    for kind in sorted(counts):
        print("{}: {} passed, {} failed".format(kind, counts[kind][0], counts[kind][1]))
    print("{} passed, {} failed".format(len(vectors) - failed, failed))
    return failed


def load_vectors(path: str) -> "list[Vector]":
    """Return the vectors of a JSON file: a list, or an object whose "vectors" is the list."""
    with open(path) as file:
        loaded = json.load(file)
    vectors = loaded.get("vectors") if isinstance(loaded, dict) else loaded
    if not isinstance(vectors, list):
        raise SharedError('a vector file holds a list, or an object with a list "vectors"')
    return vectors


def load_tables(path: str) -> Tables:
    """Return the EA07 tables of a JSON file; TablesError says which line of them is wrong."""
    with open(path) as file:
        return tables_from_json(json.load(file))


def main(arguments: list[str]) -> int:
    """Run the file named first, with the tables named second; return the exit code."""
    if len(arguments) not in (1, 2):
        print("usage: sts_vectors FILE [TABLES]")
        return 2
    try:
        tables = load_tables(arguments[1]) if len(arguments) == 2 else None
        vectors = load_vectors(arguments[0])
    except (OSError, ValueError, SharedError) as error:
        print("cannot load the vectors or tables: {}".format(error))
        return 2
    return 1 if report(vectors, tables) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
