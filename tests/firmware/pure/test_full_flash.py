"""A flash that is full or refuses every write: metering, closing and answers go on, and nothing is lost."""

from tests.fakes.auditor import audit
from tests.fakes.house import House
from tests.firmware.pure.test_supply import with_credit


def test_a_full_flash_goes_on_metering_and_closing():
    house = with_credit(1)
    house.flash.leave(20000)

    house.flow(100)
    house.step()

    assert house.balance() == 0 and house.valves[0].is_closed()


def test_a_flash_that_is_full_to_the_last_byte_still_closes_and_opens():
    house = with_credit(1)
    house.flash.leave(0)
    house.flow(100)
    house.step()
    closed = house.valves[0].is_closed()

    house.flash.leave(100000)
    house.step()
    house.type(house.token(5))
    house.step()

    assert closed and house.valves[0].is_open()
    assert house.kinds().count("valve intent") == 3
    audit(house)


def test_a_flash_that_refuses_every_write_still_meters_closes_and_answers():
    house = with_credit(1)
    house.flash.refuse_after = 0
    house.flow(100)
    house.gateway.lid(True, house.now_ms + 20000)
    house.step(7200, 10000)
    refused = house.type(house.token(5))
    closed = house.valves[0].is_closed()
    house.flow(5)
    shown = house.balance()

    house.flash.refuse_after = None
    taken = house.type(house.token(5))
    house.step()

    assert closed and (refused, taken, shown) == (16, 1, -5000)
    assert house.valves[0].is_open()
    audit(house)


def test_a_start_on_a_flash_that_refuses_every_write_still_meters():
    house = with_credit(1)
    house.flash = house.flash.after_reboot()
    house.flash.refuse_after = 0
    house.start()
    house.trust_time()

    house.flow(100)
    house.step()

    assert house.valves[0].is_closed() and house.gateway.recovery == ""


def test_starts_do_not_take_the_room_that_is_kept_for_tokens():
    house = House()
    before = house.state.sequence
    house.flash.capacity_bytes = 20000
    house.reboot()

    assert house.state.sequence == before
