"""What one step of the gateway erases of its flash, and what a start reads of it.

A sector takes 45 ms to erase, and keys are taken between any two steps. A read takes 20 us of an RP2040 at the least.
"""

import gc

from firmware.ledger.segments import ENTRIES_MAX, FOLDER_ENTRIES
from firmware.ledger.store import Store
from shared import documents, kinds
from shared.entries import Entry
from shared.slices import finish
from tests.fakes.chip import ChipFlash, formatted, unplug
from tests.fakes.house import signed_policy, signed_tariff
from tests.firmware.pure.test_messages import time_message
from tests.littlefs.living import Households

_SECTORS = 509
_CAPACITY_BYTES = 2097152
_READS_OF_A_SEGMENT = 60  # 40 as measured: to list it, and to add up the room it takes


def erases_by_step(homes, days):
    """How many steps took how many erases, over so many days with a token for each meter."""
    gateway, chip = homes.house.gateway, homes.chip
    found = {}

    def tick(now_ms):
        before = chip.erases
        for _step in gateway.tick_steps(now_ms):
            found[chip.erases - before] = found.get(chip.erases - before, 0) + 1
            before = chip.erases
        found[chip.erases - before] = found.get(chip.erases - before, 0) + 1

    gateway.tick = tick
    for _ in range(days):
        homes.day(8, online=True)
    return found


def test_no_step_of_a_day_with_eight_meters_erases_more_than_one_sector():
    found = erases_by_step(Households(8, _SECTORS, _CAPACITY_BYTES), 2)
    print(found)

    assert max(found) == 1
    unplug("/chip")


def _fresh():
    gc.collect()  # a chip takes what memory there is
    return ChipFlash(formatted(_SECTORS), "/chip", _CAPACITY_BYTES)


def _opened(flash):
    store = Store(flash, 7, 9, 1, bytes(32))
    assert store.free() > 0
    return store


def _grow(store, segments):
    for _ in range(segments):
        store.append([Entry(0, 1000, kinds.BOOT) for _ in range(ENTRIES_MAX - 1)])
        finish(store.checkpoint_steps(1000, 0, 1))


def _reads_of_a_start(flash):
    again = flash.after_reboot()
    before = again.chip.reads
    _opened(again)
    return again, again.chip.reads - before


def test_what_a_start_reads_rises_with_the_segments_and_not_with_their_square():
    flash = _fresh()
    store = _opened(flash)
    store.mark()
    _grow(store, 10)
    store.mark()
    flash, few = _reads_of_a_start(flash)
    store = _opened(flash)
    _grow(store, 30)
    store.mark()
    _flash, many = _reads_of_a_start(flash)
    print(few, many)
    unplug("/chip")

    assert many - few < 30 * _READS_OF_A_SEGMENT


def test_segments_are_pruned_where_they_are_many_even_if_there_is_room():
    flash = _fresh()
    store = _opened(flash)
    store.mark()
    _grow(store, 12)
    sequence = store.state.sequence
    removed = 0
    while store.prune(sequence, 0, 8):
        removed += 1
    firsts = len(flash.names("seg-"))
    unplug("/chip")

    assert removed > 3 and firsts == 8 and not store.prune(sequence, 0)


def test_a_folder_that_a_cut_left_empty_is_taken_away():
    flash = _fresh()
    store = _opened(flash)
    store.mark()
    _grow(store, 32)
    while store.prune(store.state.sequence, 1 << 30):
        pass
    removed = not flash.has("seg-000000")
    flash.make_folder("seg-000000")  # as if the power had gone between the last segment and the folder
    store.mark()
    flash = flash.after_reboot()
    finish(_opened(flash).rest_steps())
    taken = not flash.has("seg-000000")
    unplug("/chip")

    assert removed and taken and store.first_kept() >= FOLDER_ENTRIES


def _steps_of(homes, message):
    """(erases, entries) of each step that has any, in which a message is taken in while water flows at every meter."""
    house, store = homes.house, homes.house.gateway.core.store
    for channel in range(homes.meters):
        house.counts[channel] += 3
        house.gateway.pulses(channel, house.counts[channel])
    steps = house.gateway.messages.receive_steps(message, house.now_ms)
    found = []
    going = True
    while going:
        before = homes.chip.erases, store.state.sequence
        going = next(steps, steps) is not steps
        if before != (homes.chip.erases, store.state.sequence):
            found.append((homes.chip.erases - before[0], store.state.sequence - before[1]))
    return found


def test_a_document_or_the_time_for_eight_meters_that_draw_holds_up_keys_for_an_erase_at_the_most():
    homes = Households(8, _SECTORS, _CAPACITY_BYTES)
    homes.day(8, online=True)
    days = b"".join([(20800 + 7 * week).to_bytes(2, "big") for week in range(60)])
    homes.house.receive(homes.house.command(documents.COMMAND_POLICY, signed_policy(2, holidays=days)))
    steps = []
    for version in range(3, 8):
        policy = signed_policy(version, holidays=days)
        steps += _steps_of(homes, homes.house.command(documents.COMMAND_POLICY, policy))
        steps += _steps_of(homes, homes.house.command(documents.COMMAND_TARIFF, signed_tariff(version)))
        steps += _steps_of(homes, time_message(homes.house, homes.house.clock.now() + 1000))
    policy = homes.house.gateway.core.policy_of(0).version
    unplug("/chip")
    many = [step for step in steps if step[0] > 1]
    print(sum([entries for _erases, entries in steps]), many)

    assert policy == 7 and sum([entries for _erases, entries in steps]) >= 5 * 3 * homes.meters
    assert max([entries for _erases, entries in steps]) <= 2
    assert many in ([], [(2, 0)])  # once the directory outgrows its block, and littlefs divides it
