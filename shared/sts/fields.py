"""The tokens of class 0, 1 and 2 as values, and the way back from the six bytes before the checksum.

Constructors refuse what does not fit a field, with RangeError. Key-change sections are in key_change.py.
"""

from shared.sts import amounts
from shared.sts.amounts import UNITS_MAX, currency_to_field, field_to_currency, field_to_units, units_to_field
from shared.sts.errors import RangeError
from shared.sts.value import TimedValue, TokenValue, checked

largest_not_above = amounts.largest_not_above
largest_currency_not_above = amounts.largest_currency_not_above

ELECTRICITY, WATER, GAS, TIME = range(4)
CURRENCY = 4  # added to one of the four: credit in money instead of units
ALL_REGISTERS = 0xFFFF
ALL_TESTS_36 = 0xFFFFFFFFF
ALL_TESTS_28 = 0xFFFFFFF


class TransferCredit(TimedValue):
    """Credit in units: subclass ELECTRICITY, WATER, GAS or TIME, amount in 0.1 kWh, 0.1 m3 or 0.1 minute.

    A token carries the smallest quantity not below amount; largest_not_above tells which it carries exactly.
    """

    names = ("subclass", "rnd", "tid", "amount")
    amount: int

    def __init__(self, subclass: int, rnd: int, tid: int, amount_units: int) -> None:
        super().__init__(rnd, tid)
        self.subclass = checked("subclass", subclass, TIME)
        units_to_field(amount_units)
        self.amount = amount_units

    def field(self) -> int:
        return units_to_field(self.amount)


class CurrencyCredit(TimedValue):
    """Credit in money: subclass CURRENCY + the commodity, amount in 1/100000 of the base currency, signed.

    The nibble that is random elsewhere holds the sign and the upper exponent bits, so it follows from the amount.
    """

    names = ("subclass", "tid", "amount")
    amount: int

    def __init__(self, subclass: int, tid: int, amount: int) -> None:
        super().__init__(currency_to_field(amount)[0], tid)
        self.subclass = checked("subclass", subclass, CURRENCY + TIME, CURRENCY)
        self.amount = amount

    def field(self) -> int:
        return currency_to_field(self.amount)[1]


class MeterTest(TokenValue):
    """A test or display request, in clear: subclass 0 with 36 control bits, 1 with 28; mfr_code 0 is any maker."""

    token_class = 1
    names = ("subclass", "control", "mfr_code")

    def __init__(self, subclass: int, control: int, mfr_code: int = 0) -> None:
        self.subclass = checked("subclass", subclass, 1)
        self.control = checked("control", control, ALL_TESTS_28 if subclass else ALL_TESTS_36)
        self.mfr_code = checked("mfr_code", mfr_code, 0xFFFF if subclass else 0xFF)

    def body(self) -> bytes:
        code_bits = 16 if self.subclass else 8
        return (self.subclass << 44 | self.control << code_bits | self.mfr_code).to_bytes(6, "big")


class ExtendedRead(TokenValue):
    """A request, in clear, to show extended entry 0..63 (STS 202-5)."""

    token_class = 1
    subclass = 2
    names = ("index",)

    def __init__(self, index: int) -> None:
        self.index = checked("index", index, 63)

    def body(self) -> bytes:
        return (self.subclass << 44 | self.index << 38).to_bytes(6, "big")


class SetMaximumPowerLimit(TimedValue):
    """The largest load, in watts; rounded up as an amount is."""

    token_class = 2
    subclass = 0
    names = ("rnd", "tid", "amount")
    amount: int

    def __init__(self, rnd: int, tid: int, limit_w: int) -> None:
        super().__init__(rnd, tid)
        self.amount = checked("limit_w", limit_w, UNITS_MAX)

    def field(self) -> int:
        return units_to_field(self.amount)


class SetMaximumPhasePowerUnbalanceLimit(SetMaximumPowerLimit):
    """The largest difference of load between phases, in watts."""

    subclass = 6


class ClearCredit(TimedValue):
    """Clear a credit register: the number of a credit subclass 0..7, or ALL_REGISTERS."""

    token_class = 2
    subclass = 1
    names = ("rnd", "tid", "register")

    def __init__(self, rnd: int, tid: int, register: int) -> None:
        super().__init__(rnd, tid)
        if register != ALL_REGISTERS:
            checked("register", register, CURRENCY + TIME)
        self.register = register

    def field(self) -> int:
        return self.register


class ClearTamperCondition(TimedValue):
    """Clear the tamper status."""

    token_class = 2
    subclass = 5

    def field(self) -> int:
        return 0


class ExtendedSet(TimedValue):
    """Set extended entry 0..63 to a value of ten bits (STS 202-5); entry 63 holds flags."""

    token_class = 2
    subclass = 10
    names = ("rnd", "tid", "index", "value")

    def __init__(self, rnd: int, tid: int, index: int, value: int) -> None:
        super().__init__(rnd, tid)
        self.index = checked("index", index, 63)
        self.value = checked("value", value, 0x3FF)

    def field(self) -> int:
        return self.index << 10 | self.value


def read_credit(body: bytes) -> TokenValue:
    """Return the credit of a class 0 body of subclass 0..7."""
    subclass, nibble, tid, field = _timed(body)
    if subclass >= CURRENCY:
        return CurrencyCredit(subclass, tid, field_to_currency(nibble, field))
    return TransferCredit(subclass, nibble, tid, field_to_units(field))


def read_meter_test(body: bytes) -> TokenValue:
    """Return the test of a class 1 body of subclass 0 or 1."""
    number = int.from_bytes(body, "big")
    if number >> 44:
        return MeterTest(1, number >> 16 & ALL_TESTS_28, number & 0xFFFF)
    return MeterTest(0, number >> 8 & ALL_TESTS_36, number & 0xFF)


def read_extended_read(body: bytes) -> TokenValue:
    """Return the request of a class 1 body of subclass 2. RangeError if bits without a meaning are set."""
    number = int.from_bytes(body, "big")
    if number & 0x3FFFFFFFFF:
        raise RangeError("an extended read has zeros after its index")
    return ExtendedRead(number >> 38 & 63)


def read_power_limit(body: bytes) -> TokenValue:
    """Return the limit of a class 2 body of subclass 0 or 6."""
    subclass, rnd, tid, field = _timed(body)
    kind = SetMaximumPhasePowerUnbalanceLimit if subclass else SetMaximumPowerLimit
    return kind(rnd, tid, field_to_units(field))


def read_clear_credit(body: bytes) -> TokenValue:
    """Return the order of a class 2 body of subclass 1. RangeError if it names no register."""
    _, rnd, tid, field = _timed(body)
    return ClearCredit(rnd, tid, field)


def read_clear_tamper(body: bytes) -> TokenValue:
    """Return the order of a class 2 body of subclass 5. RangeError if its field is not zero."""
    _, rnd, tid, field = _timed(body)
    if field:
        raise RangeError("a clear-tamper token has a zero field")
    return ClearTamperCondition(rnd, tid)


def read_extended_set(body: bytes) -> TokenValue:
    """Return the order of a class 2 body of subclass 10."""
    _, rnd, tid, field = _timed(body)
    return ExtendedSet(rnd, tid, field >> 10, field & 0x3FF)


def _timed(body: bytes) -> tuple[int, int, int, int]:
    tid = body[1] << 16 | body[2] << 8 | body[3]
    return body[0] >> 4, body[0] & 15, tid, body[4] << 8 | body[5]
