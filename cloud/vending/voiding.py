"""Taking a token back that was sold and not used: a void token burns its identifier, and then its money returns.

The money is on the customer's account when the meter's ledger shows the void, not before: until then somebody may still
enter the token that was sold.
"""

from dataclasses import dataclass

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.agents import selling as agents
from cloud.audit import service as audit
from cloud.audit.service import Named
from cloud.auth.actor import Actor, system
from cloud.books import service as books
from cloud.books.rules import Draft
from cloud.commands import service as commands
from cloud.errors import NotFound, Refused
from cloud.meters.models import Gateway, Meter
from cloud.vending import booking, gone_key, key_change, rules, void_taxes
from cloud.vending.delivery import REMOTE
from cloud.vending.models import Vend, VendingKey
from cloud.vending.order import FREE
from cloud.vending.sale_models import SaleRecord
from cloud.vending.statement import Statement
from cloud.vending.store import Encoded, KeyStore, MeterIdentity, Use

_LEDGER = system("ledger")


@dataclass(frozen=True)
class VoidOrder:
    """Which token of a purchase is taken back, and how the void token reaches the meter: keypad or remote."""

    purchase_id: str
    part: int
    delivery: str


@dataclass(frozen=True)
class Voiding:
    """A vend that is being taken back, its meter, and the digits of the void token; None where none is needed."""

    vend: Vend
    meter: Meter
    digits: str | None


async def order(session: AsyncSession, key_store: KeyStore, actor: Actor, wanted: VoidOrder, now: int) -> Voiding:
    """Make the void token of a vend; the same one when it is ordered again. Refused if the vend was used."""
    vend = await vend_of(session, actor, wanted.purchase_id, wanted.part)
    meter = await locked(session, vend)
    if vend.voided_at is not None and vend.void_tid is None:
        return Voiding(vend, meter, None)
    check(vend)
    if await gone_key.proves_unused(session, meter, vend):
        return await _gone_with_its_key(session, actor, vend, meter, now)
    key = await session.get_one(VendingKey, vend.vending_key_id)
    if vend.void_tid is None:
        await _allocate(session, meter, vend, key, now)
        detail = {"drn": meter.drn, "tid": vend.tid, "void_tid": vend.void_tid, "amount_minor": vend.amount_minor}
        await audit.record(session, actor, "vend.void", f"vend:{vend.id}", detail, utility_id=vend.utility_id, now=now)
    made = await token(session, key_store, actor, vend, meter, now)
    if wanted.delivery == REMOTE:
        gateway = await session.get_one(Gateway, meter.gateway_id)
        await commands.queue_void(
            session, gateway_id=gateway.id, channel=meter.channel, drn=meter.drn, vend_id=vend.id, now=now
        )
    return Voiding(vend, meter, made.digits)


async def _gone_with_its_key(session: AsyncSession, actor: Actor, vend: Vend, meter: Meter, now: int) -> Voiding:
    vend.void_tid = None  # a void token that is out is under the same key, and as useless
    await finish(session, vend, now, actor)
    detail = {"drn": meter.drn, "tid": vend.tid, "amount_minor": vend.amount_minor, "key_check": vend.key_check}
    subject = f"vend:{vend.id}"
    await audit.record(session, actor, "vend.void-key-gone", subject, detail, utility_id=vend.utility_id, now=now)
    return Voiding(vend, meter, None)


async def vend_of(session: AsyncSession, actor: Actor, purchase_id: str, part: int) -> Vend:
    """Return one part of a purchase; NotFound if there is none or the caller may not see it."""
    found = select(Vend).where(Vend.purchase_id == purchase_id, Vend.part == part)
    vend = await session.scalar(found)
    if vend is None or not actor.may_see(vend.utility_id):
        raise NotFound("purchase_unknown", f"There is no part {part} of a purchase {purchase_id}.")
    return vend


async def locked(session: AsyncSession, vend: Vend) -> Meter:
    """Return the meter of a vend, both locked."""
    # The meter first, as a sale does; then the vend as it is under that lock.
    mine = select(Meter).where(Meter.id == vend.meter_id).with_for_update()
    meter = (await session.scalars(mine.execution_options(populate_existing=True))).one()
    await session.refresh(vend, with_for_update=True)
    return meter


