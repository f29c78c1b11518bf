"""What a sale comes to, as pure integers: the volumes that its tokens carry exactly, their prices, and the change."""

from dataclasses import dataclass

from cloud.errors import Refused, Unavailable
from cloud.tariffs.rules import price_minor
from shared.sts.amounts import UNITS_MAX, largest_not_above
from shared.sts.errors import RangeError
from shared.sts.time_id import minutes_at, next_tid

WATER_UNIT_ML = 100_000  # a token counts water in 0.1 m3
TOKEN_MAX_ML = UNITS_MAX * WATER_UNIT_ML
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
    """Where the money comes from and goes: tender + from_account = amount + to_account + change, all in minor units."""

    from_account_minor: int
    to_account_minor: int
    change_minor: int


def quote(volume_ml: int, price_minor_per_m3: int, token_max_ml: int = TOKEN_MAX_ML) -> Quote:
    """Round the volume down to what tokens of at most token_max_ml carry, and price that; Refused out of range.

    The parts' prices add up to the price of the whole, so splitting costs nobody a minor unit.
    """
    parts: list[Part] = []
    sold_ml = priced = 0
    for units in _split(volume_ml // WATER_UNIT_ML, min(token_max_ml, TOKEN_MAX_ML) // WATER_UNIT_ML):
        sold_ml += units * WATER_UNIT_ML
        amount = price_minor(sold_ml, price_minor_per_m3)
        parts.append(Part(units, units * WATER_UNIT_ML, amount - priced))
        priced = amount
    return Quote(tuple(parts), price_minor(volume_ml, price_minor_per_m3))


def _split(wanted: int, most: int) -> list[int]:
    if wanted < 1:
        raise Refused("volume_too_small", f"A token carries at least {WATER_UNIT_ML} ml; ask for that or more.")
    if most < 1:
        raise Refused(
            "token_limit_too_small", f"The limit for one token is below {WATER_UNIT_ML} ml, so nothing can be sold."
        )
    full = largest_not_above(most)
    whole, rest = divmod(wanted, full)
    units = [full] * min(whole, TOKENS_MAX + 1) + ([largest_not_above(rest)] if rest else [])
    if len(units) > TOKENS_MAX:
        most_ml = TOKENS_MAX * full * WATER_UNIT_ML
        raise Refused("volume_too_large", f"One sale has at most {TOKENS_MAX} tokens, {most_ml} ml; buy in parts.")
    return units


def settle(quoted: Quote, tender_minor: int, balance_minor: int, *, keep_change: bool) -> Settlement:
    """Pay from the account first, then from the tender; Refused if both are not enough.

    What rounding down left over goes to the account; what was tendered beyond that is change, or, with keep_change,
    goes to the account too.
    """
    amount = quoted.amount_minor
    from_account = min(balance_minor, amount)
    over = tender_minor + from_account - amount
    if over < 0:
        paid = f"{tender_minor} were tendered and {balance_minor} are on the account"
        raise Refused("tender_short", f"{quoted.volume_ml} ml cost {amount} minor units; {paid}.")
    kept = over if keep_change else min(over, quoted.asked_minor - amount)
    return Settlement(from_account, kept, over - kept)


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
