"""Management tokens at the keypad: clear credit and tamper, set the flow limit, void; each uses its identifier up."""

from shared import kinds
from shared.sts.fields import (
    ClearCredit,
    ClearTamperCondition,
    ExtendedSet,
    SetMaximumPhasePowerUnbalanceLimit,
    SetMaximumPowerLimit,
)
from shared.sts.void import Void
from tests.fakes.house import House, signed_floor
from tests.fakes.keys import managed, tid_of


def with_credit(units=25):
    house = House()
    house.type(house.token(units))
    house.step()
    return house


def test_clearing_takes_the_credit_away_and_closes_the_valve():
    for register in (1, 0xFFFF):
        house = with_credit()
        house.trust_time()
        house.flow(500)

        code = house.type(managed(ClearCredit(3, tid_of(50), register)))
        house.step()

        cleared = [entry for entry in house.entries() if entry.kind == kinds.CLEAR]
        assert (code, house.balance(), house.valves[0].is_closed()) == (1, 0, True)
        assert [(entry.delta, entry.detail) for entry in cleared] == [(-2000000, 0x201)]


def test_what_is_owed_stays_owed():
    house = with_credit(1)
    house.flow(150)

    code = house.type(managed(ClearCredit(3, tid_of(50), 1)))

    assert code == 1 and house.balance() == 0
    assert house.meter().pots[kinds.ACCUMULATED_DEBT] == 50000


def test_a_register_that_this_meter_lacks_is_refused():
    house = with_credit()

    assert [house.type(managed(ClearCredit(3, tid_of(50), register))) for register in (0, 2, 5)] == [8, 8, 8]
    assert house.balance() == 2500000


def test_a_management_token_is_used_once_and_never_after_a_later_memory_or_expiry():
    house = with_credit()
    token = managed(ClearTamperCondition(3, tid_of(50)))

    codes = [house.type(token), house.type(token), house.type(managed(ClearTamperCondition(3, tid_of(0))))]

    assert codes == [1, 10, 9]
    assert House(ken=50).type(token) == 11
    house.trust_time()
    assert house.type(managed(ClearTamperCondition(3, tid_of(20000)))) == 7


def test_an_opened_lid_stays_on_record_until_a_token_clears_it():
    house = House(meters=2)
    house.gateway.lid(True, 10000)
    house.gateway.lid(False, 20000)
    house.reboot()
    noted = [house.meter(channel).tampered for channel in (0, 1)]

    code = house.type(managed(ClearTamperCondition(3, tid_of(50))))

    assert noted == [1, 1] and code == 1
    assert [house.meter(channel).tampered for channel in (0, 1)] == [0, 1]


def test_a_lid_that_is_open_over_a_restart_is_one_entry():
    house = House()
    house.gateway.lid(True, 10000)
    house.reboot()

    house.gateway.lid(True, 10000)

    assert house.kinds().count("tamper") == 1
    house.gateway.lid(False, 20000)
    assert house.kinds().count("tamper") == 2 and house.state.lid_open == 0


def test_a_stuck_key_is_an_entry():
    house = House()

    house.gateway.stuck_key("7")

    entry = house.entries()[-1]
    assert (entry.kind, entry.detail, entry.reference_a) == (kinds.EVENT, kinds.EVENT_STUCK_KEY, ord("7"))


def minute(house, litres):
    house.flow(litres)
    house.step(60)


def test_flow_above_the_limit_pauses_supply_and_it_comes_back_by_itself():
    house = with_credit(90)
    house.step(60)
    house.type(managed(SetMaximumPowerLimit(3, tid_of(50), 600)))
    minute(house, 11)  # 660 L/h, of which a pulse is uncertain
    just = house.valves[0].is_open()

    minute(house, 20)
    house.step(5)
    closed = house.valves[0].is_closed()
    house.step(280)
    still = house.valves[0].is_closed()
    house.step(25)

    assert just and closed and still and house.valves[0].is_open()
    pauses = [entry for entry in house.entries() if entry.kind == kinds.EVENT]
    assert [(entry.detail, entry.reference_a, entry.reference_b) for entry in pauses] == [
        (kinds.EVENT_FLOW_OVER, 1140, 600),
        (kinds.EVENT_FLOW_PAUSE_OVER, 0, 600),
    ]
    intents = [entry.rule for entry in house.entries() if entry.kind == kinds.VALVE_INTENT]
    assert intents[-2:] == [kinds.RULE_FLOW_LIMIT, kinds.RULE_CREDIT_AVAILABLE]


