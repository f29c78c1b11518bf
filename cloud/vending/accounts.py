"""Customers' money that is left over: one balance per customer and currency, moved by postings that are only added."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.accounts.models import Customer
from cloud.api.fields import PageQuery
from cloud.auth.actor import Actor
from cloud.rows import owned, rows_after
from cloud.vending.models import AccountPosting, CustomerAccount

USED, KEPT, VOID = "used", "kept", "void"


@dataclass(frozen=True)
class Movement:
    """What a purchase took from an account and put there, and the balance after it; in minor units."""

    used_minor: int = 0
    kept_minor: int = 0
    balance_minor: int | None = None


async def locked(session: AsyncSession, customer: Customer, currency: str) -> CustomerAccount:
    """Return the account of a customer in a currency, locked until the transaction ends; made at the first call."""
    mine = (CustomerAccount.customer_id == customer.id, CustomerAccount.currency == currency)
    held = select(CustomerAccount).where(*mine).with_for_update().execution_options(populate_existing=True)
    account = await session.scalar(held)
    if account is None:
        insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
        values = {"utility_id": customer.utility_id, "customer_id": customer.id, "currency": currency}
        first = insert(CustomerAccount).values(**values, balance_minor=0, postings=0)
        await session.execute(first.on_conflict_do_nothing())
        account = (await session.scalars(held)).one()
    return account


async def post(
    session: AsyncSession, account: CustomerAccount, purchase_id: str, kind: str, amount_minor: int, now: int
) -> None:
    """Move a locked account by a signed amount; zero leaves no trace."""
    if amount_minor == 0:
        return
    assert account.balance_minor + amount_minor >= 0, "a customer's account never goes below zero"
    account.balance_minor += amount_minor
    account.postings += 1
    posting = AccountPosting(
        account_id=account.id,
        sequence=account.postings,
        purchase_id=purchase_id,
        kind=kind,
        amount_minor=amount_minor,
        balance_minor=account.balance_minor,
        at=now,
    )
    session.add(posting)
    await session.flush()


async def movement(session: AsyncSession, purchase_id: str) -> Movement:
    """Return what a purchase did to an account, as its postings say."""
    mine = select(AccountPosting).where(
        AccountPosting.purchase_id == purchase_id, AccountPosting.kind.in_((USED, KEPT))
    )
    postings = (await session.scalars(mine.order_by(AccountPosting.sequence))).all()
    used = -sum(posting.amount_minor for posting in postings if posting.kind == USED)
    kept = sum(posting.amount_minor for posting in postings if posting.kind == KEPT)
    return Movement(used, kept, postings[-1].balance_minor if postings else None)


async def listed(session: AsyncSession, actor: Actor, customer_id: int) -> Sequence[CustomerAccount]:
    """Return the accounts of a customer, one per currency."""
    await owned(session, actor, Customer, customer_id, "customer")
    mine = select(CustomerAccount).where(CustomerAccount.customer_id == customer_id)
    return (await session.scalars(mine.order_by(CustomerAccount.currency))).all()


async def postings(
    session: AsyncSession, actor: Actor, customer_id: int, query: PageQuery
) -> Sequence[tuple[AccountPosting, str]]:
    """Return a page of the postings of a customer, each with its currency."""
    accounts = {account.id: account.currency for account in await listed(session, actor, customer_id)}
    mine = select(AccountPosting).where(AccountPosting.account_id.in_(accounts))
    found = await rows_after(session, mine, AccountPosting.id, query)
    return [(posting, accounts[posting.account_id]) for posting in found]
