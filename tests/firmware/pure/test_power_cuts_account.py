"""The power goes after every byte of a day's end, a top-up with debts, a new tariff and an emergency credit."""

from shared import kinds
from shared.policy import AUTOMATIC
from shared.tariff import RESET, fixed_charge
from tests.fakes.accounts import DAY_S, PRICE, TODAY, account, midnight, money, of_kind, until
from tests.fakes.cuts import copies_of, cut_everywhere
from tests.fakes.house import START_S, signed_tariff

QUIET = {"low_credit_threshold": 0, "very_low_credit_threshold": 0, "days_left_warning": 0}
NEXT_S = START_S + 5000


def at(time_s):
    """Work that comes to a time on a trusted clock."""

    def work(house):
        house.trust_time()
        until(house, time_s)

    return work


def test_the_end_of_a_day_is_whole_or_did_not_happen_whenever_the_power_goes():
    tariff = signed_tariff(fixed_month=3000000, blocks=[(0, PRICE)])
    house = money(tariff, credit=10000000, allowance_day=700, allowance_max=5000, **QUIET)
    house.flow(50)
    fixed = fixed_charge(3000000, TODAY, 1)
    close = at(midnight())

    def check(house, done):
        meter = house.meter()
        whole = (TODAY, TODAY, TODAY, 700)
        none = (TODAY - 1, TODAY - 1, TODAY - 1, 0)
        found = (meter.day, meter.fixed_day, meter.allowance_day, meter.pots[kinds.RESERVED_CREDIT])
        assert found == whole or (found == none and not done)
        close(house)
        assert [len(of_kind(house, kind)) for kind in (kinds.DAY, kinds.FIXED, kinds.GRANT)] == [1, 1, 1]
        assert -of_kind(house, kinds.FIXED)[0].delta == fixed

    cuts = cut_everywhere(copies_of(house), close, check)

    assert cuts > 200


def test_a_top_up_that_repays_is_whole_or_did_not_happen_whenever_the_power_goes():
    house = account(1, emergency_limit=60000, emergency_activation=AUTOMATIC, **QUIET)
    house.flow(100)
    house.flow(70)
    house.step(5)
    assert house.meter().pots[1:] == [0, -60000, 0, 10000]
    token = house.token(2)

    def check(house, done):
        pots = house.meter().pots[1:]
        assert pots == [130000, 0, 0, 0] or (pots == [0, -60000, 0, 10000] and not done)
        assert house.type(token) == (10 if pots[0] else 1)
        assert house.meter().pots[1:] == [130000, 0, 0, 0] and len(of_kind(house, kinds.REPAY)) == 2

    cuts = cut_everywhere(copies_of(house), lambda house: house.type(token), check)

    assert cuts > 200


def test_a_tariff_comes_into_force_once_and_charges_nothing_twice_whenever_the_power_goes():
    after = signed_tariff(2, blocks=[(0, 3 * PRICE)], effective_from_s=NEXT_S, counters=RESET)
    house = money(signed_tariff(1, blocks=[(0, PRICE)]), after, credit=10000000, **QUIET)
    house.flow(50)
    switch = at(NEXT_S)

    def check(house, done):
        meter = house.meter()
        register = house.gateway.core.registers[0].volume_ml
        assert meter.tariff_version == 2 or not done
        assert meter.tariff_version == 1 or meter.pots[kinds.TOKEN_CREDIT] == 10000000 - meter.register // 1000 * 200
        switch(house)
        assert [entry.reference_a for entry in of_kind(house, kinds.TARIFF)] == [1, 2]
        assert house.meter().pots[kinds.TOKEN_CREDIT] == 10000000 - register // 1000 * 200
        assert house.gateway.core.tariff_of(0).version == 2

    cut_everywhere(copies_of(house), switch, check)


def test_emergency_credit_is_invoked_once_whenever_the_power_goes():
    house = account(1, emergency_limit=60000, emergency_activation=AUTOMATIC, **QUIET)
    house.flow(99)

    def use_up(house):
        house.trust_time()
        house.flow(11)
        house.step(5)

    def check(house, done):
        assert len(of_kind(house, kinds.GRANT)) == 1 or not done
        use_up(house)
        meter = house.meter()
        assert len(of_kind(house, kinds.GRANT)) == 1 and meter.emergency_limit == 60000
        assert house.valves[0].is_open() and meter.intent == kinds.FULL

    cut_everywhere(copies_of(house), use_up, check)


def test_days_without_power_are_closed_once_whenever_the_power_goes_again():
    house = account(25, allowance_day=1000, allowance_max=9000, **QUIET)
    house.flow(70)
    close = at(midnight(5) + DAY_S // 2)

    def check(house, done):
        assert len(of_kind(house, kinds.DAY)) == 1 or not done
        close(house)
        assert [entry.detail for entry in of_kind(house, kinds.DAY)] == [TODAY + 4]
        assert house.meter().pots[kinds.RESERVED_CREDIT] == 5000

    cut_everywhere(copies_of(house), close, check)
