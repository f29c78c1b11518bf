"""Tariff: what a volume and a day cost, as signed data. Gateway and cloud charge by this code and compare for equality.

Money is an integer in 1/100000 of the base currency, as STS currency tokens count; prices are money per UNIT, which is
1 m3 (1 kWh) in ml (mWh). A charge is F(after) - F(before), and what is below one unit of money is carried, not dropped:
wherever a consumption is cut, the parts cost what the whole costs. The byte tables stand in shared/FORMAT.md.
"""

from shared import kinds
from shared.civil import date_of, day_of
from shared.compat import const
from shared.errors import WireError
from shared.policy import check_value
from shared.wire import Layout, Reader

TARIFF = Layout(
    b"PStar001",
    (
        ("utility", "u4"),
        ("meter_group", "u2"),
        ("version", "u4"),
        ("effective_from_s", "u4"),
        ("counters", "u1"),
        ("fixed_month", "u6"),
        ("fixed_days_max", "u1"),
        ("blocks", "v2"),
    ),
)
BLOCK = Layout(b"", (("limit_ml", "u6"), ("price", "u6")))

UNIT = const(1_000_000)
"""ml in 1 m3, mWh in 1 kWh: the volume that a price is for."""
NEVER = const((1 << 47) - 1)
"""The volume that no meter reaches: the answer for credit that lasts for ever. It fits every signed field."""

CONTINUE = kinds.COUNTER_CONTINUE
RESET = kinds.COUNTER_RESET
PRORATE = kinds.COUNTER_PRORATE

PRICE_MAX = 1 << 36
"""The highest price and monthly charge that a gateway takes: what a charge costs must fit the field of an entry."""

_BLOCKS_MAX = const(8)
_MONTHS = const(12)
_DAYS = const(365)


