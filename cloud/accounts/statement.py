"""The statement of a customer: every coin that was paid, charged, kept, owed or returned, line by line from the books.

Each line holds `paid + debt + bills = charged + taxes + account`: what came in or is owed more went somewhere.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import Select, func, select, union
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.accounts.models import Customer
from cloud.auth.actor import Actor
from cloud.books import rules as books
from cloud.books.models import BookAccount, BookEntry, BookPosting
from cloud.errors import Refused
from cloud.meters.models import Meter
from cloud.rows import owned
from cloud.vending.booking import cancel_key, sale_key
from cloud.vending.models import Vend

LINES_MAX = 5000
_ACCOUNT, _DEBT, _BILLS = "customer", "debt", "receivable"
_OWN = (_ACCOUNT, _DEBT, _BILLS)


@dataclass(frozen=True)
class Standing:
    """What a customer has left over, owes in instalments, and owes of bills; in minor units."""

    account_minor: int = 0
    debt_minor: int = 0
    bills_minor: int = 0


@dataclass
class StatementLine:
    """One event: the money that came in (below zero: went out), what was charged, and what moved on each account.

    `drn` is the meter of a sale.
    """

    entry: int
    at: int
    kind: str
    reference: str
    reason: str
    drn: str | None = None
    paid_minor: int = 0
    charged_minor: int = 0
    taxes_minor: int = 0
    account_minor: int = 0
    debt_minor: int = 0
    bills_minor: int = 0
    after: Standing = field(default_factory=Standing)

    @property
    def holds(self) -> bool:
        """Whether no coin is missing."""
        came = self.paid_minor + self.debt_minor + self.bills_minor
        return came == self.charged_minor + self.taxes_minor + self.account_minor


@dataclass(frozen=True)
class CustomerStatement:
    """What happened from one time until another, where the customer stood before, and where afterwards."""

    customer: Customer
    currency: str
    from_s: int
    until_s: int
    opening: Standing
    lines: Sequence[StatementLine]
    closing: Standing


async def of(
    session: AsyncSession, actor: Actor, customer_id: int, currency: str, from_s: int, until_s: int
) -> CustomerStatement:
    """Return the statement of a customer for `from_s` <= t < `until_s`; Refused for more than LINES_MAX lines."""
    customer = await owned(session, actor, Customer, customer_id, "customer")
    opening = await _standing(session, customer, currency, from_s)
    lines = await _lines(session, customer, currency, from_s, until_s)
    if len(lines) > LINES_MAX:
        raise Refused("too_long", f"There are more than {LINES_MAX} lines in this time; ask for a shorter one.")
    after = opening
    for line in lines:
        after = Standing(
            after.account_minor + line.account_minor,
            after.debt_minor + line.debt_minor,
            after.bills_minor + line.bills_minor,
        )
        line.after = after
        assert line.holds, f"entry {line.entry} balances, so its line does"
    return CustomerStatement(customer, currency, from_s, until_s, opening, lines, after)


def _codes(customer: Customer) -> dict[str, str]:
    return {f"{name}:{customer.id}": name for name in _OWN}


async def _standing(session: AsyncSession, customer: Customer, currency: str, until_s: int) -> Standing:
    codes = _codes(customer)
    sums = (
        select(BookAccount.code, func.sum(BookPosting.amount))
        .join(BookPosting, BookPosting.account_id == BookAccount.id)
        .join(BookEntry, BookEntry.id == BookPosting.entry_id)
        .where(BookAccount.utility_id == customer.utility_id, BookAccount.unit == currency)
        .where(BookAccount.code.in_(codes), BookEntry.at < until_s)
        .group_by(BookAccount.code)
    )
    found = {codes[code]: int(amount) for code, amount in await session.execute(sums)}
    return Standing(-found.get(_ACCOUNT, 0), found.get(_DEBT, 0), found.get(_BILLS, 0))


def _entries(customer: Customer, currency: str, from_s: int, until_s: int) -> Select[tuple[int]]:
    """The entries that moved an account of the customer, and those of what they bought."""
    own = (
        select(BookEntry.id)
        .join(BookPosting, BookPosting.entry_id == BookEntry.id)
        .join(BookAccount, BookAccount.id == BookPosting.account_id)
        .where(BookAccount.utility_id == customer.utility_id, BookAccount.code.in_(_codes(customer)))
        .where(BookAccount.unit == currency)
    )
    bought = (
        select(BookEntry.id)
        .join(Vend, BookEntry.key.in_((sale_key("") + Vend.purchase_id, cancel_key("") + Vend.purchase_id)))
        .where(BookEntry.utility_id == customer.utility_id, Vend.customer_id == customer.id)
    )
    in_time = (BookEntry.at >= from_s, BookEntry.at < until_s)
    both = union(own.where(*in_time), bought.where(*in_time)).subquery()
    return select(both.c.id).order_by(both.c.id).limit(LINES_MAX + 1)


async def _lines(
    session: AsyncSession, customer: Customer, currency: str, from_s: int, until_s: int
) -> list[StatementLine]:
    wanted = _entries(customer, currency, from_s, until_s).subquery()
    moved = (
        select(BookEntry, BookAccount.code, BookAccount.kind, BookPosting.amount)
        .join(BookPosting, BookPosting.entry_id == BookEntry.id)
        .join(BookAccount, BookAccount.id == BookPosting.account_id)
        .where(BookEntry.id.in_(select(wanted.c.id)), BookAccount.unit == currency)
        .order_by(BookEntry.at, BookEntry.id, BookPosting.line)
    )
    found: dict[int, StatementLine] = {}
    for entry, code, kind, amount in await session.execute(moved):
        if entry.id not in found:
            found[entry.id] = StatementLine(entry.id, entry.at, entry.kind, entry.subject, entry.reason)
        _add(found[entry.id], customer, code, kind, amount)
    lines = list(found.values())
    await _name_meters(session, lines)
    return lines


def _add(line: StatementLine, customer: Customer, code: str, kind: str, amount: int) -> None:
    own = _codes(customer).get(code)
    if own == _ACCOUNT:
        line.account_minor -= amount
    elif own == _DEBT:
        line.debt_minor += amount
    elif own == _BILLS:
        line.bills_minor += amount
    elif code.startswith("tax:"):
        line.taxes_minor -= amount
    elif kind in (books.INCOME, books.EXPENSE) or code.startswith(("meter_money:", "carried:")):
        line.charged_minor -= amount
    else:
        line.paid_minor += amount


async def _name_meters(session: AsyncSession, lines: Sequence[StatementLine]) -> None:
    purchases = [line.reference for line in lines if line.kind in ("sale", "void", "cancel", "hold")]
    named = select(Vend.purchase_id, Meter.drn).join(Meter, Meter.id == Vend.meter_id)
    rows = await session.execute(named.where(Vend.purchase_id.in_(purchases)))
    drns = {row.purchase_id: row.drn for row in rows}
    for line in lines:
        line.drn = drns.get(line.reference)
