"""Ending an account: a customer moves out, or the supply ends with the meter. One transaction, and a proven final.

What is left on the meter stays with the place for who comes next, or returns at the price that was paid for it. Debts
and bills are settled first; what is over then is ordered to be paid out.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud import decided
from cloud.accounts import carrying, finals, places, refund_orders, settling, worth
from cloud.accounts.change_models import AccountClosing
from cloud.accounts.finals import Figures
from cloud.accounts.models import Account, Customer
from cloud.accounts.rules import Worth
from cloud.api.fields import PageQuery
from cloud.audit import service as audit
from cloud.auth.actor import Actor
from cloud.billing import settling as bills
from cloud.billing import spans
from cloud.books import rules as books
from cloud.books import service as ledger_books
from cloud.books.rules import Draft
from cloud.errors import Conflict, Refused
from cloud.meters import return_codes
from cloud.meters.models import Meter, Utility
from cloud.rows import insert, of_actor, owned, rows_after
from cloud.tariffs.models import Tariff
from cloud.vending import holds
from cloud.vending.models import Vend
from cloud.vending.store import KeyStore

PLACE, REFUND = "place", "refund"


@dataclass(frozen=True)
class NewClosing:
    """Which account ends. `credit` is `place` or `refund`, None for what the utility does; `bars_meter` ends supply.

    `told_balance` is what the customer reads out, bounded by a return code that was checked before; `proven_tid` is the
    last token that the code proves to be taken in.
    """

    account_id: int
    credit: str | None
    bars_meter: bool
    proof: str
    told_balance: int | None
    reason: str
    proven_tid: int | None = None


async def ask(session: AsyncSession, actor: Actor, wanted: NewClosing, limit_minor: int, now: int) -> AccountClosing:
    """End an account, or keep that for a second person: above the limit, or where no ledger proves the final.

    Where the utility leaves credit with the place and the meter goes on, nothing moves, and one person may end it.
    """
    account, meter = await _open_account(session, actor, wanted.account_id)
    utility = await session.get_one(Utility, account.utility_id)
    credit = wanted.credit or utility.move_credit
    if credit == REFUND and wanted.proof != finals.LEDGER and not wanted.bars_meter:
        still = "A meter that goes on keeps its credit unless its ledger shows that it was taken off"
        raise Refused("refund_unproven", f"{still}; bar the meter, or leave the credit with the place.")
    await _check_unused(session, meter, credit, wanted.proven_tid)
    final = await finals.of(session, meter, wanted.proof, now, wanted.told_balance)
    value = (await _value(session, account, meter, final, wanted.proven_tid)).value_minor
    row = AccountClosing(
        utility_id=account.utility_id,
        account_id=account.id,
        meter_id=meter.id,
        credit=credit,
        bars_meter=wanted.bars_meter,
        currency=(await session.get_one(Tariff, meter.tariff_id)).currency,
        value_minor=value,
        debts_minor=0,
        refund_order_id=None,
        proven_tid=wanted.proven_tid,
        **final.columns(),
        **decided.asked(actor, wanted.reason, now),
    )
    stays = credit == PLACE == utility.move_credit and not wanted.bars_meter
    alone = stays or (final.proof == finals.LEDGER and value <= limit_minor)
    if not alone:
        actor.require_person()
    await insert(
        session, row, Conflict("closing_there", f"Account {account.id} is being closed already; decide on it.")
    )
    await _record(session, actor, row, "account.close-ask", now)
    if alone:
        await _carry_out(session, actor, row, limit_minor, now)
    return row


async def approve(session: AsyncSession, actor: Actor, closing_id: int, now: int) -> AccountClosing:
    """End an account that another person asked to end."""
    row = await decided.waiting(session, actor, AccountClosing, closing_id, "account closing")
    decided.by_another(actor, row)
    await _carry_out(session, actor, row, None, now)
    return row


async def decline(session: AsyncSession, actor: Actor, closing_id: int, now: int) -> AccountClosing:
    """Let the account go on."""
    row = await decided.waiting(session, actor, AccountClosing, closing_id, "account closing")
    await decided.decline(session, actor, row, "account.close-decline", now)
    return row


async def _open_account(session: AsyncSession, actor: Actor, account_id: int) -> tuple[Account, Meter]:
    account = await places.account_of(session, actor, account_id)
    found = await session.scalar(select(Meter.id).where(Meter.account_id == account.id))
    if account.closed_at is not None or found is None:
        raise Conflict("account_closed", f"Account {account.id} is closed.")
    meter = await places.locked_meter(session, found)
    await session.refresh(account, with_for_update=True)
    if account.closed_at is not None or meter.account_id != account.id:
        raise Conflict("account_closed", f"Account {account.id} was closed or its meter swapped meanwhile; look again.")
    return account, meter


async def drn_of(session: AsyncSession, actor: Actor, account_id: int) -> str:
    """Return the number of the meter that supplies an account; Conflict if it is closed."""
    return (await _open_account(session, actor, account_id))[1].drn


async def proven(
    session: AsyncSession, key_store: KeyStore, actor: Actor, drn: str, code: str, told: int, now: int
) -> int | None:
    """Return the last token that a meter took in by its return code. Refused unless the code bears the balance out, and
    shows that every token up to that one was taken in."""
    found = await return_codes.check(session, key_store, actor, drn, code, now)
    if not found.fits or not (found.balance_from or 0) <= told < (found.balance_below or 0):
        raise Refused("code_wrong", "The code is not of this meter, or it shows another balance; read both out again.")
    mine = select(func.count()).select_from(Vend).join(Meter, Meter.id == Vend.meter_id)
    waiting = mine.where(Meter.drn == drn, Vend.consumed_by.is_(None), Vend.voided_at.is_(None))
    count = await session.scalar(waiting.where(Vend.tid <= (found.last_tid or 0)))
    if count != found.tokens_since:
        raise Refused(
            "code_ambiguous", f"The code says {found.tokens_since} tokens, {count} were sold; void the others."
        )
    return found.last_tid


async def _check_unused(session: AsyncSession, meter: Meter, credit: str, proven_tid: int | None) -> None:
    """Tokens that may still be typed are nobody's to refund: a void returns their price when the ledger shows it."""
    await holds.check_none(session, meter)
    unused = select(Vend.purchase_id).where(
        Vend.meter_id == meter.id, Vend.consumed_by.is_(None), Vend.voided_at.is_(None), Vend.tid > (proven_tid or 0)
    )
    first = await session.scalar(unused.where(Vend.customer_id.is_not(None)).limit(1)) if credit == REFUND else None
    if first is not None:
        there = f"A token of purchase {first} is not used and not void"
        raise Refused("tokens_unused", f"{there}; enter it, or void it (POST /vends/{first}/void), then close.")


