"""An account in money: the price of a volume, blocks, fixed charges, and a new tariff at its instant."""

from shared import kinds
from shared.money_checks import BLOCK_SHIFT
from shared.tariff import CONTINUE, PRORATE, RESET, fixed_charge
from tests.fakes.accounts import DAY_S, PRICE, TODAY, account, midnight, money, of_kind, paid, until
from tests.fakes.auditor import audit
from tests.fakes.house import START_S, signed_tariff

NEXT_S = START_S + 5000
QUIET = {"low_credit_threshold": 0, "very_low_credit_threshold": 0, "days_left_warning": 0}


def switching(counters, credit=10000000, **first):
    """A tariff of two blocks, and one of twice the price that follows at NEXT_S."""
    blocks = [(300000, PRICE), (0, 3 * PRICE)]
    now = signed_tariff(1, blocks=blocks, **first)
    after = signed_tariff(2, blocks=[(600000, 2 * PRICE), (0, 6 * PRICE)], effective_from_s=NEXT_S, counters=counters)
    return money(now, after, credit=credit, **QUIET)


def test_a_volume_costs_what_the_tariff_says_and_what_is_below_the_unit_is_carried():
    house = money(signed_tariff(blocks=[(0, 1234567)]), credit=1000000, **QUIET)

    house.flow(100)
    house.flow(100)

    assert [delta for _pot, _rule, delta in paid(house)] == [-123456, -123457]
    assert house.meter().remainder == 2 * 1234567 * 100000 % 1000000
    assert house.balance() == 1000000 - 246913
    audit(house)


def test_a_volume_over_the_end_of_a_block_costs_both_prices():
    house = money(signed_tariff(blocks=[(150000, PRICE), (0, 3 * PRICE)]), credit=1000000, **QUIET)

    house.flow(200)

    charge = of_kind(house, kinds.CHARGE)[-1]
    assert charge.delta == -(150 * 200 + 50 * 600) and charge.reference_b >> BLOCK_SHIFT == 1
    assert charge.reference_a == 1 and house.meter().block_counter == 200000


def test_credit_in_money_ends_with_the_millilitre_that_uses_it_up():
    house = money(credit=10001, **QUIET)

    house.flow(60)
    house.step(5)

    assert house.meter().pots[kinds.TOKEN_CREDIT] == 0  # the last ml costs a unit at most
    assert house.valves[0].is_closed()
    total = sum(
        [entry.delta if entry.pot == kinds.ACCUMULATED_DEBT else -entry.delta for entry in of_kind(house, kinds.CHARGE)]
    )
    assert total == 60 * 200
    audit(house)


def test_a_month_begins_its_blocks_anew():
    house = money(signed_tariff(blocks=[(150000, PRICE), (0, 3 * PRICE)]), credit=10000000, **QUIET)
    house.flow(200)
    month_end = midnight(10)  # the 1st of October

    until(house, month_end)
    counter = house.meter().block_counter
    house.flow(100)

    assert counter == 0 and paid(house)[-1][2] == -100 * 200
    audit(house)


def test_a_fixed_charge_is_posted_with_the_day():
    house = money(signed_tariff(fixed_month=3000000), credit=10000000, **QUIET)

    until(house, midnight())

    entry = of_kind(house, kinds.FIXED)[-1]
    assert (entry.pot, -entry.delta) == (kinds.TOKEN_CREDIT, fixed_charge(3000000, TODAY, 1))
    assert (entry.detail, entry.reference_a, entry.reference_b) == (1, 1, TODAY)
    assert of_kind(house, kinds.DAY)[-1].group_left == 1
    audit(house)


def test_fixed_charges_of_days_without_power_are_posted_up_to_a_bound_and_the_rest_given_up():
    house = money(signed_tariff(fixed_month=3000000, fixed_days_max=5), credit=10000000, **QUIET)

    until(house, midnight(9))
    until(house, midnight(10))

    posted = of_kind(house, kinds.FIXED)
    assert [(entry.detail, entry.reference_b) for entry in posted] == [(5, TODAY + 8), (1, TODAY + 9)]
    assert -posted[0].delta == fixed_charge(3000000, TODAY + 4, 5)
    audit(house)


def test_a_fixed_charge_without_credit_is_owed_and_closes_nothing_more():
    house = money(signed_tariff(fixed_month=3000000), credit=50, **QUIET)

    until(house, midnight())

    assert house.meter().pots[1:] == [50, 0, 0, fixed_charge(3000000, TODAY, 1)] and house.meter().intent == kinds.FULL
    audit(house)


def test_an_account_in_volume_has_no_fixed_charge():
    house = account(25, more=(signed_tariff(fixed_month=3000000),))

    until(house, midnight())

    assert of_kind(house, kinds.FIXED) == []


def test_a_tariff_comes_into_force_at_its_instant_behind_what_flowed_before():
    house = switching(CONTINUE)
    until(house, NEXT_S - 2)
    house.flow(50)
    before = house.meter().tariff_version

    until(house, NEXT_S)
    house.flow(100)

    charge, tariff = [entry for entry in house.entries() if entry.kind in (kinds.CHARGE, kinds.TARIFF)][-3:-1]
    assert before == 1 and house.meter().tariff_version == 2
    assert (charge.delta, charge.reference_a) == (-50 * 200, 1) and tariff.time_s == NEXT_S
    assert paid(house)[-1][2] == -100 * 400
    audit(house)


def test_a_tariff_goes_on_with_the_month_s_consumption_or_begins_anew():
    for counters, counter in ((CONTINUE, 400000), (RESET, 0)):
        house = switching(counters)
        house.flow(400)

        until(house, NEXT_S)

        assert house.meter().block_counter == counter and house.meter().block_share == 0
        audit(house)


def test_a_tariff_by_shares_cuts_its_blocks_to_the_days_that_are_left():
    house = switching(PRORATE)
    house.flow(400)

    until(house, NEXT_S)  # the 21st of September: 10 days of 30, so the block ends at 200 l
    house.flow(300)

    assert house.meter().block_share == 10 << 8 | 30 and house.meter().block_counter == 300000
    assert paid(house)[-1][2] == -(200 * 400 + 100 * 1200)
    until(house, midnight(10))
    assert house.meter().block_share == 0
    audit(house)


def test_an_untrusted_clock_keeps_the_version():
    house = switching(CONTINUE)
    house.reboot()
    house.step(5)
    until(house, NEXT_S + DAY_S)
    kept = house.meter().tariff_version

    house.trust_time()
    house.step(2)

    assert (kept, house.meter().tariff_version) == (1, 2)


def test_a_tariff_survives_a_restart():
    house = switching(RESET)
    until(house, NEXT_S)
    house.reboot()

    house.flow(100)

    assert paid(house)[-1][2] == -100 * 400 and house.gateway.recovery == ""
    audit(house)
