"""What a meter moved on a day, as an entry of the books. Pure.

Volume goes through `meter_credit` and `consumed`. Money of meters becomes revenue only here, its taxes taken out of it
by the rates of the meter's tariff class.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from cloud.books import rules as books
from cloud.books.rules import Account, Draft
from cloud.reports.consumption import (
    CARRIED,
    CLEARED,
    CONSUMED,
    FIXED,
    GRANTED,
    MONEY,
    MOVES,
    TOKEN,
    UNEXPLAINED,
    Moved,
)
from cloud.tariffs.terms import FIXED as ON_FIXED
from cloud.tariffs.terms import VOLUME as ON_VOLUME
from cloud.tariffs.terms import Tax
from cloud.vending.money import per_minor

KIND = "consumption"
_MILLE = 1000
_Wanted = tuple[Account, int, str]


@dataclass(frozen=True)
class Holder:
    """A meter as its entries name it, with the currency and the taxes of money on it."""

    utility_id: int
    meter_id: int
    commodity: str
    currency: str
    taxes: Sequence[Tax] = ()

    @property
    def per_minor(self) -> int:
        """How much of a meter's money is one minor unit."""
        return per_minor(self.currency)


def draft(holder: Holder, key: str, reason: str, unit: str, moved: Moved, money_before: int) -> Draft | None:
    """Return the entry of what moved; None if it moved nothing. `money_before` is the sum of what money moved before.

    Tokens are not in it: they stand in the books since their sale.
    """
    lines: list[_Wanted] = []
    total = money_before
    for move in MOVES:
        amount = moved.moves.get(move, 0)
        if move == TOKEN or not amount:
            continue
        if unit == MONEY:
            whole = (total + amount) // holder.per_minor - total // holder.per_minor
            total += amount
            lines += _money(holder, move, whole)
        else:
            lines += _volume(holder, move, amount)
    made = books.lines(*lines)
    subject = f"meter:{holder.meter_id}"
    return Draft(holder.utility_id, f"{KIND}:{key}", KIND, subject, reason, made) if made else None


def _volume(holder: Holder, move: str, amount: int) -> list[_Wanted]:
    against = {
        CONSUMED: books.consumed(holder.commodity),
        FIXED: books.consumed(holder.commodity),
        **_others(holder, books.UNITS[holder.commodity]),
    }
    return [(books.meter_credit(holder.commodity), -amount, move), (against[move], amount, move)]


def _money(holder: Holder, move: str, amount: int) -> list[_Wanted]:
    if move == CONSUMED:
        earned = _earned(holder, books.revenue(holder.commodity, holder.currency), ON_VOLUME, move, amount)
    elif move == FIXED:
        earned = _earned(holder, books.fees(holder.currency), ON_FIXED, move, amount)
    else:
        earned = [(_others(holder, holder.currency)[move], amount, move)]
    return [(books.meter_money(holder.currency), -amount, move), *earned]


def _others(holder: Holder, unit: str) -> dict[str, Account]:
    return {
        GRANTED: books.granted(holder.commodity, unit),
        CLEARED: books.cleared(holder.commodity, unit),
        CARRIED: books.carried(holder.commodity, unit),
        UNEXPLAINED: books.unexplained(holder.commodity, unit),
    }


def _earned(holder: Holder, income: Account, line: str, move: str, amount: int) -> list[_Wanted]:
    """The taxes inside the amount, each rounded down, and the rest as income; `amount` is below zero for a charge."""
    raised = [tax for tax in holder.taxes if line in tax.on]
    whole = _MILLE + sum(tax.permille for tax in raised)
    sign = -1 if amount < 0 else 1
    shares = [(tax.kind, sign * (abs(amount) * tax.permille // whole)) for tax in raised]
    lines = [(books.tax(kind, holder.currency), share, f"tax {line}"[:12]) for kind, share in shares]
    return [(income, amount - sum(share for _, share in shares), move), *lines]