def test_a_restart_begins_the_pause_anew():
    house = with_credit(90)
    house.type(managed(SetMaximumPowerLimit(3, tid_of(50), 600)))
    minute(house, 100)
    house.step(200)

    house.reboot()
    house.step(290)
    paused = house.valves[0].is_closed()
    house.step(20)

    assert paused and house.valves[0].is_open()


def test_another_limit_ends_the_pause_and_no_limit_pauses_nothing():
    house = with_credit(90)
    house.type(managed(SetMaximumPowerLimit(3, tid_of(50), 600)))
    minute(house, 100)

    house.type(managed(SetMaximumPowerLimit(3, tid_of(51), 0)))
    house.step(5)
    minute(house, 1000)
    house.step(5)

    assert house.valves[0].is_open() and house.meter().flow_limit == 0


def test_the_floor_stands_above_the_flow_limit():
    house = House(floor=signed_floor(1, kinds.FULL))
    house.step()
    house.type(managed(SetMaximumPowerLimit(3, tid_of(50), 600)))

    minute(house, 100)
    house.step(5)

    assert house.meter().paused == 1 and house.valves[0].is_open()


def test_what_a_water_meter_has_not_got_is_refused():
    house = House()

    for value in (SetMaximumPhasePowerUnbalanceLimit(3, tid_of(50), 100), ExtendedSet(3, tid_of(51), 1, 2)):
        assert house.type(managed(value)) == 8
    assert house.meter().failures == 0 and house.meter().tids.tids == []


def test_a_void_token_burns_its_target_and_itself():
    house = House()
    target = house.token(5, tid=tid_of(30))
    void = managed(Void(tid_of(5000), tid_of(30)))

    codes = [house.type(void), house.type(target), house.type(void)]

    entry = next(entry for entry in house.entries() if entry.kind == kinds.VOID)
    assert codes == [1, 10, 10] and house.balance() == 0
    assert (entry.reference_a, entry.reference_b) == (tid_of(5000), tid_of(30))
    assert house.meter().tids.tids == [tid_of(30), tid_of(5000)]
    house.reboot()
    assert house.type(target) == 10


def test_a_void_token_for_a_used_token_changes_nothing():
    house = House()
    house.type(house.token(5, tid=tid_of(30)))
    before = list(house.meter().tids.tids)

    codes = [house.type(managed(Void(tid_of(5000), tid_of(30)))), house.type(managed(Void(tid_of(5001), tid_of(0))))]

    assert codes == [10, 9] and list(house.meter().tids.tids) == before
    assert house.type(house.token(5, tid=tid_of(5000))) == 1


def test_a_target_below_a_full_memory_is_not_called_voided():
    house = House()
    lowest = house.token(1, tid=tid_of(1))
    for minute_ in range(2, 52):
        house.type(house.token(1, tid=tid_of(minute_)))

    code = house.type(managed(Void(tid_of(5000), tid_of(1))))

    assert code == 9 and house.type(lowest) == 9


def test_management_by_command_stands_in_a_group_with_it():
    house = with_credit()

    house.receive(house.token_command(managed(ClearCredit(3, tid_of(50), 1))))
    house.receive(house.token_command(managed(Void(tid_of(60), tid_of(55)))))

    assert house.kinds()[-4:] == ["command", "clear", "command", "void"]
    assert house.meter().tids.tids[-3:] == [tid_of(50), tid_of(55), tid_of(60)] and house.balance() == 0


def test_a_default_key_takes_management_tokens():
    assert House(kt=1).type(managed(ClearTamperCondition(3, tid_of(50)))) == 1


def test_an_accepted_management_token_lifts_the_lock():
    house = House()
    for _ in range(2):
        house.type("00000000000000000001")

    house.type(managed(ClearTamperCondition(3, tid_of(50))))

    assert house.meter().failures == 0 and house.state.keypad_failures == 0
