"""Runs under MicroPython: a gateway on the flash that household.py made, at start and after an hour of simulated work.

Arguments: the folder of the flash, and the file of the tokens. Prints `name value` lines in bytes.
"""

import firmware.boot  # noqa: F401, I001  first, as on a board

import gc
import sys

from firmware.drivers.flash import Flash
from tests.bench.rig import METERS, Rig

CAPACITY_BYTES = 1 << 20
_MINUTES = 60
_PULSES_A_MINUTE = 3


def free_bytes():
    gc.collect()
    return gc.mem_free()


def largest_block_bytes():
    """The largest buffer that can still be had, to 1 KiB."""
    size = free_bytes()
    while True:
        try:
            bytearray(size)
            return size
        except MemoryError:
            size -= 1024


def segment_bytes(folder):
    flash = Flash(folder, CAPACITY_BYTES)
    return sum([flash.size(name) for name in flash.each("seg-")])


def main(folder, tokens):
    """Every meter is drawn from and loaded, and all that is written is sent."""
    before = segment_bytes(folder)
    rig = Rig(Flash(folder, CAPACITY_BYTES))
    gateway = rig.gateway
    print("start", free_bytes())
    sequence = gateway.core.state.sequence
    rig.trust_time()
    with open(tokens) as lines:
        for _ in range(_MINUTES):
            for _ in range(2):
                assert rig.type(lines.readline().strip()) == 1, "the token is accepted"
            rig.flow(_PULSES_A_MINUTE)
            for _ in range(6):
                rig.step(10)
                gc.collect()  # as often as the firmware does
            gateway.lines(rig.now_ms)
            rig.upload()
    assert not gateway.recovery, gateway.recovery
    assert len(gateway.channels()) == METERS
    print("hour", free_bytes())
    print("block", largest_block_bytes())
    print("entries", gateway.core.state.sequence - sequence)
    print("flash", segment_bytes(folder) - before)
    sys.exit(0)


if __name__ == "__main__":
    main(*sys.argv[1:])
