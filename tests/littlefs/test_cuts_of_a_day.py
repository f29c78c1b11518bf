"""The power goes at the commands of a flash chip under littlefs, through a day with every kind of entry.

After each cut the gateway starts from what is on the chip: it is not in RECOVERY, its ledger is right and tells all
that was shown, no TID counts twice, no counter went back. PENSTOCK_LONG=1 (make test-cuts LONG=1): each command is cut
before it and torn, on ten days that are torn differently.
"""

import os
import sys

from shared import kinds
from tests.fakes.auditor import audit
from tests.fakes.chip import ChipFlash, formatted, unplug
from tests.littlefs.day import Day
from tests.littlefs.power import Cuts

SECTORS = 69  # as the board with 2 MB has them
SEED = 20261122
LONG = bool(os.getenv("PENSTOCK_LONG"))
IS_SMALL = sys.maxsize < 1 << 32  # as boards are: the C code is the same, and the heap smaller
EVERY = 0 if LONG else 9 if IS_SMALL else 1


def live_a_day(seed):
    """Every step with its cuts; returns (the cuts, the kinds of entry that were written)."""
    day = Day(ChipFlash(formatted(SECTORS)))
    cuts = Cuts(day, EVERY, seed)
    for _name, work in day.steps:
        cuts.step(work)
    day.flash.chip.before = None
    audit(day.house)
    found = {entry.kind for entry in day.house.entries()}
    unplug("/chip")
    text = "seed {}: {} commands, {} cuts, {} of them torn, {} more in the start behind one; lost: {} ml at most"
    print(text.format(seed, cuts.commands, cuts.cuts, cuts.torn, cuts.again, cuts.lost_ml))
    return cuts, found


def test_the_power_may_go_at_any_command_of_the_flash():
    for seed in range(SEED, SEED + (10 if LONG else 1)):
        cuts, found = live_a_day(seed)

        assert [name for kind, name in enumerate(kinds.KIND_NAMES) if name and kind not in found] == []
        assert cuts.cuts >= cuts.commands // (EVERY or 1) and cuts.torn > cuts.cuts // 3 and cuts.again
