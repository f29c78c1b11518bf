"""What the ledger does to the flash: the commands of one event, and the years until a sector has had its erases.

PENSTOCK_LONG=1 (make test-cuts LONG=1) lives for sixty days instead of two.
"""

import os
import sys

from shared import kinds
from shared.slices import finish
from tests.fakes.chip import unplug
from tests.littlefs.living import Households

LONG = bool(os.getenv("PENSTOCK_LONG"))
DAYS = 60 if LONG else 1 if sys.maxsize < 1 << 32 else 2
EVENTS = 6  # tokens a day
ERASES_OF_A_SECTOR = 100000
YEARS = 15
# (meters, sectors of the file system, FLASH_CAPACITY_BYTES, most erases a day); docs/flash.md says what was measured
GATEWAYS = ((2, 69, 229376, 60), (8, 509, 1769472, 150))


def test_a_gateway_that_is_in_touch_wears_its_flash_for_decades():
    for meters, sectors, capacity_bytes, most in GATEWAYS:
        households = Households(meters, sectors, capacity_bytes)
        chip, store = households.chip, households.house.gateway.core.store
        households.day(EVENTS, True)
        before = (chip.erases, chip.programs, store.state.sequence)
        for _ in range(DAYS):
            households.day(EVENTS, True)
        erases = -(-(chip.erases - before[0]) // DAYS)
        programs = (chip.programs - before[1]) // DAYS
        entries = (store.state.sequence - before[2]) // DAYS
        free_sectors = store.free() // 4096
        years = ERASES_OF_A_SECTOR * free_sectors // (365 * erases)
        text = "{} meters: {} entries, {} erases, {} programs a day; {} sectors, {} free: {} years; most of one: {}"
        print(text.format(meters, entries, erases, programs, sectors, free_sectors, years, max(chip.erased.values())))
        unplug("/chip")

        assert erases <= most and years >= YEARS
        assert ERASES_OF_A_SECTOR * (DAYS + 1) // (365 * max(chip.erased.values())) >= (YEARS if LONG else 1)


def test_a_token_erases_no_sector_as_a_rule_and_never_many():
    households = Households(2, 69, 229376)
    house, chip = households.house, households.chip
    store = house.gateway.core.store
    erases = []
    programs = []
    for _ in range(60):
        token = house.token(1)
        before = (chip.erases, chip.programs)
        code = house.type(token)
        steps = house.gateway.tick_steps(house.now_ms)
        while store.marked()[0] < store.state.sequence:
            next(steps)
        erases.append(chip.erases - before[0])
        programs.append(chip.programs - before[1])
        finish(steps)
        house.step(5, 1000)
        assert code == 1
    text = "a token at the keypad: {} of {} without an erase, at most {}; {} programs, at most {}"
    print(text.format(erases.count(0), len(erases), max(erases), sum(programs) // len(programs), max(programs)))
    unplug("/chip")

    assert erases.count(0) > len(erases) // 3 and max(erases) <= 2
    assert sum(programs) < 9 * len(programs)


def test_a_journal_and_a_mark_are_a_page_each():
    households = Households(2, 69, 229376)
    house, chip = households.house, households.chip
    core = house.gateway.core

    def flow():
        house.counts[0] += 1
        house.gateway.pulses(0, house.counts[0])

    def note():
        core.append(core.entry(kinds.TIME))

    counts = []
    for prepare, work in ((flow, core.journal), (note, core.store.mark)):
        erases = programs = 0
        for _ in range(100):
            prepare()
            before = (chip.erases, chip.programs)
            work()
            erases, programs = erases + chip.erases - before[0], programs + chip.programs - before[1]
        counts.append((erases, programs))
    print("a hundred journals, a hundred marks (erases, programs):", counts)
    unplug("/chip")

    for erases, programs in counts:
        assert erases <= 20 and 100 <= programs <= 200
