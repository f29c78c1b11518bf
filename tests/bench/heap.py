"""Free heap of a gateway of eight meters under MicroPython, after start and after an hour of simulated work."""

from tests.bench import device
from tests.bench.rows import Row

_HEAP = "heapsize=512K"  # of 64-bit words: about a board's 256 KB


def measure() -> list[Row]:
    """Free bytes after a collection, and what a ledger of that hour weighs."""
    told = device.run("tests.bench.heap_device", "-X", _HEAP)
    return [
        Row("free heap after start (512 KiB, 64-bit words)", told["start"], "bytes", None, "higher"),
        Row("free heap after an hour of work", told["hour"], "bytes", None, "higher"),
        Row("heap kept over that hour", told["start"] - told["hour"], "bytes", 16384, "lower"),
        Row("bytes per entry on flash", told["flash"] / told["entries"], "bytes", 64, "lower"),
    ]
