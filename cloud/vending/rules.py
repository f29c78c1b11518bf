"""What tokens carry, as pure integers: volumes without a rest, their prices, and identifiers that rise.

Volumes are ml, for electricity mWh; a token counts both, and gas, in tenths of the unit that a price is for.
"""

from collections.abc import Callable
from dataclasses import dataclass

from cloud.errors import Refused, Unavailable
from shared.sts.amounts import UNITS_MAX, largest_not_above
from shared.sts.errors import RangeError
from shared.sts.time_id import minutes_at, next_tid

TOKEN_UNIT_ML = 100_000  # a token counts in 0.1 m3 or 0.1 kWh (IEC 62055-41, 6.2.6)
TOKEN_MAX_ML = UNITS_MAX * TOKEN_UNIT_ML
TOKENS_MAX = 20
"""Tokens of one sale: well below the 50 identifiers that a meter remembers, so they may be entered in any order."""
TID_AHEAD_MAX_MIN = 6 * 1440  # meters refuse a token more than seven days ahead
_KEN_UNIT_BITS = 16


@dataclass(frozen=True)
class Part:
    """What one token carries, in whole base units, and its share of the price."""

    units: int
    volume_ml: int
    amount_minor: int


@dataclass(frozen=True)
class Quote:
    """A sale: its tokens, and what the volume asked for would have cost."""

    parts: tuple[Part, ...]
    asked_minor: int

    @property
    def volume_ml(self) -> int:
        """What all tokens carry together."""
        return sum(part.volume_ml for part in self.parts)

    @property
    def amount_minor(self) -> int:
        """The price of that."""
        return sum(part.amount_minor for part in self.parts)


@dataclass(frozen=True)
class Settlement:
    """Where the money of a purchase comes from and goes, in minor units.

    tender + from_account = volume + fixed + debt + to_account + change. Volume and fixed are with their taxes, of which
    `taxes` names each: its kind, the line (`volume` or `fixed`), the amount.
    """

    from_account_minor: int
    to_account_minor: int
    change_minor: int
    volume_minor: int
    fixed_minor: int
    debt_minor: int
    taxes: tuple[tuple[str, str, int], ...] = ()


Cost = Callable[[int], int]
"""What a volume in ml costs in minor units; it never falls with the volume, and nothing costs nothing."""


def quote(volume_ml: int, cost: Cost, token_max_ml: int = TOKEN_MAX_ML) -> Quote:
    """Round the volume down to what tokens of at most token_max_ml carry, and price that; Refused out of range.

    The parts' prices add up to the price of the whole, so splitting costs nobody a minor unit.
    """
    parts: list[Part] = []
    sold_ml = priced = 0
    for units in _split(volume_ml // TOKEN_UNIT_ML, _full_units(token_max_ml)):
        sold_ml += units * TOKEN_UNIT_ML
        amount = cost(sold_ml)
        parts.append(Part(units, units * TOKEN_UNIT_ML, amount - priced))
        priced = amount
    return Quote(tuple(parts), cost(volume_ml))


def sale_max_ml(token_max_ml: int) -> int:
    """The most that the tokens of one sale carry."""
    return TOKENS_MAX * _full_units(token_max_ml) * TOKEN_UNIT_ML


def _full_units(token_max_ml: int) -> int:
    most = min(token_max_ml, TOKEN_MAX_ML) // TOKEN_UNIT_ML
    if most < 1:
        raise Refused(
            "token_limit_too_small", f"The limit for one token is below {TOKEN_UNIT_ML} ml, so nothing can be sold."
        )
    return largest_not_above(most)


def _split(wanted: int, full: int) -> list[int]:
    if wanted < 1:
        raise Refused("volume_too_small", f"A token carries at least {TOKEN_UNIT_ML} ml; ask for that or more.")
    whole, rest = divmod(wanted, full)
    units = [full] * min(whole, TOKENS_MAX + 1) + ([largest_not_above(rest)] if rest else [])
    if len(units) > TOKENS_MAX:
        most_ml = TOKENS_MAX * full * TOKEN_UNIT_ML
        raise Refused("volume_too_large", f"One sale has at most {TOKENS_MAX} tokens, {most_ml} ml; buy in parts.")
    return units


def allocate_tid(last_tid: int, now: int, base_year: int, ken: int) -> int:
    """Return the token identifier after last_tid at a time; Refused past the key's expiry or the base date's end."""
    try:
        minute = minutes_at(now, base_year)
        tid = next_tid(last_tid, now, base_year)
    except RangeError as error:
        remedy = "plan a key change to a key with a base date that serves now"
        raise Refused("tid_exhausted", f"No token can be made under this key: {error}; {remedy}.") from None
    if tid >> _KEN_UNIT_BITS > ken:
        raise Refused("key_expired", "The vending key has expired for new tokens; plan a key change to a newer key.")
    if tid - minute > TID_AHEAD_MAX_MIN:
        raise Unavailable("tid_ahead", "Token identifiers ran far ahead of the clock; check the clock of this server.")
    return tid
