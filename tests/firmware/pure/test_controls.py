"""What the customer does with codes: each is on offer or not, and what is done is an entry that the rules allow."""

from firmware import controls
from shared import kinds
from tests.fakes.auditor import audit
from tests.fakes.house import START_S, House, signed_policy
from tests.helpers import raises

DAY_S = 86400


def run(house, code, channel=0):
    """What is shown for a code."""
    return house.gateway._customer._controls.run(channel, code, house.now_ms)


def home(credit=1000000, meters=1, **policy):
    """A gateway with a right clock that has made its first decision."""
    house = House(meters, policy=signed_policy(**policy), opening_balance=credit)
    house.trust_time()
    house.step()
    return house


def last(house):
    entry = house.entries()[-1]
    return entry.kind, entry.detail, entry.rule


def test_the_valve_lock_closes_and_opens_again():
    house = home()

    locked = run(house, controls.VALVE_LOCK)
    house.step()
    closed = house.meter().intent
    opened = run(house, controls.VALVE_LOCK)
    house.step()

    assert (locked, opened) == (("lock_on", ""), ("lock_off", ""))
    assert (closed, house.meter().intent) == (kinds.CLOSED, kinds.FULL)
    audit(house)


def test_the_lock_closes_and_opens_even_when_flash_is_short():
    house = home()
    house.flash.leave(20000)

    assert run(house, controls.VALVE_LOCK)[0] == "lock_on"
    assert run(house, controls.VALVE_LOCK)[0] == "lock_off"
    assert run(house, controls.EMERGENCY_CREDIT)[0] != "not_now"


def test_a_flash_that_refuses_leaves_the_lock_open():
    house = home()
    house.flash.refuse_after = 0

    assert run(house, controls.VALVE_LOCK) == ("not_now", "") and not house.meter().locked


def test_emergency_credit_is_given_once_when_it_is_offered():
    house = home(emergency_limit=500000, emergency_threshold=100000, emergency_activation=2)

    too_early = run(house, controls.EMERGENCY_CREDIT)
    house.flow(950)
    given = run(house, controls.EMERGENCY_CREDIT)
    entry = last(house)
    again = run(house, controls.EMERGENCY_CREDIT)

    assert [shown[0] for shown in (too_early, given, again)] == ["not_now", "emergency_on", "nothing_to_do"]
    assert entry == (kinds.GRANT, kinds.GRANT_EMERGENCY, kinds.RULE_KEYPAD)
    assert house.meter().emergency_limit == 500000
    audit(house)


def test_emergency_credit_that_is_used_up_is_not_given_again():
    house = home(0, emergency_limit=5000, emergency_activation=2)
    run(house, controls.EMERGENCY_CREDIT)
    house.flow(6)

    assert run(house, controls.EMERGENCY_CREDIT)[0] == "not_now"


def test_what_the_policy_does_not_offer_is_not_offered():
    house = home(0)
    for code in (controls.EMERGENCY_CREDIT, controls.EMERGENCY_OPEN):
        assert run(house, code) == ("not_offered", "")
    never = home(0, emergency_limit=5000, reserved_activation=0)
    assert run(never, controls.EMERGENCY_CREDIT) == ("not_offered", "")
    assert run(never, controls.RESERVED_CREDIT) == ("not_offered", "")


def test_a_bulk_meter_offers_nothing():
    house = House(mode=kinds.MODE_BULK)
    sequence = house.state.sequence

    assert [run(house, code) for code in controls.CODES] == [("not_offered", "")] * 5
    assert house.state.sequence == sequence


def test_a_bill_meter_has_no_credits_and_still_its_lock():
    house = House(mode=kinds.MODE_CREDIT, policy=signed_policy(emergency_limit=5, emergency_activation=2))

    shown = [run(house, code)[0] for code in (controls.EMERGENCY_CREDIT, controls.RESERVED_CREDIT, controls.VALVE_LOCK)]

    assert shown == ["not_offered", "not_offered", "lock_on"]


