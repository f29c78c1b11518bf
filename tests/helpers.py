"""Small helpers for tests that run under pytest and under MicroPython alike."""

import json
import sys


def raises(error_type: type, function, *args) -> BaseException:  # type: ignore[no-untyped-def]
    """Call function(*args) and return the error of error_type that it raises; fail if it raises none."""
    try:
        function(*args)
    except error_type as error:
        return error
    raise AssertionError("expected " + error_type.__name__ + ", nothing was raised")


def scratch(name: str) -> str:
    """Return a path below build/ that is this interpreter's alone: the suites of several run side by side."""
    bits = 64 if sys.maxsize >> 32 else 32
    return "build/" + name + "-" + sys.implementation.name + str(bits)


def load_vectors(name: str) -> dict:  # type: ignore[type-arg]
    """Return the vectors of tests/vectors/<name>.json; the tests run in the project's root."""
    with open("tests/vectors/" + name + ".json") as file:
        return json.load(file)  # type: ignore[no-any-return]
