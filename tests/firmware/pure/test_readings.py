"""Hourly readings on the gateway: counted by the hour of UTC, packed by the day, kept while there is room."""

from firmware.ledger import readings as stores
from firmware.readings import NONE_KEPT
from shared import readings
from tests.fakes.clock import TRUSTED
from tests.fakes.flash import Flash, PowerCut
from tests.fakes.hours import HOUR, UNIT_ML, Desk, kept

DAY = 20717


def hours(desk):
    """(first hour, pulses) of each record on flash."""
    return [(record.first_hour - HOUR, record.pulses) for record in kept(desk)]


def test_a_day_is_packed_with_the_flow_of_each_hour():
    desk = Desk()
    desk.pass_hours(*range(24))

    check, total = desk.readings.close_day(0, DAY)

    (record,) = kept(desk)
    assert (record.day, record.first_hour, record.register, record.pulses) == (DAY, HOUR, 500, list(range(24)))
    assert (check, total) == (readings.check_of(readings.encode(record)), sum(range(24)))


def test_the_hour_that_runs_when_a_day_ends_goes_to_the_next_record():
    desk = Desk()
    desk.pass_hours(1, 2)
    desk.flow(5)

    desk.readings.close_day(0, DAY)
    desk.pass_hours(6, 7)
    desk.readings.close_day(0, DAY + 1)

    assert hours(desk) == [(0, [1, 2]), (2, [11, 7])]


def test_registers_of_records_join_without_a_gap():
    desk = Desk()
    desk.volumes_ml[0] += 300
    desk.pass_hours(1, 2)
    desk.readings.close_day(0, DAY)
    desk.volumes_ml[0] += 800
    desk.pass_hours(4)
    desk.readings.close_day(0, DAY + 1)

    first, second = kept(desk)

    assert second.register == first.register + UNIT_ML * first.total()
    assert (first.total(), second.total()) == (3, 5)


def test_hours_that_the_clock_jumps_over_count_nothing():
    desk = Desk()
    desk.pass_hours(1)
    desk.flow(2)
    desk.clock.time_s += 3 * 3600
    desk.tick()
    desk.pass_hours(9)

    desk.readings.close_day(0, DAY)

    assert hours(desk) == [(0, [1, 2, 0, 0, 9])]


def test_a_jump_over_days_leaves_its_hours_out():
    desk = Desk()
    desk.flow(4)
    desk.clock.time_s += 100 * 3600
    desk.tick()
    desk.readings.close_day(0, DAY)
    desk.pass_hours(5)
    desk.readings.close_day(0, DAY + 4)

    assert hours(desk) == [(0, [4]), (100, [5])]


def test_a_clock_that_is_set_back_counts_on_in_the_hour_that_runs():
    desk = Desk()
    desk.pass_hours(1, 2)
    desk.clock.time_s -= 2 * 3600
    desk.pass_hours(3, 4, 5)

    desk.readings.close_day(0, DAY)

    assert hours(desk) == [(0, [1, 2, 12])]


def test_a_clock_without_trust_is_told():
    desk = Desk()
    desk.pass_hours(1)
    desk.clock.trust = 1
    desk.pass_hours(1)
    desk.clock.trust = TRUSTED
    desk.pass_hours(1)

    desk.readings.close_day(0, DAY)

    assert [record.quality for record in kept(desk)] == [1]


def test_a_day_that_nobody_closes_is_kept_without_a_day():
    desk = Desk()

    desk.pass_hours(*([1] * 30))

    assert [(record.day, record.pulses) for record in kept(desk)] == [(readings.NOT_CLOSED, [1] * 26)]
    desk.readings.close_day(0, DAY)
    assert hours(desk)[1:] == [(26, [1] * 4)]


def test_a_day_without_a_whole_hour_has_no_record():
    desk = Desk()

    assert desk.readings.close_day(0, DAY) == NONE_KEPT and kept(desk) == []


def test_a_restart_loses_no_hour():
    desk = Desk((0, 1))
    desk.pass_hours(1, 2)
    desk.flow(3)
    desk.reboot()
    desk.pass_hours(4)
    desk.reboot()

    desk.readings.close_day(0, DAY)
    desk.readings.close_day(1, DAY)

    assert hours(desk) == [(0, [1, 2, 7]), (0, [0, 0, 0])]


