"""Moves a gateway through days, and reads what its accounts wrote; for tests of charges, days and tariffs."""

from shared import kinds
from tests.fakes.house import START_S, House, signed_policy, signed_tariff

DAY_S = 86400
TODAY = START_S // DAY_S
PRICE = 200000  # 2.00 for 1 m3: 0.2 of 1/100000 for a ml, so 1 l costs 200


def midnight(days: int = 1) -> int:
    """The time at which so many days from the start have begun."""
    return (TODAY + days) * DAY_S


def account(units: int = 25, trusted: bool = True, more: tuple = (), meters: int = 1, mode=0, **policy) -> House:  # type: ignore[type-arg,no-untyped-def]
    """A gateway with a policy of its own; a token was taken, and supply is on."""
    house = House(meters, policy=signed_policy(**policy), more=more, mode=mode)
    if trusted:
        house.trust_time()
    if units:
        house.type(house.token(units))
    house.step(10)
    return house


def money(*tariffs: bytes, credit: int = 0, **policy) -> House:  # type: ignore[no-untyped-def]
    """A gateway whose account is in money, opened with some."""
    tariffs = tariffs or (signed_tariff(blocks=[(0, PRICE)]),)
    house = House(1, policy=signed_policy(**policy), more=tariffs, mode=kinds.MODE_CURRENCY, opening_balance=credit)
    house.trust_time()
    house.step(10)
    return house


def until(house: House, time_s: int, ticks: int = 2) -> None:
    """The clock comes to a time; then some ticks, a second each."""
    house.clock.time_s = time_s - 1
    house.step(ticks, 1000)


def of_kind(house: House, kind: int, channel: int = 0) -> list:  # type: ignore[type-arg]
    """The entries of a kind of one meter."""
    return [entry for entry in house.entries() if entry.kind == kind and entry.meter == channel]


def paid(house: House) -> list:  # type: ignore[type-arg]
    """(pot, rule, delta) of every charge."""
    return [(entry.pot, entry.rule, entry.delta) for entry in of_kind(house, kinds.CHARGE)]


def warned(house: House) -> "list[int]":
    """Of what the customer was warned."""
    return [entry.detail for entry in of_kind(house, kinds.WARNING)]
