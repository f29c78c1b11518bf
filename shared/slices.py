"""Long computations in slices: a generator yields between slices of work and returns the result."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Generator
    from typing import TypeVar

    T = TypeVar("T")


def finish(steps: "Generator[object, None, T]") -> "T":
    """Run a sliced computation to its end in one go and return its result."""
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            return stop.value  # type: ignore[no-any-return]
