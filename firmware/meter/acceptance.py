"""Judges a decoded token for one meter, in the order of IEC 62055-41: service, identifier, key, amount, time.

What it accepts is not yet used: the caller writes the TOKEN entry, which holds the identifier and the credit.
"""

from shared import kinds
from shared.policy import Policy
from shared.state import MeterState
from shared.sts.errors import (
    CreditOverflowError,
    DDTKError,
    FunctionError,
    KeyExpiredError,
    OldError,
    RangeError,
    UsedError,
)
from shared.sts.time_id import time_of
from shared.tid_memory import OLD, USED
from shared.top_up import Shares, lines

_CREDIT = 0  # token class
_CURRENCY = 4  # added to a commodity's subclass: credit in money
_DDTK = 1  # key type of a default key
_KEN_OFF = 255


class AheadError(RangeError):
    """The identifier lies further in the future than the policy allows; shown as the standard's range error."""


def credit_of(value, settings, key, meter: MeterState, balance: int, policy: Policy, now_s: int, quality: int) -> int:
    """The credit of a token value, in the unit of the account; the TokenError of the first check that fails.

    `balance` is the present one with everything charged that has flowed; `settings` are the meter's, `key` the
    MeterKey in force; `quality` of the time `now_s` decides whether an identifier can lie too far ahead.
    """
    in_money = meter.has(kinds.MODE_CURRENCY)
    subclass = settings.commodity + (_CURRENCY if in_money else 0)
    if value.token_class != _CREDIT or value.subclass != subclass or meter.has(kinds.MODE_BULK):
        raise FunctionError("this meter takes credit of its own commodity and kind only")
    check_unused(value.tid, key, meter)
    if key.kt == _DDTK:
        raise DDTKError("a default key carries no credit")
    credit = value.amount * (1 if in_money else settings.token_unit)
    if credit <= 0:
        raise RangeError("a token without credit")
    if balance + lines_of(meter, credit, policy)[3] > policy.max_meter_balance:
        raise CreditOverflowError("the balance would exceed its limit; use the token later")
    check_time(value.tid, key, policy, now_s, quality)
    return credit


def lines_of(meter: MeterState, credit: int, policy: Policy) -> "tuple[int, int, int, int]":
    """(payment debt, accumulated debt, emergency credit, service) of a top-up; the first is the cloud's, and 0 here."""
    shares = Shares(0, 0, policy.debt_percent, policy.emergency_percent, policy.min_service_percent)
    return lines(credit, 0, meter.pots[kinds.ACCUMULATED_DEBT], -meter.pots[kinds.EMERGENCY_CREDIT], shares)


def check_unused(tid: int, key, meter: MeterState) -> None:
    """UsedError or OldError for an identifier that the meter has seen or left behind, KeyExpiredError past KEN."""
    judgement = meter.tids.judge(tid)
    if judgement == USED:
        raise UsedError("this token was used")
    if judgement == OLD:
        raise OldError("this token is older than all that are remembered")
    if key.ken != _KEN_OFF and tid >> 16 > key.ken:
        raise KeyExpiredError("this token was made after the key expired")


def check_time(tid: int, key, policy: Policy, now_s: int, quality: int) -> None:
    """AheadError for an identifier too far ahead, when the clock can be believed."""
    if quality != kinds.TIME_UNKNOWN and time_of(tid, key.base_year) > now_s + 60 * policy.tid_ahead_max_min:
        raise AheadError("this token was made for a later time")
