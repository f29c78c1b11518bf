"""Lives of a ledger by chance on littlefs on a chip in RAM: cut at any command, torn or not, also when it runs full."""

import os

from firmware.ledger.store import FlashFull
from shared import kinds
from shared.entries import Entry
from shared.slices import finish
from tests.fakes.chip import ChipFlash, formatted, unplug
from tests.fakes.ledger_life import Lcg, Life, open_on

_LIVES = 200 if os.getenv("PENSTOCK_LONG") else 4
_TURNS = 160
_FOLDER_NEAR = 1932  # entries: the next folder begins at 2048
_SECTORS = 64
_FULL_SECTORS = 14


class Cuts:
    """Copies the chip of a life at commands that are drawn, half of them torn, and starts from the copy."""

    def __init__(self, life, every: int) -> None:
        self.life = life
        self.every = every
        self.cuts = 0
        life.flash.chip.before = self._before

    def _before(self, sector, offset, data):
        random = self.life.random
        if random.below(self.every):
            return
        self.cuts += 1
        chip = self.life.flash.chip.copy()
        if random.below(2):
            chip.tear(sector, offset, bytes(data), random.below)
        flash = ChipFlash(chip, "/fork")
        store = open_on(flash)
        self.life.judge(store)
        _live_on(store)
        self.life.judge_again(store, open_on(flash.after_reboot()))
        unplug("/fork")

    def end(self):
        """Close the file that a step has open, on a chip that nobody reads any more: a collection could not."""
        self.life.flash.chip.before = None
        if self.life.steps is not None:
            self.life.steps.close()

    def move_on(self):
        """Start from a copy of the chip as it is, as if the power went between two steps."""
        chip = self.life.flash.chip
        left = chip.copy()
        self.end()
        self.life.start_on(ChipFlash(left, "/chip"))
        self.life.flash.chip.before = self._before


def _live_on(store):
    try:
        for count in (3, 6, 1):
            store.append([Entry(0, 1000, kinds.BOOT) for _ in range(count)])
            finish(store.rest_steps())
    except FlashFull:
        pass


def lives(first_seed, sectors, prunes, every):
    """Returns how many cuts there were, and how often flash was full."""
    cuts = full = 0
    for seed in range(first_seed, first_seed + _LIVES):
        random = Lcg(seed)
        life = Life(ChipFlash(formatted(sectors), "/chip"), random, _FOLDER_NEAR if prunes and seed % 4 == 3 else 0)
        taker = Cuts(life, every)
        try:
            for _ in range(_TURNS):
                life.turn()
                if random.below(25) == 0:
                    taker.move_on()
        except BaseException:
            print("seed", seed)
            raise
        cuts += taker.cuts
        full += life.refused
        assert not life.stuck, "a chip that is full lets go of what is removed"
        taker.end()
        unplug("/chip")
    return cuts, full


def test_a_ledger_on_littlefs_that_is_cut_at_any_command_holds_what_it_had_made_durable():
    cuts, _full = lives(7000, _SECTORS, True, 12)
    print(cuts, "cuts")

    assert cuts > 5 * _LIVES


def test_a_ledger_on_a_chip_that_runs_full_holds_what_it_had_made_durable_and_goes_on_when_it_was_pruned():
    cuts, full = lives(9000, _FULL_SECTORS, False, 12)
    print(cuts, "cuts", full, "refused")

    assert cuts > 5 * _LIVES and full > _LIVES