async def _value(
    session: AsyncSession, account: Account, meter: Meter, final: Figures, proven_tid: int | None
) -> Worth:
    found = await worth.of_account(session, account, meter, final.credit, proven_tid)
    if meter.account != "currency":
        return found
    _, divisor = await carrying.measure(session, meter)
    return Worth(0, min(final.credit // divisor, found.value_minor), ())


async def _carry_out(
    session: AsyncSession, actor: Actor, row: AccountClosing, limit_minor: int | None, now: int
) -> None:
    """End it. Without a limit two people want it, and so the refund."""
    account, meter = await _open_account(session, actor, row.account_id)
    await _check_unused(session, meter, row.credit, row.proven_tid)
    told = row.balance if row.proof == finals.RETURN_CODE else None
    final = await finals.of(session, meter, row.proof, now, told)
    for name, value in final.columns().items():
        setattr(row, name, value)
    customer = await session.get_one(Customer, account.customer_id)
    row.value_minor = (await _value(session, account, meter, final, row.proven_tid)).value_minor
    decided.done(actor, row, now)
    if row.credit == REFUND:
        await _give_back(session, actor, row, account, meter, final, now)
    elif row.bars_meter:
        await _let_go(session, actor, row, meter, final, now)
    row.debts_minor = await settling.from_account(session, actor, customer, row.currency, now)
    row.debts_minor += await bills.from_account(session, actor, customer, row.currency, now)
    await _end(session, row, account, meter, final, now)
    await _record(session, actor, row, "account.close", now)
    await _pay_out(session, actor, row, customer, limit_minor, now)


async def _give_back(
    session: AsyncSession, actor: Actor, row: AccountClosing, account: Account, meter: Meter, final: Figures, now: int
) -> None:
    """The credit at its price is the customer's; the meter is emptied, by its ledger or in the books alone."""
    value = await _value(session, account, meter, final, row.proven_tid)
    if final.proof == finals.LEDGER and await carrying.is_open(session, meter):
        await carrying.recall(session, meter, now)
        await carrying.empty(session, meter, final, f"closing {row.id}: credit returned", now)
    source, amount = await carrying.left(session, meter, final, now)
    mine = books.customer(account.customer_id, row.currency)
    lines = [(source, amount, "closing"), (mine, -value.value_minor, "returned")]
    if meter.account == "currency":
        # What was paid waits on meters with its taxes inside, so nothing was earned yet; what was given goes nowhere.
        _, divisor = await carrying.measure(session, meter)
        given = final.credit // divisor - value.value_minor
        rest = books.carried(meter.commodity, row.currency)
        lines += [(books.Account(f"returned:{meter.commodity}", row.currency, books.INCOME), -given, "closing")]
        lines += [(rest, value.value_minor + given - amount, "late")]
    else:
        taxes = sum(tax for _, tax in value.taxes)
        lines += [(books.Account(f"returned:{meter.commodity}", source.unit, books.INCOME), -amount, "closing")]
        lines += [(books.refunds(meter.commodity, row.currency), value.value_minor - taxes, "returned")]
        lines += [(books.tax(kind, row.currency), tax, "returned") for kind, tax in value.taxes]
    await _post(session, actor, row, lines, now)


async def _let_go(
    session: AsyncSession, actor: Actor, row: AccountClosing, meter: Meter, final: Figures, now: int
) -> None:
    """A meter that ends with its credit: nobody has it any more."""
    if final.proof == finals.LEDGER and await carrying.is_open(session, meter):
        await carrying.recall(session, meter, now)
        await carrying.empty(session, meter, final, f"closing {row.id}: supply ended", now)
    source, amount = await carrying.left(session, meter, final, now)
    gone = books.Account(f"returned:{meter.commodity}", source.unit, books.INCOME)
    await _post(session, actor, row, [(source, amount, "closing"), (gone, -amount, "closing")], now)


async def _post(
    session: AsyncSession, actor: Actor, row: AccountClosing, lines: list[tuple[books.Account, int, str]], now: int
) -> None:
    wanted = books.lines(*lines)
    if wanted:
        key = f"closing:{row.id}"
        await ledger_books.post(session, Draft(row.utility_id, key, "closing", key, row.reason, wanted), actor, now)


async def _end(
    session: AsyncSession, row: AccountClosing, account: Account, meter: Meter, final: Figures, now: int
) -> None:
    account.closed_at, account.final_register_ml, account.final_balance = now, final.register_ml, final.balance
    await spans.end(session, meter, now)
    meter.customer_id = meter.account_id = None
    if row.bars_meter:
        meter.closed_at = now
        stay = await places.stay_of(session, meter.id)
        assert stay is not None, "an account's meter stays at its place"
        stay.to_at, stay.final_register_ml = now, final.register_ml
    await session.flush()


async def _pay_out(
    session: AsyncSession, actor: Actor, row: AccountClosing, customer: Customer, limit_minor: int | None, now: int
) -> None:
    """Order what is over to be paid out, unless the customer lives elsewhere and goes on with it there."""
    goes_on = select(Account.id).where(Account.customer_id == customer.id, Account.closed_at.is_(None)).limit(1)
    held = await ledger_books.locked(session, customer.utility_id, books.customer(customer.id, row.currency))
    if held.held == 0 or await session.scalar(goes_on) is not None:
        return
    most = held.held if limit_minor is None else limit_minor
    reason = f"account {row.account_id} closed"
    order = await refund_orders.order(session, actor, customer.id, row.currency, None, reason, most, now)
    row.refund_order_id = order.id
    await session.flush()


async def _record(session: AsyncSession, actor: Actor, row: AccountClosing, action: str, now: int) -> None:
    names = ("account_id", "credit", "bars_meter", "proof", "epoch", "sequence", "register_ml", "balance")
    detail = {name: getattr(row, name) for name in names}
    detail |= {"value_minor": row.value_minor, "debts_minor": row.debts_minor, "reason": row.reason, "state": row.state}
    await audit.record(session, actor, action, f"account-closing:{row.id}", detail, utility_id=row.utility_id, now=now)


async def of_id(session: AsyncSession, actor: Actor, closing_id: int) -> AccountClosing:
    """One closing; NotFound if there is none or the caller may not see it."""
    return await owned(session, actor, AccountClosing, closing_id, "account closing")


async def listed(session: AsyncSession, actor: Actor, query: PageQuery) -> Sequence[AccountClosing]:
    """A page of the closings that the caller may see."""
    mine = of_actor(select(AccountClosing), actor, AccountClosing.utility_id)
    return await rows_after(session, mine, AccountClosing.id, query)
