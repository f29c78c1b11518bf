"""A supply that fails while its charge lasts for a write: what flowed is kept, motors stand still, and go on later."""

from shared import kinds
from tests.fakes.accounts import account, midnight, of_kind, until
from tests.fakes.valve import TRAVEL_MS

LITRES = 3  # fewer than the journal waits for


def flowing():
    """A house with credit in which a little has flowed since the last journal."""
    house = account(50)
    house.step(30)
    house.gateway.core.journal()
    house.flow(LITRES)
    house.step(1)
    return house


def test_what_flowed_is_kept_when_power_warns_before_it_goes():
    house = flowing()
    before = house.gateway.core.registers[0].volume_ml

    house.gateway.power_fails(True)
    house.reboot()

    assert house.gateway.core.registers[0].volume_ml == before


def test_without_the_write_only_motors_are_stopped():
    house = flowing()
    before = house.gateway.core.registers[0].volume_ml

    house.gateway.power_fails(False)
    house.reboot()

    assert house.gateway.core.registers[0].volume_ml == before - 1000 * LITRES


def closing():
    """A house whose valve has just begun to close."""
    house = account(1)
    until(house, midnight() + 3600)
    house.step(5)
    house.flow(100)
    while house.valves[0].position is not None:
        assert house.now_ms < 10**8
        house.step(1, 100)
    return house


def test_a_motion_stops_and_is_made_again_when_power_is_back():
    house = closing()
    motions = house.valves[0].motions

    house.gateway.power_fails(True)
    house.step(10 * TRAVEL_MS // 1000)
    stopped = house.valves[0].position, house.valves[0].motions
    house.gateway.power_is_back()
    house.step(10)

    assert stopped == (None, motions), "nothing moves meanwhile"
    assert house.valves[0].position is False
    outcome = of_kind(house, kinds.VALVE_OUTCOME)[-1]
    assert (outcome.detail, outcome.rule) == (kinds.VALVE_CLOSED, kinds.RULE_CREDIT_EXHAUSTED)


def test_a_motion_that_power_ended_is_made_by_the_next_start():
    house = closing()

    house.gateway.power_fails(True)
    house.reboot()
    house.step(10)

    assert house.valves[0].position is False
