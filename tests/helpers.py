"""Small helpers for tests that run under pytest and under MicroPython alike."""

import json


def raises(error_type: type, function, *args) -> BaseException:  # type: ignore[no-untyped-def]
    """Call function(*args) and return the error of error_type that it raises; fail if it raises none."""
    try:
        function(*args)
    except error_type as error:
        return error
    raise AssertionError("expected " + error_type.__name__ + ", nothing was raised")


def load_vectors(name: str) -> dict:  # type: ignore[type-arg]
    """Return the vectors of tests/vectors/<name>.json; the tests run in the project's root."""
    with open("tests/vectors/" + name + ".json") as file:
        return json.load(file)  # type: ignore[no-any-return]
