"""What is known of a late purchase, gathered under the lock of its meter."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.accounts.models import Customer
from cloud.commands.models import Command, CommandCounter
from cloud.commands.service import OUTSTANDING, REFUSED
from cloud.ledger.models import LedgerHead
from cloud.meters.models import Gateway, Meter, MeterOpening
from cloud.notify import contacts, outbox
from cloud.notify.carriers import Carriers
from cloud.notify.models import Message
from cloud.vending import key_change
from cloud.vending.delivery import REMOTE
from cloud.vending.models import Vend
from cloud.watchdog import stages
from cloud.watchdog.models import WatchedPurchase
from cloud.watchdog.rules import Facts
from cloud.watchdog.stages import TOKEN, Progress


@dataclass(frozen=True)
class Found:
    """A late purchase, its meter and gateway, its last message, and the facts to decide by."""

    progress: Progress
    meter: Meter
    gateway: Gateway
    message: Message | None
    facts: Facts


async def gather(session: AsyncSession, watched: WatchedPurchase, carriers: Carriers, now: int) -> Found:
    """Return what is known; the meter is locked first, as in a sale and a void."""
    mine = select(Meter).where(Meter.id == watched.meter_id).with_for_update()
    meter = (await session.scalars(mine.execution_options(populate_existing=True))).one()
    gateway = await session.get_one(Gateway, meter.gateway_id)
    progress = await stages.of_purchase(session, watched.purchase_id)
    message = await _last_message(session, progress)
    commands = await _commands(session, [row.id for row in progress.vends])
    out = any(one.status in OUTSTANDING and one.epoch == gateway.epoch and one.expires_at > now for one in commands)
    refused = [one.result_text for one in commands if one.status == REFUSED]
    heard_at = await _heard_at(session, gateway)
    waiting = [row for row in progress.vends if row.consumed_by is None and row.voided_at is None]
    keys = await _keys(session, meter)
    opening = await session.get(MeterOpening, (meter.id, gateway.epoch))
    facts = Facts(
        age_s=now - watched.vended_at,
        stage=progress.stage,
        voiding=progress.is_voiding,
        remote=progress.vends[0].delivery == REMOTE,
        messages_open=progress.messages_open > 0,
        can_tell=await _can_tell(session, progress, message, carriers),
        commanded=watched.commanded,
        command_out=out,
        heard_s=None if heard_at is None else max(0, now - heard_at),
        key_fits=all(row.key_check in keys for row in waiting),
        too_old=opening is not None and any(_is_too_old(row, opening) for row in waiting),
        result=refused[-1] if refused else None,
    )
    return Found(progress, meter, gateway, message, facts)


async def _last_message(session: AsyncSession, progress: Progress) -> Message | None:
    mine = select(Message).where(Message.vend_id == progress.vends[0].id, Message.kind == TOKEN)
    return await session.scalar(mine.order_by(Message.id.desc()).limit(1))


async def _can_tell(session: AsyncSession, progress: Progress, message: Message | None, carriers: Carriers) -> bool:
    """Whether there is a way to the customer that was not used; they may have had none when they bought."""
    if message is not None:
        return await outbox.next_way(session, message, carriers.carry) is not None
    customer_id = progress.vends[0].customer_id
    customer = None if customer_id is None else await session.get(Customer, customer_id)
    return customer is not None and any(carriers.carry(way.channel) for way in contacts.addresses(customer))


async def _commands(session: AsyncSession, vend_ids: Sequence[int]) -> Sequence[Command]:
    mine = select(Command).where(Command.vend_id.in_(vend_ids)).order_by(Command.id)
    return (await session.scalars(mine)).all()


async def _heard_at(session: AsyncSession, gateway: Gateway) -> int | None:
    """A hello or a batch of the present epoch, whichever came last."""
    counter = await session.get(CommandCounter, (gateway.id, gateway.epoch))
    head = select(func.max(LedgerHead.updated_at)).where(
        LedgerHead.gateway_id == gateway.id, LedgerHead.epoch == gateway.epoch, LedgerHead.sequence > 0
    )
    times = [await session.scalar(head), counter.heard_at if counter is not None else None]
    return max((at for at in times if at is not None), default=None)


async def _keys(session: AsyncSession, meter: Meter) -> set[int]:
    """The check values of the keys that the meter may hold."""
    change = await key_change.open_for(session, meter.id)
    return {meter.key_check} | ({change.new_key_check} if change is not None else set())


def _is_too_old(vend: Vend, opening: MeterOpening) -> bool:
    # A meter of a new epoch has forgotten what it took in, so it takes nothing from before its opening.
    return vend.key_check == opening.key_check and vend.tid < opening.tid_minimum
