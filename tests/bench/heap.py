"""Free heap of a gateway of eight meters with its data full, after start and after an hour of simulated work.

It is frozen into a 32-bit MicroPython with the heap of a small board; where that cannot be built, source text on the
64-bit one informs, without a bar.
"""

from tests.bench import device, household
from tests.bench.rows import Row

_FREE_BAR = 92160  # bytes; TLS, the link and the tasks live from it


def measure() -> list[Row]:
    """Free bytes after a collection, and what a ledger of that hour weighs."""
    told = device.run_as_board("tests.bench.heap_device", *household.fresh("flash-heap"))
    bar = _FREE_BAR if device.is_frozen() else None
    where = "192 KiB, 32 bits, frozen" if device.is_frozen() else "2 MiB, 64 bits, from text"
    return [
        Row(f"free heap with full data, after start ({where})", told["start"], "bytes", bar, "higher"),
        Row("free heap with full data, after an hour of work", told["hour"], "bytes", bar, "higher"),
        Row("heap kept over that hour", told["start"] - told["hour"], "bytes", 16384, "lower"),
        Row("largest free block after that hour", told["block"], "bytes", None, "higher"),
        Row("bytes per entry on flash", told["flash"] / told["entries"], "bytes", 64, "lower"),
    ]


def imports() -> list[Row]:
    """What each module takes from the heap when it is imported, and each part when it is made; most first."""
    told = device.run_as_board("tests.bench.imports_device", household.fresh("flash-imports")[0], heap="1M")
    rows = [Row(name, told[name], "bytes", None, "lower") for name in sorted(told, key=told.__getitem__, reverse=True)]
    return [*rows, Row("all of it", sum(told.values()), "bytes", None, "lower")]