def test_a_restart_in_the_first_hour_of_a_day_loses_nothing():
    desk = Desk()
    desk.pass_hours(1)
    desk.readings.close_day(0, DAY)
    desk.tick()
    desk.flow(3)
    desk.reboot()
    desk.pass_hours(4)

    desk.readings.close_day(0, DAY + 1)

    assert hours(desk) == [(0, [1]), (1, [7])]


def test_closing_a_day_again_gives_the_same_answer():
    desk = Desk()
    desk.pass_hours(1, 2)
    first = desk.readings.close_day(0, DAY)
    desk.pass_hours(3)

    again = desk.readings.close_day(0, DAY)

    assert again == first and len(kept(desk)) == 1


def test_power_that_goes_while_a_day_is_closed_takes_at_most_its_record():
    cut = 0
    while True:
        desk = Desk((0, 1))
        desk.pass_hours(1, 2)
        desk.flow(8, 1)
        desk.flash.cut_after = desk.flash.written + cut
        done = closed_under_cut(desk)
        desk.reboot()
        answers = [desk.readings.close_day(channel, DAY) for channel in (0, 1)]
        desk.pass_hours(5)
        desk.readings.close_day(0, DAY + 1)

        counted = [sum(record.pulses) for record in kept(desk) if record.channel == 0]
        assert sum(counted) == 8 and len(counted) == 2, (cut, counted)
        named = [(readings.check_of(readings.encode(record)), record.total()) for record in kept(desk)]
        assert answers[0] in named and answers[1] in named
        if done:
            return
        cut += 1


def closed_under_cut(desk):
    try:
        for channel in (0, 1):
            desk.readings.close_day(channel, DAY)
        desk.tick()
        return True
    except PowerCut:
        return False


def test_a_full_flash_gives_up_the_oldest_readings_first():
    desk = Desk(flash=Flash(stores.FREE_MIN_BYTES + 10000))
    for day in range(1000):
        desk.pass_hours(*([200] * 24))
        assert desk.readings.close_day(0, DAY + day) != NONE_KEPT
        assert desk.flash.free() >= stores.FREE_MIN_BYTES

    days = [record.day - DAY for record in kept(desk)]
    assert days == list(range(days[0], 1000)) and len(days) > 50


def test_no_reading_takes_the_room_of_tokens():
    desk = Desk(flash=Flash(stores.FREE_MIN_BYTES))

    desk.pass_hours(1, 2)

    assert desk.readings.close_day(0, DAY) == NONE_KEPT
    assert desk.flash.files == {}
    assert desk.readings.close_day(0, DAY) == NONE_KEPT


def test_a_flash_that_refuses_stops_nothing():
    desk = Desk()
    desk.pass_hours(1)
    desk.flash.refuse_after = 5
    refused = desk.readings.close_day(0, DAY)
    desk.pass_hours(2)
    desk.flash.refuse_after = None
    desk.pass_hours(3)

    desk.readings.close_day(0, DAY + 1)

    assert refused == NONE_KEPT and hours(desk) == [(1, [2, 3])]


def test_a_record_that_rotted_hides_only_what_stands_behind_it():
    desk = Desk()
    for day in range(3):
        desk.pass_hours(day)
        desk.readings.close_day(0, DAY + day)
    name = next(name for name in desk.flash.names() if name.startswith("rseg"))

    desk.flash.flip(name, readings.READING_HEAD + 5 + 8)

    assert [record.day for record in kept(desk)] == [DAY]


def test_hours_left_behind_by_a_full_flash_are_not_taken_for_the_present():
    desk = Desk()
    desk.pass_hours(1)
    desk.flash.capacity_bytes = 1000
    desk.pass_hours(*([1] * 100))
    desk.flash.capacity_bytes = 1 << 20

    desk.reboot()
    desk.pass_hours(4)
    desk.readings.close_day(0, DAY)

    assert hours(desk) == [(101, [4])]


def test_readings_of_an_earlier_epoch_are_removed():
    desk = Desk()
    desk.pass_hours(1)
    desk.readings.close_day(0, DAY)

    desk.settings.epoch = 2
    desk.reboot()

    assert [name for name in desk.flash.names() if name.startswith("rseg")] == []
    assert desk.readings.store.last == {} and desk.readings.store.waiting() == 0
