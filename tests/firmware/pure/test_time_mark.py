"""The clock's mark: how far time has come without anybody who tells it, over restarts and cuts."""

from firmware.ledger.time_mark import MARK_EVERY_S, TimeMark
from tests.fakes.flash import Flash, PowerCut
from tests.fakes.house import START_S, House


def test_it_is_kept_every_ten_minutes():
    flash = Flash()
    mark = TimeMark(flash)

    mark.keep(START_S)
    mark.keep(START_S + MARK_EVERY_S - 1)
    assert TimeMark(flash).time_s == START_S
    mark.keep(START_S + MARK_EVERY_S)

    assert TimeMark(flash).time_s == START_S + MARK_EVERY_S


def test_the_mark_before_stays_wherever_the_power_goes():
    whole = Flash()
    TimeMark(whole).keep(START_S)
    for cut in range(80):
        flash = whole.after_reboot()
        flash.cut_after = cut
        try:
            TimeMark(flash).keep(START_S + MARK_EVERY_S)
        except PowerCut:
            pass

        assert TimeMark(flash.after_reboot()).time_s in (START_S, START_S + MARK_EVERY_S)


def test_a_flash_that_refuses_costs_time_only():
    flash = Flash()
    flash.refuse_after = 0
    mark = TimeMark(flash)

    mark.keep(START_S)

    assert TimeMark(flash).time_s == 0


def test_a_gateway_goes_on_from_its_mark():
    house = House()
    for _restart in range(3):
        house.step(1500, every_ms=30000)
        house.reboot()

    assert house.clock.now() >= START_S + 3 * 1200


def test_a_gateway_that_knows_the_time_keeps_no_mark():
    house = House()
    house.trust_time()
    house.step(3600, every_ms=30000)

    assert "time-a" not in house.flash.names() or TimeMark(house.flash).time_s <= START_S