def test_reserved_credit_is_released_by_its_code():
    house = home(0, reserved_activation=2)
    nothing = run(house, controls.RESERVED_CREDIT)
    house.receive(house.adjust_command(kinds.RESERVED_CREDIT, 700000))
    house.step()
    waiting = house.meter().intent

    released = run(house, controls.RESERVED_CREDIT)
    house.step()

    assert (nothing[0], released[0], run(house, controls.RESERVED_CREDIT)[0]) == (
        "nothing_to_do",
        "reserved_on",
        "nothing_to_do",
    )
    assert (waiting, house.meter().intent) == (kinds.CLOSED, kinds.FULL)
    audit(house)


def test_an_armed_supply_opens_when_the_customer_confirms():
    house = home()
    nothing = run(house, controls.CONFIRM)
    house.receive(house.control_command(kinds.CONTROL_DISCONNECT))
    house.step()
    house.receive(house.control_command(kinds.CONTROL_ARM))
    house.step()
    armed = house.meter().intent

    confirmed = run(house, controls.CONFIRM)
    house.step(60)

    assert (nothing[0], confirmed[0]) == ("nothing_to_do", "reconnected")
    assert (armed, house.meter().intent) == (kinds.CLOSED, kinds.FULL)
    audit(house)


def test_an_emergency_opening_lasts_its_time_and_is_given_once_in_so_many_days():
    house = home(0, emergency_open_s=600, emergency_open_days=30)

    shown = run(house, controls.EMERGENCY_OPEN)
    house.step(60)
    opened = house.meter().intent
    while_open = run(house, controls.EMERGENCY_OPEN)
    house.step(900)
    closed = house.meter().intent

    assert shown == ("open_until", "{:02d}:{:02d}".format(*hour_minute(START_S + 600 + 10)))
    assert while_open[0] == "nothing_to_do" and run(house, controls.EMERGENCY_OPEN)[0] == "not_now"
    assert (opened, closed) == (kinds.FULL, kinds.CLOSED)
    audit(house)


def hour_minute(time_s):
    return time_s // 3600 % 24, time_s // 60 % 60


def test_an_emergency_opening_is_given_again_after_its_days():
    house = home(0, emergency_open_s=600, emergency_open_days=2)
    run(house, controls.EMERGENCY_OPEN)

    house.step(3 * DAY_S, 60000)

    assert run(house, controls.EMERGENCY_OPEN)[0] == "open_until"
    audit(house)


def test_no_key_opens_what_the_operator_safety_or_the_lock_holds_closed():
    for action, until_s in ((kinds.CONTROL_DISCONNECT, 0), (kinds.CONTROL_SAFETY, START_S + 5000)):
        house = home(emergency_open_s=600)
        house.receive(house.control_command(action, until_s))
        house.step()

        assert [run(house, controls.EMERGENCY_OPEN)[0], run(house, controls.CONFIRM)[0]] == ["not_now", "nothing_to_do"]
        assert house.meter().open_until_s == 0
    house = home(0, emergency_open_s=600)
    run(house, controls.VALVE_LOCK)
    assert run(house, controls.EMERGENCY_OPEN)[0] == "not_now"


def test_without_a_clock_no_time_is_shown():
    house = House(policy=signed_policy(emergency_open_s=600, untrusted_clock_cap=0))
    house.step()

    shown = run(house, controls.EMERGENCY_OPEN)

    assert shown in (("open_until", ""), ("nothing_to_do", ""))


def test_in_recovery_nothing_is_done():
    house = home()
    house.gateway.core.enter_recovery("for the test")

    assert [run(house, code) for code in controls.CODES] == [("not_now", "")] * 5


def test_a_code_that_is_none_of_these_is_a_mistake_of_ours():
    raises(KeyError, run, home(), 77)