def check(vend: Vend) -> None:
    """Refused for a vend that was used, or whose money has nowhere to return to."""
    if vend.consumed_by is not None:
        raise Refused("vend_used", f"The token with TID {vend.tid} was used at the meter; its money cannot return.")
    if vend.state == "held":
        raise Refused("held", f"The token with TID {vend.tid} was never released; cancel its purchase.")
    if vend.customer_id is None and vend.amount_minor and vend.tender_kind != FREE:
        raise Refused("no_account", "The meter had no customer at the sale, so the money has no account to return to.")


async def _allocate(session: AsyncSession, meter: Meter, vend: Vend, key: VendingKey, now: int) -> None:
    change = await key_change.open_for(session, meter.id, lock=True)
    if vend.key_check not in (meter.key_check, change.new_key_check if change else None):
        gone = f"Meter {meter.drn} has another key since then, and its ledger does not prove that the token is unused."
        raise Refused("key_changed", gone)
    anew = change is not None and change.roll_over and vend.key_check == change.new_key_check
    last = change.last_tid if change is not None and anew else meter.last_tid
    vend.void_tid = rules.allocate_tid(last, now, key.base_year, key.ken)
    vend.void_ordered_at = now
    if change is not None and anew:
        change.last_tid = vend.void_tid
    else:
        meter.last_tid = vend.void_tid
    await session.flush()


async def token(
    session: AsyncSession, key_store: KeyStore, actor: Actor, vend: Vend, meter: Meter, now: int
) -> Encoded:
    """Return the void token of a vend that one was ordered for."""
    assert vend.void_tid is not None, "a void token is ordered first"
    key = await session.get_one(VendingKey, vend.vending_key_id)
    use = Use(actor, f"vend:{vend.id}", now)
    return await key_store.void(session, key, MeterIdentity(meter.drn, vend.ti), vend.void_tid, vend.tid, use)


async def token_of(session: AsyncSession, key_store: KeyStore, actor: Actor, vend_id: int, now: int) -> Encoded:
    """Return the void token of a vend by its id, for its delivery by the link."""
    vend = await session.get_one(Vend, vend_id)
    return await token(session, key_store, actor, vend, await session.get_one(Meter, vend.meter_id), now)


async def explains(session: AsyncSession, meter_id: int, tid: int, target_tid: int) -> Vend | None:
    """Return the unused vend, locked, that a void token with this identifier was ordered for; None if nobody did.

    It may be void already, by a return code that told of this very entry before it came.
    """
    found = select(Vend).where(
        Vend.meter_id == meter_id,
        Vend.tid == target_tid,
        Vend.void_tid == tid,
        Vend.consumed_by.is_(None),
        or_(Vend.voided_at.is_(None), Vend.void_proved_at.is_not(None)),
    )
    return await session.scalar(found.with_for_update().execution_options(populate_existing=True))


async def shown(session: AsyncSession, vend: Vend, now: int) -> None:
    """The ledger shows the void of a vend that explains() returned."""
    if vend.voided_at is None:
        await finish(session, vend, now)
    vend.void_proved_at = None
    await session.flush()


async def entry(session: AsyncSession, vend: Vend, meter: Meter) -> Draft:
    """Return what a void is in the books: price and taxes are the customer's again, the volume is in flight no more."""
    record = await session.get(SaleRecord, vend.purchase_id)
    if record is None or vend.money is not None:
        return booking.void(vend, meter.commodity)
    parts = select(Vend.amount_minor).where(Vend.purchase_id == vend.purchase_id).order_by(Vend.part)
    said = Statement.model_validate(record.statement)
    taxes = void_taxes.of_part(said.taxes, (await session.scalars(parts)).all(), vend.part)
    return booking.void(vend, meter.commodity, taxes)


async def finish(session: AsyncSession, vend: Vend, now: int, by: Named = _LEDGER) -> None:
    """The ledger, or a return code, shows the void: the vend is void, and its price is on the customer's account."""
    meter = await session.get_one(Meter, vend.meter_id)
    vend.voided_at = now
    await session.flush()
    await books.post(session, await entry(session, vend, meter), by, now)
    await agents.taken_back(session, vend, now)
