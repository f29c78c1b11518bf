"""What a sale comes to, as pure integers: the volume a token carries exactly, its price, and the change."""

from dataclasses import dataclass

from cloud.errors import Refused, Unavailable
from cloud.tariffs.rules import price_minor
from shared.sts.amounts import UNITS_MAX, largest_not_above
from shared.sts.errors import RangeError
from shared.sts.time_id import minutes_at, next_tid

WATER_UNIT_ML = 100_000  # a token counts water in 0.1 m3
TID_AHEAD_MAX_MIN = 6 * 1440  # meters refuse a token more than seven days ahead
_KEN_UNIT_BITS = 16


@dataclass(frozen=True)
class Quote:
    """A sale: whole base units, their volume and price, and what of the tender goes back."""

    units: int
    volume_ml: int
    amount_minor: int
    change_minor: int


def quote(volume_ml: int, price_minor_per_m3: int, tender_minor: int) -> Quote:
    """Round the volume down to what a token carries, and price that; Refused for a volume or a tender out of range."""
    wanted = volume_ml // WATER_UNIT_ML
    if wanted < 1:
        raise Refused("volume_too_small", f"A token carries at least {WATER_UNIT_ML} ml; ask for that or more.")
    if wanted > UNITS_MAX:
        raise Refused("volume_too_large", f"A token carries at most {UNITS_MAX * WATER_UNIT_ML} ml; buy in parts.")
    units = largest_not_above(wanted)
    sold_ml = units * WATER_UNIT_ML
    amount = price_minor(sold_ml, price_minor_per_m3)
    if tender_minor < amount:
        raise Refused("tender_short", f"{sold_ml} ml cost {amount} minor units, {tender_minor} were tendered.")
    return Quote(units, sold_ml, amount, tender_minor - amount)


def allocate_tid(last_tid: int, now: int, base_year: int, ken: int) -> int:
    """Return the token identifier after last_tid at a time; Refused past the key's expiry or the base date's end."""
    try:
        minute = minutes_at(now, base_year)
        tid = next_tid(last_tid, now, base_year)
    except RangeError as error:
        raise Refused("tid_exhausted", f"No token can be made under this key: {error}.") from None
    if tid >> _KEN_UNIT_BITS > ken:
        raise Refused("key_expired", "The vending key has expired for new tokens; change the meter to a newer key.")
    if tid - minute > TID_AHEAD_MAX_MIN:
        raise Unavailable("tid_ahead", "Token identifiers ran far ahead of the clock; check the clock of this server.")
    return tid
