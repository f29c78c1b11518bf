"""Token identifiers at their ends: the last minute of a base date, of a KEN, and a clock before the base date."""

import datetime

import pytest

from cloud.errors import Refused
from cloud.vending.models import VendingKey
from cloud.vending.roll_over import stop_of
from cloud.vending.rules import allocate_tid
from shared.sts.time_id import TID_MAX, base_seconds

MINUTE_S = 60
NEVER = 255


def utc(text: str) -> int:
    return int(datetime.datetime.fromisoformat(text + "+00:00").timestamp())


@pytest.mark.parametrize(
    ("base_year", "last"), [(1993, "2024-11-24T20:15"), (2014, "2045-11-24T20:15"), (2035, "2066-11-24T20:15")]
)
def test_the_last_minute_of_a_base_date_is_sold_and_the_next_is_refused(base_year: int, last: str) -> None:
    minute = utc(last)

    assert allocate_tid(0, minute, base_year, NEVER) == TID_MAX == 16_777_215
    with pytest.raises(Refused, match=r"base date has rolled over.*plan a key change"):
        allocate_tid(0, minute + MINUTE_S, base_year, NEVER)


def test_a_second_sale_in_the_last_minute_is_refused_because_identifiers_are_used_up() -> None:
    with pytest.raises(Refused, match="used up"):
        allocate_tid(TID_MAX, utc("2045-11-24T20:15"), 2014, NEVER)


def test_a_time_before_the_base_date_is_refused() -> None:
    with pytest.raises(Refused, match="before the base date"):
        allocate_tid(0, base_seconds(2035) - 1, 2035, NEVER)


def test_a_key_expires_after_the_last_minute_of_its_ken() -> None:
    minute = utc("2014-04-23T09:35")

    assert allocate_tid(0, minute, 1993, 170) >> 16 == 170
    with pytest.raises(Refused, match="expired") as refusal:
        allocate_tid(0, minute + MINUTE_S, 1993, 170)
    assert refusal.value.code == "key_expired"


def test_an_identifier_pushed_over_the_ken_by_earlier_sales_is_refused_too() -> None:
    last = (171 << 16) - 1

    with pytest.raises(Refused, match="expired"):
        allocate_tid(last, base_seconds(1993) + last * MINUTE_S, 1993, 170)


@pytest.mark.parametrize(("ken", "reason"), [(NEVER, "base_date"), (170, "key_expired")])
def test_the_rehearsal_and_the_sale_agree_on_the_first_minute_without_tokens(ken: int, reason: str) -> None:
    key = VendingKey(kt=2, base_year=1993, ken=ken)
    stop = stop_of(key, 1 << 32)
    assert stop is not None and stop.reason == reason and stop.since_s is not None

    assert stop_of(key, stop.since_s - 1) is None
    allocate_tid(0, stop.since_s - 1, 1993, ken)
    with pytest.raises(Refused):
        allocate_tid(0, stop.since_s, 1993, ken)
