"""Runs under MicroPython: a gateway of eight meters on a flash of files, at start and after an hour of simulated work.

Prints `name value` lines in bytes. The unix port has 64-bit words, so each figure is about twice a board's.
"""

import gc
import os
import sys

from firmware import enrol, settings
from firmware.drivers.flash import Flash
from shared import documents
from shared.slices import finish
from tests.fakes import house

METERS = 8
HOUR_S = 3600
LITRES_A_MINUTE = 3
DIRECTORY = "build/bench/flash"


def fresh_flash():
    for part in ("build", "build/bench", DIRECTORY):
        try:
            os.mkdir(part)
        except OSError:
            pass
    for name in os.listdir(DIRECTORY):
        os.remove(DIRECTORY + "/" + name)
    flash = Flash(DIRECTORY, 1 << 20)
    settings.offer_identity(flash, house.identity())
    enrol.store_bundle(flash, house.bundle(METERS))
    return flash


def free_bytes():
    gc.collect()
    return gc.mem_free()


def acknowledge(gateway):
    """Sign every batch that waits, and have it acknowledged as the cloud does."""
    while gateway.messages.outbox.waiting():
        fields = documents.parse_batch(finish(gateway.messages.batch_steps())).fields
        ack = documents.ACK.encode(
            utility=house.UTILITY,
            gateway=house.GATEWAY,
            epoch=1,
            sequence=fields["last"],
            head=fields["head"],
            nonce=fields["nonce"],
        )
        finish(gateway.messages.receive_steps(documents.with_mac(house.LINK_KEY, ack), 0))


def main():
    at_home = house.House(METERS, fresh_flash())
    at_home.trust_time()
    print("start", free_bytes())
    for minute in range(HOUR_S // 60):
        channel = minute % METERS
        for digit in at_home.token(10, channel):
            at_home.gateway.key(digit, at_home.now_ms)
        at_home.type(at_home.token(10, channel), channel)
        for meter in range(METERS):
            at_home.flow(LITRES_A_MINUTE, meter)
        at_home.step(60)
        at_home.gateway.lines(at_home.now_ms)
        acknowledge(at_home.gateway)
    print("hour", free_bytes())
    print("entries", at_home.state.sequence)
    flash_bytes = sum([os.stat(DIRECTORY + "/" + n)[6] for n in os.listdir(DIRECTORY) if n.startswith("seg-")])
    print("flash", flash_bytes)
    sys.exit(0)


if __name__ == "__main__":
    main()
