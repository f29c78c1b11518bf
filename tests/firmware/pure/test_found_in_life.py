"""What random lives found, each once in short."""

from shared import kinds
from shared.policy import Floor, Policy
from shared.state import MeterState
from shared.supply import decide
from tests.fakes.auditor import audit
from tests.fakes.house import START_S, House, bundle, enrolled_flash, signed_policy

NO_DEBT_COLLECTED = 0xF0FFFFFF


def drained(**policy):
    """A house whose one token has been used up, while its clock is not trusted."""
    house = House(1, enrolled_flash(bundle(1, policy=signed_policy(**policy))))
    house.type(house.token(1))
    house.step()
    for _ in range(10):
        house.flow(10)
    return house


def test_the_cap_of_an_untrusted_clock_ends_also_where_the_policy_collects_no_debt():
    house = drained(untrusted_clock_cap=5000, collection=NO_DEBT_COLLECTED)

    for _ in range(20):
        house.flow(1)
        house.step()

    assert house.meter().cap_drawn == 5000
    assert house.meter().intent == kinds.LIFELINE
    assert house.meter().pots[kinds.ACCUMULATED_DEBT] == 0
    audit(house)


def test_restarts_bring_no_water_to_whom_has_no_credit():
    house = drained(untrusted_clock_cap=5000)
    start_ml = house.meter().register

    drawn_ml = 0
    for _ in range(40):
        if house.valves[0].position is not False:
            house.flow(2)
            drawn_ml += 2000
        house.step()
        house.reboot()
        house.step()

    assert house.meter().intent == kinds.LIFELINE
    assert drawn_ml == house.gateway.core.registers[0].volume_ml - start_ml <= 5000 + 25000 + 2000
    audit(house)


def decided(meter, policy, floor=None, quality=kinds.TIME_UNKNOWN):
    return decide(meter, START_S, quality, policy, floor or Floor())[0] & 0xFF


def limited(intent, credit=0, mode=0):
    meter = MeterState(0)
    meter.intent, meter.mode, meter.lifeline_left = intent, mode, 1000
    meter.pots[kinds.TOKEN_CREDIT] = credit
    return meter


def test_a_small_payment_does_not_take_the_lifeline_of_an_untrusted_clock_away():
    policy = Policy(reconnect_threshold=50000, untrusted_clock_cap=0)

    before = decided(limited(kinds.LIFELINE), policy)
    after = decided(limited(kinds.LIFELINE, 30000), policy)

    assert (before, after) == (kinds.LIFELINE, kinds.LIFELINE)


def test_a_payment_that_is_to_be_confirmed_leaves_the_drip_on():
    policy = Policy(drip_allowed=1, reconnect_armed=1)
    meter = limited(kinds.DRIP, 30000, kinds.MODE_BYPASS)

    assert decided(meter, policy, quality=kinds.TIME_TRUSTED) == kinds.DRIP


def test_critical_need_is_not_closed_by_a_floor_that_says_so():
    floor = Floor(minimum_supply=kinds.CLOSED, critical_supply=kinds.CLOSED)
    meter = limited(kinds.FULL, 0, kinds.MODE_CRITICAL)

    assert decided(meter, Policy(), floor, kinds.TIME_TRUSTED) == kinds.LIFELINE
