"""A policy as people write it, and the fields that are signed: zone, windows, holidays and aliases become bytes."""

from dataclasses import dataclass, field
from datetime import date
from typing import Any

from cloud.errors import Refused
from shared import aliases
from shared.civil import date_of, day_of, zone_data
from shared.errors import SharedError
from shared.policy import POLICY_FIELDS, Policy
from shared.windows import HOLIDAYS

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_HOLIDAY = "holiday"
_BITS = {**{name: 1 << number for number, name in enumerate(_DAYS)}, _HOLIDAY: HOLIDAYS}
_ROW_SIZE = 5
_NUMBERS = frozenset(name for _, name, size, _ in POLICY_FIELDS if size)

DAY_NAMES = tuple(_BITS)


@dataclass(frozen=True)
class Change:
    """A yearly change of the clocks: month, week of the month (5: the last), weekday (0: Monday), minute of the day."""

    month: int
    week: int
    weekday: int
    minute: int


@dataclass(frozen=True)
class ZoneRule:
    """Minutes east of UTC; with daylight saving time the minutes that it adds, and when it begins and ends."""

    offset_min: int
    dst_min: int = 0
    begins: Change | None = None
    ends: Change | None = None


@dataclass(frozen=True)
class Window:
    """Minutes of the days named in DAY_NAMES, the last excluded; one that does not end after it starts goes on into
    the next day.
    """

    days: tuple[str, ...]
    from_min: int
    to_min: int


@dataclass(frozen=True)
class Written:
    """A policy as it is written: numbers by the names of POLICY_FIELDS, and what stands beside them."""

    numbers: dict[str, int]
    zone: ZoneRule | None = None
    friendly_windows: tuple[Window, ...] = ()
    closing_windows: tuple[Window, ...] = ()
    holidays: tuple[date, ...] = ()
    aliases: tuple[tuple[int, str], ...] = field(default=())


def values(written: Written) -> dict[str, Any]:
    """The values of POLICY_FIELDS; Refused says what is wrong."""
    unknown = sorted(set(written.numbers) - _NUMBERS)
    if unknown:
        raise Refused("policy_wrong", f"fields: there is no number {unknown[0]}; there are {', '.join(_names())}.")
    try:
        return {
            **written.numbers,
            "zone": _zone(written.zone),
            "friendly_windows": b"".join(_window(one) for one in written.friendly_windows),
            "closing_windows": b"".join(_window(one) for one in written.closing_windows),
            "holidays": _holidays(written.holidays),
            "aliases": aliases.encode(list(written.aliases)),
        }
    except SharedError as error:
        raise Refused("policy_wrong", f"This is no policy: {error}.") from None


def numbers(policy: Policy) -> dict[str, int]:
    """The numbers of a policy by their names."""
    return {name: getattr(policy, name) for name in _names()}


def _names() -> list[str]:
    return [name for _, name, size, _ in POLICY_FIELDS if size]


def windows(data: bytes) -> tuple[Window, ...]:
    """Windows back from their bytes."""
    rows = [data[at : at + _ROW_SIZE] for at in range(0, len(data), _ROW_SIZE)]
    return tuple(Window(_day_names(row[0]), _u2(row[1:3]), _u2(row[3:5])) for row in rows)


def holidays(data: bytes) -> tuple[date, ...]:
    """Holidays back from their bytes."""
    days = [_u2(data[at : at + 2]) for at in range(0, len(data), 2)]
    return tuple(date(*date_of(day)) for day in days)


def _zone(rule: ZoneRule | None) -> bytes:
    if rule is None:
        return b""
    if rule.begins is None or rule.ends is None:
        return zone_data(rule.offset_min)
    return zone_data(rule.offset_min, rule.dst_min, _change(rule.begins), _change(rule.ends))


def _change(change: Change) -> tuple[int, int, int, int]:
    return change.month, change.week, change.weekday, change.minute


def _window(window: Window) -> bytes:
    bits = sum(_BITS[name] for name in set(window.days))
    return bytes((bits,)) + window.from_min.to_bytes(2, "big") + window.to_min.to_bytes(2, "big")


def _day_names(bits: int) -> tuple[str, ...]:
    return tuple(name for name, bit in _BITS.items() if bits & bit)


def _holidays(days: tuple[date, ...]) -> bytes:
    numbers_ = sorted({day_of(day.year, day.month, day.day) for day in days})
    if any(not 0 <= day <= 0xFFFF for day in numbers_):
        raise Refused("policy_wrong", "holidays: a day lies before 1970 or after 2149.")
    return b"".join(day.to_bytes(2, "big") for day in numbers_)


def _u2(data: bytes) -> int:
    return int.from_bytes(data, "big")