class Tariff:
    """One version of a tariff. `limits` in ml of the month's consumption, the last 0 for none; `prices` beside them."""

    def __init__(self, head: "dict[str, int]", check: int, limits: "tuple[int, ...]", prices: "tuple[int, ...]"):
        self.version = head["version"]
        self.check = check
        self.meter_group = head["meter_group"]
        self.effective_from_s = head["effective_from_s"]
        self.counters = head["counters"]
        self.fixed_month = head["fixed_month"]
        self.fixed_days_max = head["fixed_days_max"]
        self.limits = limits
        self.prices = prices

    def is_payable(self) -> bool:
        """Whether no price is above PRICE_MAX."""
        return max(self.prices) <= PRICE_MAX and self.fixed_month <= PRICE_MAX

    def charge(self, before_ml: int, consumed_ml: int, remainder: int, share: int) -> "tuple[int, int]":
        """(money, remainder) for `consumed_ml` after `before_ml` of the month; the remainder goes into the next call.

        A remainder is 1/UNIT of a unit of money, below UNIT. `share` is that of share_from.
        """
        assert before_ml >= 0 and consumed_ml >= 0, "consumption never runs backwards"
        assert 0 <= remainder < UNIT, "a remainder is less than one unit of money"
        cost = self._cost(before_ml + consumed_ml, share) - self._cost(before_ml, share) + remainder
        return cost // UNIT, cost % UNIT

    def volume_for(self, before_ml: int, money: int, remainder: int, share: int) -> int:
        """The smallest volume in ml that charge() takes `money` (1 or more) for; NEVER when none does below NEVER."""
        assert money >= 1, "no volume costs nothing"
        due = money * UNIT - remainder
        position = before_ml
        while True:
            _index, left, price, _next_price = self.block(position, share)
            if price and (left < 0 or price * left >= due):
                return min(position - before_ml + (due + price - 1) // price, NEVER)
            if left < 0:
                return NEVER
            due -= price * left
            position += left

    def block(self, position_ml: int, share: int) -> "tuple[int, int, int, int]":
        """(index from 0, ml left or -1, price, next price or -1) of the block that the next ml falls into."""
        index = self._index(position_ml, share)
        price = self.prices[index]
        if index == len(self.prices) - 1:
            return index, -1, price, -1
        upper = self._upper(index, share)
        return index, upper - position_ml, price, self.prices[self._index(upper, share)]

    def _cost(self, position_ml: int, share: int) -> int:
        """F: what the month has cost up to `position_ml`, in 1/UNIT of a unit of money."""
        cost = lower = 0
        index = self._index(position_ml, share)
        for row in range(index):
            upper = self._upper(row, share)
            cost += self.prices[row] * (upper - lower)
            lower = upper
        return cost + self.prices[index] * (position_ml - lower)

    def _index(self, position_ml: int, share: int) -> int:
        last = len(self.limits) - 1
        for index in range(last):
            if position_ml < self._upper(index, share):
                return index
        return last

    def _upper(self, index: int, share: int) -> int:
        if share == 0:
            return self.limits[index]
        return self.limits[index] * (share >> 8) // (share & 0xFF)


def encode_tariff(
    utility: int,
    meter_group: int,
    version: int,
    effective_from_s: int,
    counters: int,
    fixed_month: int,
    fixed_days_max: int,
    blocks: "list[tuple[int, int]]",
) -> bytes:
    """What is signed of a tariff with `blocks` as (limit in ml or 0, price); WireError says which field is wrong."""
    document = TARIFF.encode(
        utility=utility,
        meter_group=meter_group,
        version=version,
        effective_from_s=effective_from_s,
        counters=counters,
        fixed_month=fixed_month,
        fixed_days_max=fixed_days_max,
        blocks=b"".join([BLOCK.encode(limit_ml=limit, price=price) for limit, price in blocks]),
    )
    decode_tariff(document)
    return document


def decode_tariff(document: bytes) -> Tariff:
    """What is signed of a tariff (no signature) -> Tariff; WireError says which field is wrong."""
    head = TARIFF.decode(document)
    if head["version"] == 0:
        raise WireError("version: 0 means that no tariff is in force; versions start at 1")
    if head["counters"] > PRORATE:
        raise WireError("counters: {} is none of 0 continue, 1 reset, 2 prorate".format(head["counters"]))
    limits, prices = _read_blocks(head["blocks"])
    return Tariff(head, check_value(document), limits, prices)


def share_from(days_left: int, days_in_month: int) -> int:
    """The part of a month, today included, that limits are scaled to, in 16 bits; 0 would be the whole month too."""
    assert 1 <= days_left <= days_in_month <= 31, "what is left of a month is 1 day up to all of them"
    return days_left << 8 | days_in_month


def is_share(value: int) -> bool:
    """Whether `value`, as it came in an entry, is 0 or one that share_from gives."""
    return value == 0 or (28 <= value & 0xFF <= 31 and 1 <= value >> 8 <= value & 0xFF)


def fixed_charge(fixed_month: int, first_day: int, days: int) -> int:
    """Money for `days` days from `first_day` (days since 1970-01-01), at twelve monthly charges a year / 365 a day.

    Days are posted as differences of what the year has cost so far, so that a year always costs twelve months:
    its last day takes what rounding left, and the 366th day costs nothing.
    """
    assert fixed_month >= 0 and days >= 0, "fixed charges and days are not negative"
    return _fixed_before(fixed_month, first_day + days) - _fixed_before(fixed_month, first_day)


def _fixed_before(fixed_month: int, day: int) -> int:
    year = date_of(day)[0]
    passed = day - day_of(year, 1, 1)  # at most 365: before the 366th day a leap year is paid for
    return fixed_month * _MONTHS * year + fixed_month * _MONTHS * passed // _DAYS


def _read_blocks(data: bytes) -> "tuple[tuple[int, ...], tuple[int, ...]]":
    reader = Reader(data)
    limits: list[int] = []
    prices: list[int] = []
    while not reader.at_end():
        row = BLOCK.read(reader)
        limits.append(row["limit_ml"])
        prices.append(row["price"])
    if not 1 <= len(limits) <= _BLOCKS_MAX:
        raise WireError(f"blocks: expected 1 to {_BLOCKS_MAX} rows, got {len(limits)}")
    _check_limits(limits)
    return tuple(limits), tuple(prices)


def _check_limits(limits: "list[int]") -> None:
    if limits[-1] != 0:
        raise WireError(f"blocks: the last row must have no limit (0), not {limits[-1]}")
    before = 0
    for number, limit in enumerate(limits[:-1], 1):
        if limit <= before:
            raise WireError(f"blocks: limit {limit} of row {number} is not above {before}, that of the row before it")
        before = limit
