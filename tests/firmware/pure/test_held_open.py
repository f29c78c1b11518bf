"""What keeps a supply open that is to be limited, while nobody can say what time it is: and how much flows on that."""

from shared import kinds
from tests.fakes.auditor import audit
from tests.fakes.house import House, signed_policy
from tests.fakes.keypad import press

ALL_WEEK = 0x7F
NIGHT = bytes((ALL_WEEK,)) + (1080).to_bytes(2, "big") + (480).to_bytes(2, "big")  # 18:00 to 08:00
CAP_ML = 200000


def untrusted(**policy):
    """An open meter with 5 m3 whose gateway does not know the time."""
    house = House(policy=signed_policy(1, untrusted_clock_cap=CAP_ML, **policy))
    house.type(house.token(50))
    house.step(10)
    return house


def test_a_disconnection_waits_for_its_hours_while_the_clock_is_not_trusted():
    house = untrusted(friendly_windows=NIGHT)
    house.receive(house.control_command(kinds.CONTROL_DISCONNECT))
    house.step(10)

    house.flow(199)
    house.step(10)

    assert house.valves[0].is_open()
    assert house.balance() == 5000000 - 199000, "what flows is paid for all the same"


def test_it_waits_for_no_more_than_the_cap_and_a_restart_renews_nothing():
    house = untrusted(friendly_windows=NIGHT)
    house.receive(house.control_command(kinds.CONTROL_DISCONNECT))
    house.step(10)
    house.flow(150)
    house.gateway.core.settle(0, house.now_ms)
    house.reboot()
    house.step(10)
    still = house.valves[0].is_open()

    house.flow(50)
    house.step(10)

    assert still and house.valves[0].is_closed() and house.meter().closure_rule == kinds.RULE_OPERATOR
    audit(house)


def test_where_no_hours_are_kept_a_disconnection_waits_for_no_clock():
    house = untrusted()

    house.receive(house.control_command(kinds.CONTROL_DISCONNECT))
    house.step(10)

    assert house.valves[0].is_closed()


def test_overdue_bills_draw_on_the_same_cap():
    house = untrusted()
    house.receive(house.mode_command(kinds.MODE_CREDIT | kinds.MODE_ARREARS))
    house.step(10)
    open_before = house.valves[0].is_open()

    house.flow(200)
    house.step(10)

    assert open_before and house.valves[0].is_closed() and house.meter().closure_rule == kinds.RULE_ARREARS
    assert house.meter().pots[kinds.TOKEN_CREDIT] == 5000000, "in credit mode nothing is taken from it"
    audit(house)


def test_what_flows_through_a_valve_that_will_not_close_is_owed_up_to_a_cap():
    house = House()
    house.trust_time()
    house.type(house.token(1))
    house.step(10)
    house.valves[0].jammed = True
    house.flow(100)
    house.step(3 * 3700, 10000)
    failed = house.meter().failed_motions

    house.flow(500)
    house.gateway.core.settle(0, house.now_ms)

    owed = house.meter().pots[kinds.ACCUMULATED_DEBT]
    assert (failed, owed) == (3, 10000), "10 L, and the rest is the utility's loss"
    audit(house)


def test_a_token_is_accepted_where_all_that_is_left_of_it_fits():
    house = House(policy=signed_policy(1, max_meter_balance=5000000))
    house.type(house.token(50))
    house.step(10)
    house.receive(house.adjust_command(kinds.ACCUMULATED_DEBT, 2000000))

    code = house.type(house.token(20))

    assert code == 1 and house.meter().pots[kinds.ACCUMULATED_DEBT] == 0 and house.balance() == 5000000
    audit(house)


def test_a_valve_that_lets_through_behind_the_customers_own_lock_is_no_free_water():
    house = House()
    house.trust_time()
    house.type(house.token(10))
    house.step(10)
    press(house.gateway, "#", house.now_ms)
    for key in "51#":
        press(house.gateway, key, house.now_ms)
    house.step(10)
    locked = house.valves[0].is_closed()

    house.flow(200)
    house.step(10)

    assert locked and house.balance() == 800000
    audit(house)
