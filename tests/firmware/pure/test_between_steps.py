"""What changes between two steps, or fails in one: the next step knows, and nothing is lost or stands still."""

import os

import firmware.drivers.flash as driver
from shared.slices import finish
from tests.fakes.accounts import DAY_S, account, midnight
from tests.fakes.auditor import audit
from tests.fakes.flash import Flash
from tests.firmware.pure.test_tail import begun, boots, store_on
from tests.helpers import raises, scratch

_FOLDER = scratch("between_steps")


def test_a_clock_that_is_set_days_ahead_while_a_day_is_closed_closes_the_day_before_its_new_time():
    for at in range(12):
        house = account(25)
        house.clock.time_s = midnight() - 3
        house.step(2)
        house.clock.time_s = midnight() + 2
        house.now_ms += 2000
        for number, _step in enumerate(house.gateway.tick_steps(house.now_ms)):
            if number == at:
                house.clock.set_signed(house.clock.time_s + 3 * DAY_S)
        house.step(3)
        audit(house)

        assert house.meter().day == house.clock.time_s // DAY_S - 1


def test_damage_that_is_found_between_two_steps_of_a_tick_ends_writing_and_not_the_run():
    for entries in (0, 6, 7):
        for at in range(12):
            house = account(25)
            house.flow(1)
            house.step(5)
            for _ in range(entries):
                house.gateway.stuck_key("7")
            house.counts[0] += 2600
            house.gateway.pulses(0, house.counts[0])
            house.now_ms += 2000
            house.clock.time_s += 4000
            for number, _step in enumerate(house.gateway.tick_steps(house.now_ms)):
                if number == at:
                    house.flash.flip(house.flash.names("seg-")[0], 56)
                    finish(house.gateway.messages.batch_steps())
            house.step(2)

            assert house.gateway.recovery


def test_a_token_that_crashes_the_keypads_task_of_safe_mode_leaves_the_meters_task_alone():
    house = account(25)

    def broken():
        raise ValueError("a bug")
        yield None

    house.gateway._customer._taking = (0, broken())
    raises(ValueError, house.gateway.token_step, house.now_ms)
    house.step(2)

    assert not house.gateway.takes_token()


def test_a_full_flash_with_one_checkpoint_left_is_pruned_once_the_cloud_answers():
    house = account(25)
    for _ in range(6):
        for _ in range(100):
            house.gateway.stuck_key("7")
        house.step(1)
    steps = house.gateway.core.store.checkpoint_steps(house.clock.time_s, 0, 1)
    copies = house.flash.read("check-a"), house.flash.read("check-b")
    while (house.flash.read("check-a"), house.flash.read("check-b")) == copies:
        next(steps)  # and the power goes before its entry
    house.flash.leave(20000)
    house.reboot()
    house.trust_time()
    store = house.gateway.core.store
    house.gateway.messages.outbox.acknowledge(house.state.sequence, store.head)
    house.step(300)

    assert house.gateway.core.has_room() and store.first_kept() > 1


def test_an_emptying_that_was_overtaken_touches_nothing_of_the_next():
    flash = Flash()
    store = begun(flash)
    for count in (40, 3, 1, 1, 1, 1, 1):
        store.append(boots(count))
    one = store.make_way_steps(8)
    next(one)
    store.append(boots(3))
    store.append(boots(3))
    two = store.make_way_steps(8)
    next(two)
    finish(one)
    finish(two)
    again = store_on(flash.after_reboot())

    assert again.damage == "" and again.head == store.head


def test_a_segment_that_was_removed_though_flash_refused_stops_no_pruning():
    flash = Flash()
    store = begun(flash)
    for _ in range(8):
        store.append(boots(69))
        finish(store.checkpoint_steps(1000, 0, 1))
    works = flash.remove

    def refuse(name):
        flash.remove = works
        works(name)
        raise OSError(5)

    flash.remove = refuse
    raises(OSError, store.prune, store.state.sequence, 1 << 30)

    assert store.prune(store.state.sequence, 1 << 30) and store.prune(store.state.sequence, 1 << 30)


class _RefusingToRename:
    def __getattr__(self, name):
        return getattr(os, name)

    def rename(self, _old, _new):
        raise OSError(28)


def test_a_replace_whose_renaming_fails_takes_no_room():
    flash = driver.Flash(_FOLDER, 100000)
    free = flash.free()
    driver.os = _RefusingToRename()
    try:
        for _ in range(3):
            raises(OSError, flash.replace, "one", bytes(1000))
    finally:
        driver.os = os

    assert flash.free() == free
