"""Token decode on the device's interpreter, against the bit-list version of the same algorithm and against one HMAC.

Each group of rows is of one run and names its interpreter; the 32-bit build is measured where there is one.
"""

from tests.bench import device
from tests.bench.rows import Row

_OPERATIONS = ("ea07_block", "ea11_block", "ea07_token", "ea11_token")
_NAMES = {"block": "block", "token": "token decode"}
_FASTER_BARS = {"ea07_block": 60.0, "ea11_block": 60.0, "ea07_token": 10.0, "ea11_token": 10.0}
_HMAC_BARS = {"ea11_block": 0.3, "ea11_token": 8.0}
_GARBAGE_BAR = 1024


def measure() -> list[Row]:
    """Ratios under MicroPython's unix port, of 64 and of 32 bits."""
    programs = [program for program in (device.MICROPYTHON, device.MICROPYTHON32) if program.exists()]
    return [row for program in programs for row in _rows(device.run("tests.bench.decode_device", program=program))]


def _rows(told: dict[str, float]) -> list[Row]:
    interpreter = f"MicroPython {told['version']:.2f}, {told['word_bits']:.0f} bits"
    rows = []
    for operation in _OPERATIONS:
        algorithm, what = operation.split("_")
        name = f"{interpreter}: {algorithm.upper()} {_NAMES[what]}"
        took = told[operation]
        faster = told[f"{operation}_bits"] / took
        rows += [
            Row(f"{name}, against bit lists", faster, "times faster", _FASTER_BARS[operation], "higher"),
            Row(f"{name}, against one HMAC", took / told["hmac"], "HMACs", _HMAC_BARS.get(operation), "lower"),
            Row(f"{name}, time", took, "us", None, "lower"),
        ]
    return [
        *rows,
        Row(f"{interpreter}: EA11 token decode, heap", told["garbage"], "bytes", _GARBAGE_BAR, "lower"),
        Row(f"{interpreter}: one HMAC-SHA-256 of 64 bytes", told["hmac"], "us", None, "lower"),
        Row(f"{interpreter}: its two hashes alone", told["ready_hmac"], "us", None, "lower"),
    ]
