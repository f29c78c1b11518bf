"""Tokens at the keypad: one door, used once, counted before they are decoded, shown after they are durable."""

from shared import kinds
from shared.policy import AUTOMATIC
from shared.sts.time_id import tid_at
from shared.tid_memory import SIZE
from tests.fakes.accounts import account
from tests.fakes.auditor import audit
from tests.fakes.house import START_S, House

WRONG = "00000000000000000001"


def test_a_token_credits_its_volume_and_opens_the_valve():
    house = House()

    code = house.type(house.token(25))
    house.step()

    assert code == 1 and house.balance() == 2500000
    assert house.valves[0].is_open()
    assert house.kinds()[-4:] == ["attempt", "token", "valve intent", "valve outcome"]


def test_a_token_is_used_only_once_also_after_a_restart():
    house = House()
    token = house.token(25)
    house.type(token)

    again = house.type(token)
    house.reboot()
    after_restart = house.type(token)

    assert (again, after_restart, house.balance()) == (10, 10, 2500000)


def test_a_used_token_does_not_count_as_a_wrong_entry():
    house = House()
    token = house.token(25)
    house.type(token)

    codes = [house.type(token) for _ in range(8)]

    assert codes == [10] * 8 and house.meter().failures == 0 and house.state.keypad_failures == 0


def test_a_token_older_than_all_that_are_remembered_is_old():
    house = House()
    first = house.token(1, tid=tid_at(START_S, 2014))
    assert house.type(first) == 9  # not above the meter's opening
    low = house.token(1)
    for _ in range(SIZE):
        assert house.type(house.token(1)) == 1

    assert house.type(low) == 9


def test_digits_that_are_no_token_are_refused_before_they_count():
    house = House()

    codes = [house.type("123"), house.type("99999999999999999999")]

    assert codes == [6, 6] and house.meter().failures == 0


def test_a_wrong_token_is_counted_before_it_is_decoded():
    house = House()

    code = house.type(WRONG)

    assert code == 13 and house.kinds()[-1] == "attempt" and house.meter().failures == 1


def test_wrong_tokens_lock_the_meter_for_longer_and_longer():
    house = House()
    for _ in range(3):
        assert house.type(WRONG) == 13

    good = house.token(5)
    locked = house.type(good)
    house.now_ms += 10000
    house.type(WRONG)
    house.now_ms += 19999
    still_locked = house.type(good)
    house.now_ms += 1

    assert (locked, still_locked, house.type(good)) == (15, 15, 1)
    assert house.meter().failures == 0


def test_the_wait_starts_again_in_full_after_a_restart():
    house = House()
    for _ in range(3):
        house.type(WRONG)
    house.now_ms += 9000
    house.reboot()

    house.now_ms += 9999
    early = house.type(house.token(5))
    house.now_ms += 1

    assert early == 15 and house.type(house.token(5)) == 1


def test_a_locked_meter_writes_nothing():
    house = House()
    for _ in range(3):
        house.type(WRONG)
    sequence = house.state.sequence

    house.type(WRONG)

    assert house.state.sequence == sequence


def test_guesses_on_many_meters_lock_the_keypad():
    house = House(meters=4)
    for guess in range(6):
        assert house.type(WRONG, guess % 4) == 13

    assert house.type(house.token(5, 3), 3) == 15


def test_a_token_for_another_meter_is_rejected():
    house = House(meters=2)

    assert house.type(house.token(5, 0), 1) == 13


def test_electricity_on_a_water_meter_is_refused_and_does_not_count():
    house = House()

    assert house.type(house.token(5, subclass=0)) == 8
    assert house.meter().failures == 0


def test_a_token_too_large_for_the_balance_stays_unused():
    house = House()
    house.flow(1)
    token = house.token(9999)
    house.type(house.token(9999))
    house.step(1)

    full = house.type(token)
    house.flow(999800)
    house.step(1)

    assert full == 4 and house.type(token) == 1


def test_a_default_key_takes_no_credit():
    house = House(kt=1)

    assert house.type(house.token(5)) == 12


def test_an_expired_key_takes_no_credit():
    house = House(ken=50)

    assert house.type(house.token(5)) == 11


def test_a_token_from_far_ahead_is_refused_only_when_the_clock_is_trusted():
    house = House()
    far = tid_at(START_S, 2014) + 20000
    house.trust_time()
    trusted = house.type(house.token(5, tid=far))
    house.reboot()

    assert trusted == 7 and house.type(house.token(5, tid=far)) == 1


def test_no_room_refuses_the_token_and_keeps_it_usable():
    house = House()
    token = house.token(5)
    house.flash.leave(500)

    code = house.type(token)
    house.flash.leave(100000)
    house.reboot()

    assert code == 16 and house.type(token) == 1


def in_debt(units_used=70, **policy):
    """A meter that used 60 l of emergency credit and owes the rest."""
    house = account(1, emergency_limit=60000, emergency_activation=AUTOMATIC, **policy)
    house.flow(100)
    house.flow(units_used)
    house.step(5)
    return house


def lines_of(house):
    """(kind, pot that is paid, delta, entries to come) of the last top-up."""
    group = [entry for entry in house.entries() if entry.kind in (kinds.TOKEN, kinds.REPAY)]
    start = [at for at, entry in enumerate(group) if entry.kind == kinds.TOKEN][-1]
    return [(entry.kind, entry.detail & 0xFF, entry.delta, entry.group_left) for entry in group[start:]]


def test_a_top_up_pays_what_is_owed_first_and_then_the_emergency_credit_in_one_group():
    house = in_debt()

    code = house.type(house.token(2))

    assert code == 1 and lines_of(house) == [
        (kinds.TOKEN, 1, 200000, 2),
        (kinds.REPAY, kinds.ACCUMULATED_DEBT, -10000, 1),
        (kinds.REPAY, kinds.EMERGENCY_CREDIT, -60000, 0),
    ]
    assert house.meter().pots[1:] == [130000, 0, 0, 0] and house.meter().credited == 300000
    audit(house)


def test_a_part_of_a_top_up_always_buys_service():
    house = in_debt(160, min_service_percent=45)

    house.type(house.token(1))
    first = house.meter().pots[1:]
    house.type(house.token(1))

    assert first == [45000, -60000, 0, 45000]
    assert house.meter().pots[1:] == [45000 + 45000, -50000, 0, 0]
    audit(house)


def test_a_share_of_a_top_up_pays_the_debt():
    house = in_debt(160, debt_percent=20, emergency_percent=50)

    house.type(house.token(1))

    assert [line[2] for line in lines_of(house)] == [100000, -20000, -50000]
    assert house.meter().pots[1:] == [30000, -10000, 0, 80000]
    audit(house)


def test_a_top_up_by_command_repays_too():
    house = in_debt()

    house.receive(house.token_command(house.token(2)))

    assert house.meter().pots[1:] == [130000, 0, 0, 0]
    assert [line[3] for line in lines_of(house)] == [2, 1, 0] and house.kinds()[-4] == "command"
    audit(house)


def test_a_top_up_that_only_pays_debts_opens_nothing():
    house = in_debt(260)

    house.type(house.token(1))
    house.step(5)

    assert house.meter().pots[1:] == [0, -60000, 0, 100000] and house.valves[0].is_closed()


def test_emergency_credit_that_is_repaid_is_offered_anew():
    house = in_debt()
    house.type(house.token(1))
    assert house.meter().pots[1:] == [30000, 0, 0, 0] and not house.meter().emergency_invoked

    house.step(5)
    house.flow(30)
    house.step(5)

    assert house.meter().emergency_invoked and house.valves[0].is_open()
