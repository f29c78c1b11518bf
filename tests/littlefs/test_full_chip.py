"""A chip that fills up while nobody takes the entries: metering and enforcement go on, and no credit is given up."""

import gc

from tests.fakes import auditor
from tests.fakes.chip import unplug
from tests.littlefs.living import Households

ACCEPT, NOT_READY = 1, 16
KEPT_FOR_TOKENS = 32768
SECTORS, CAPACITY_BYTES = 69, 229376


def audit(house):
    """Thousands of entries need what memory there is."""
    gc.collect()
    auditor.audit(house)


def full(until_bytes):
    """Two meters without a link, many tokens a day, until so little is free."""
    households = Households(2, SECTORS, CAPACITY_BYTES)
    house = households.house
    store = house.gateway.core.store
    hour = 0
    while store.free() > until_bytes:
        for channel in range(2):
            house.type(house.token(1, channel), channel)
            households.draw(60 if hour % 8 else 150, channel)
        house.step(1200, 600000)
        hour += 1
    return households


def test_on_a_chip_that_fills_up_water_is_counted_and_paid_for_and_the_valve_closes():
    households = full(KEPT_FOR_TOKENS - 4000)
    house = households.house
    paid = [house.meter(channel).credited for channel in range(2)]

    households.draw(house.balance(0) // 1000 + 3, 0)
    house.step(10)
    closed = house.valves[0].is_closed()
    taken = house.type(house.token(50))
    house.step(10)
    opened = house.valves[0].is_open()
    households.draw(40, 0)
    house.step(2)

    registers = house.gateway.core.registers
    assert closed and taken == ACCEPT and opened
    assert [registers[channel].volume_ml for channel in range(2)] == households.used_ml
    assert house.meter(1).credited == paid[1] and house.balance(0) == house.meter(0).credited - households.used_ml[0]
    audit(house)
    house.reboot()
    audit(house)
    unplug("/chip")


def test_a_chip_that_is_full_to_the_last_entry_still_meters_and_is_well_again_once_the_cloud_answers():
    households = full(8000)
    house = households.house
    codes = [ACCEPT]
    while codes[-1] == ACCEPT:
        codes.append(house.type(house.token(1)))
    shown = house.meter().credited
    households.draw(house.balance(0) // 1000 + 3, 0)
    house.step(10)
    closed = house.valves[0].is_closed()
    counted = house.gateway.core.registers[0].volume_ml == households.used_ml[0]
    house.reboot()
    audit(house)
    at_least = households.used_ml[0] - house.gateway.core.registers[0].volume_ml

    house.trust_time()
    households.send()
    house.step(10)
    taken = house.type(house.token(50))
    house.step(10)

    assert len(codes) > 3 and codes[-1] == NOT_READY
    assert closed and counted and 0 <= at_least < 11000
    assert house.meter().credited == shown + 5000000 and taken == ACCEPT and house.valves[0].is_open()
    assert house.gateway.recovery == "" and house.gateway.core.store.free() > KEPT_FOR_TOKENS
    house.reboot()
    assert house.gateway.recovery == "" and house.meter().credited == shown + 5000000
    unplug("/chip")
