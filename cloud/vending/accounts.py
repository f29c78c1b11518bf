"""Customers' money that is left over: one account per customer and currency in the books, moved by entries only."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import BigInteger, ColumnElement, func, literal, select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.accounts.models import Customer
from cloud.api.fields import PageQuery
from cloud.auth.actor import Actor
from cloud.books import rules as books
from cloud.books import service
from cloud.books.models import BookAccount, BookEntry, BookPosting
from cloud.rows import owned
from cloud.vending.booking import KEPT, USED, sale_key


@dataclass(frozen=True)
class Movement:
    """What a purchase took from an account and put there, and the balance after it; in minor units."""

    used_minor: int = 0
    kept_minor: int = 0
    balance_minor: int | None = None


@dataclass(frozen=True)
class Held:
    """What a customer has left over in one currency, and in how many postings."""

    currency: str
    balance_minor: int
    postings: int


@dataclass(frozen=True)
class Posted:
    """A movement of an account: above zero what it gained. `sequence` counts the account's postings from 1."""

    id: int
    currency: str
    sequence: int
    purchase_id: str
    kind: str
    amount_minor: int
    balance_minor: int
    at: int


def moved(used_minor: int, kept_minor: int, balance_minor: int | None) -> Movement:
    """Return what a purchase did to an account that had a balance before it."""
    if not used_minor and not kept_minor:
        return Movement()
    assert balance_minor is not None, "only an account is moved"
    return Movement(used_minor, kept_minor, balance_minor - used_minor + kept_minor)


async def held_minor(session: AsyncSession, customer: Customer, currency: str) -> int:
    """Return what a customer has left over in a currency; nobody else moves it until the transaction ends."""
    return (await service.locked(session, customer.utility_id, books.customer(customer.id, currency))).held


async def seen_minor(session: AsyncSession, customer: Customer, currency: str) -> int:
    """Return what a customer has left over in a currency as it is seen now, without a lock."""
    code = books.customer(customer.id, currency).code
    mine = (BookAccount.utility_id == customer.utility_id, BookAccount.code == code, BookAccount.unit == currency)
    return await session.scalar(select(BookAccount.held).where(*mine)) or 0


async def movement(session: AsyncSession, utility_id: int, purchase_id: str) -> Movement:
    """Return what a purchase did to an account, as its postings say."""
    earlier = BookPosting.__table__.alias()
    after = select(-func.sum(earlier.c.amount)).where(
        earlier.c.account_id == BookPosting.account_id, earlier.c.id <= BookPosting.id
    )
    mine = (
        select(BookPosting.what, BookPosting.amount, after.scalar_subquery())
        .join(BookEntry, BookEntry.id == BookPosting.entry_id)
        .where(BookEntry.utility_id == utility_id, BookEntry.key == sale_key(purchase_id))
        .where(BookPosting.what.in_((USED, KEPT)))
        .order_by(BookPosting.line)
    )
    found = (await session.execute(mine)).all()
    used = sum(amount for what, amount, _ in found if what == USED)
    kept = -sum(amount for what, amount, _ in found if what == KEPT)
    return Movement(used, kept, int(found[-1][2]) if found else None)


async def listed(session: AsyncSession, actor: Actor, customer_id: int) -> Sequence[Held]:
    """Return what a customer has, one per currency that ever moved."""
    mine = (
        select(BookAccount.unit, BookAccount.held, func.count())
        .join(BookPosting, BookPosting.account_id == BookAccount.id)
        .where(*await _of(session, actor, customer_id))
        .group_by(BookAccount.id)
        .order_by(BookAccount.unit)
    )
    return [Held(*row) for row in await session.execute(mine)]


async def postings(session: AsyncSession, actor: Actor, customer_id: int, query: PageQuery) -> Sequence[Posted]:
    """Return a page of the postings of a customer, and one more if there is a further page."""
    every = (
        select(
            BookPosting.id,
            BookAccount.unit,
            func.row_number().over(partition_by=BookPosting.account_id, order_by=BookPosting.id),
            BookEntry.subject,
            BookPosting.what,
            -BookPosting.amount,
            -func.sum(BookPosting.amount).over(partition_by=BookPosting.account_id, order_by=BookPosting.id),
            BookEntry.at,
        )
        .join(BookAccount, BookAccount.id == BookPosting.account_id)
        .join(BookEntry, BookEntry.id == BookPosting.entry_id)
        .where(*await _of(session, actor, customer_id))
        .subquery()
    )
    wanted = select(every).where(every.c.id > literal(query.after, BigInteger))
    rows = (await session.execute(wanted.order_by(every.c.id).limit(query.limit + 1))).all()
    return [Posted(row[0], row[1], row[2], row[3], row[4], row[5], int(row[6]), row[7]) for row in rows]


async def _of(session: AsyncSession, actor: Actor, customer_id: int) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    customer = await owned(session, actor, Customer, customer_id, "customer")
    code = books.customer(customer_id, "").code
    return BookAccount.utility_id == customer.utility_id, BookAccount.code == code
