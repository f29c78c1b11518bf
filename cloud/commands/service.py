"""Giving numbers to commands, and what becomes of them. One command per gateway is on its way at a time, the oldest."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, case, func, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.commands.models import Command, CommandCounter
from cloud.errors import Conflict, NotFound
from cloud.meters.models import Gateway
from shared.documents import COMMAND_FLOOR, COMMAND_POLICY, COMMAND_TARIFF, COMMAND_TOKEN
from shared.entries import Entry
from shared.sts.value import RESULT_CODES

QUEUED, SENT = "queued", "sent"
APPLIED, REFUSED, EXPIRED, SUPERSEDED = "applied", "refused", "expired", "superseded"
OUTSTANDING = (QUEUED, SENT)
LIFE_S = 24 * 3600
"""A command that was not carried out by then is refused by the gateway; a token's digits still work at the keypad."""

_DONE = (1, *RESULT_CODES[1:])  # a section of a key change has its own code for "accepted"
_AGAIN_AFTER_S = 5
_DOCUMENTS = (COMMAND_POLICY, COMMAND_FLOOR, COMMAND_TARIFF)


async def queue_token(
    session: AsyncSession, *, gateway_id: int, channel: int, drn: str, digits: str, vend_id: int, now: int
) -> int:
    """Queue the delivery of a vend's token by the link; return the command's id, the same if it is under way already.

    One that ended without effect may be given again: a meter takes a token once. The digits are not kept: they are
    made again from the vend when the command is signed.
    """
    assert len(digits) == 20, "a token has 20 digits"
    mine = Command.vend_id == vend_id
    known = await _outstanding(session, gateway_id, (mine,), now)
    known = known or await session.scalar(select(Command.id).where(mine, Command.status == APPLIED).limit(1))
    if known is not None:
        return known
    await _end_lost(session, mine, now)
    command = await _numbered(session, gateway_id, COMMAND_TOKEN, now)
    command.channel, command.drn, command.vend_id = channel, drn, vend_id
    session.add(command)
    await session.flush()
    return command.id


async def queue_section(
    session: AsyncSession, *, gateway_id: int, channel: int, drn: str, key_change_id: int, section: int, now: int
) -> int:
    """Queue a section of a key change; return the command's id, that of the one outstanding if there is one."""
    mine = (Command.key_change_id == key_change_id, Command.section == section)
    known = await _outstanding(session, gateway_id, mine, now)
    if known is not None:
        return known
    command = await _numbered(session, gateway_id, COMMAND_TOKEN, now)
    command.channel, command.drn, command.key_change_id, command.section = channel, drn, key_change_id, section
    session.add(command)
    await session.flush()
    return command.id


async def queue_void(session: AsyncSession, *, gateway_id: int, channel: int, drn: str, vend_id: int, now: int) -> int:
    """Queue the void token of a vend; return the command's id, that of the one outstanding if there is one."""
    known = await _outstanding(session, gateway_id, (Command.void_vend_id == vend_id,), now)
    if known is not None:
        return known
    command = await _numbered(session, gateway_id, COMMAND_TOKEN, now)
    command.channel, command.drn, command.void_vend_id = channel, drn, vend_id
    session.add(command)
    await session.flush()
    return command.id


async def _end_lost(session: AsyncSession, like: ColumnElement[bool], now: int) -> None:
    # Of an epoch that is over, or too late: tidy() says so in a moment, and then there is room for another.
    lost = update(Command).where(like, Command.status.in_(OUTSTANDING))
    status = case((Command.expires_at <= now, EXPIRED), else_=SUPERSEDED)
    await session.execute(lost.values(status=status, finished_at=now))


async def _outstanding(
    session: AsyncSession, gateway_id: int, like: tuple[ColumnElement[bool], ...], now: int
) -> int | None:
    mine = select(Command.id).join(Gateway, Gateway.id == Command.gateway_id).where(Command.gateway_id == gateway_id)
    alive = mine.where(Command.epoch == Gateway.epoch, Command.status.in_(OUTSTANDING), Command.expires_at > now)
    return await session.scalar(alive.where(*like).limit(1))


async def queue_order(
    session: AsyncSession,
    *,
    gateway_id: int,
    kind: int,
    payload: bytes,
    now: int,
    channel: int | None = None,
    drn: str | None = None,
    reason: str | None = None,
) -> Command:
    """Queue a command whose whole content is `payload`."""
    command = await _numbered(session, gateway_id, kind, now)
    command.payload, command.channel, command.drn, command.reason = payload, channel, drn, reason
    session.add(command)
    await session.flush()
    return command


async def queue_document(session: AsyncSession, *, gateway_id: int, kind: int, document: bytes, now: int) -> int:
    """Queue a signed policy, floor or tariff for a gateway; return the command's id."""
    assert kind in _DOCUMENTS, "only policies, floors and tariffs travel as documents"
    command = await _numbered(session, gateway_id, kind, now)
    command.payload = document
    session.add(command)
    await session.flush()
    return command.id


async def _numbered(session: AsyncSession, gateway_id: int, kind: int, now: int) -> Command:
    gateway = await session.get(Gateway, gateway_id)
    if gateway is None:
        raise NotFound("gateway_unknown", f"There is no gateway {gateway_id}.")
    if gateway.epoch == 0:
        raise Conflict("gateway_not_enrolled", f"Gateway {gateway_id} has no device yet; enrol it first.")
    counter = await locked_counter(session, gateway_id, gateway.epoch)
    counter.issued = max(counter.issued, counter.carried_out) + 1
    return Command(
        utility_id=gateway.utility_id,
        gateway_id=gateway_id,
        epoch=gateway.epoch,
        counter=counter.issued,
        kind=kind,
        issued_at=now,
        expires_at=now + LIFE_S,
        due_at=now,
        status=QUEUED,
        sent_times=0,
    )


async def locked_counter(session: AsyncSession, gateway_id: int, epoch: int) -> CommandCounter:
    """The numbering of a gateway's epoch, locked until the transaction ends; made at the first call."""
    mine = (CommandCounter.gateway_id == gateway_id, CommandCounter.epoch == epoch)
    locked = select(CommandCounter).where(*mine).with_for_update().execution_options(populate_existing=True)
    found = await session.scalar(locked)
    if found is None:
        insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
        values = {"gateway_id": gateway_id, "epoch": epoch, "issued": 0, "carried_out": 0}
        await session.execute(insert(CommandCounter).values(values).on_conflict_do_nothing())
        found = (await session.scalars(locked)).one()
    return found


async def hear(
    session: AsyncSession, *, gateway_id: int, epoch: int, boot_nonce: bytes, carried_out: int, now: int
) -> None:
    """Note what a hello says: the nonce of this start and the last command carried out; numbers go on above it.

    After a new start what waits is due at once, else a while after it was sent: a gateway may say hello without end.
    """
    told = (CommandCounter.gateway_id == gateway_id, CommandCounter.epoch == epoch)
    known_nonce = await session.scalar(select(CommandCounter.boot_nonce).where(*told))
    await set_due(session, gateway_id, now, again_after_s=0 if boot_nonce != known_nonce else _AGAIN_AFTER_S)
    counter = await locked_counter(session, gateway_id, epoch)
    counter.boot_nonce = boot_nonce
    counter.heard_at = now
    counter.carried_out = max(counter.carried_out, carried_out)
    await session.flush()


async def resume_above(session: AsyncSession, carried_out: dict[tuple[int, int], int]) -> None:
    """Note the last commands carried out by (gateway, epoch), as batches tell them."""
    for (gateway_id, epoch), number in sorted(carried_out.items()):
        mine = (CommandCounter.gateway_id == gateway_id, CommandCounter.epoch == epoch)
        known = await session.scalar(select(CommandCounter.carried_out).where(*mine))
        if number > (known or 0):
            counter = await locked_counter(session, gateway_id, epoch)
            counter.carried_out = max(counter.carried_out, number)
    await session.flush()


async def finish(session: AsyncSession, *, gateway_id: int, epoch: int, entry: Entry, now: int) -> Command | None:
    """Note the result that a COMMAND entry states; return the command, None when the cloud gave no such one."""
    await set_due(session, gateway_id, now, again_after_s=_AGAIN_AFTER_S)
    mine = (Command.gateway_id == gateway_id, Command.epoch == epoch, Command.counter == entry.reference_a)
    command = await session.scalar(select(Command).where(*mine).with_for_update())
    if command is None or command.kind != entry.detail >> 8 or command.sequence is not None:
        return None  # the first entry about a command is its result
    command.result = entry.detail & 0xFF
    command.status = APPLIED if command.result in _DONE else REFUSED
    command.sequence = entry.sequence
    command.group_end = entry.sequence + entry.group_left
    command.finished_at = now
    counter = await locked_counter(session, gateway_id, epoch)
    counter.carried_out = max(counter.carried_out, entry.reference_a)
    await session.flush()
    return command


async def behind(session: AsyncSession, *, gateway_id: int, epoch: int, sequence: int, kind: int) -> Command | None:
    """The command of a kind that was carried out in the group of an entry, locked; None if there is none."""
    mine = (Command.gateway_id == gateway_id, Command.epoch == epoch, Command.kind == kind, Command.status == APPLIED)
    around = (Command.sequence < sequence, Command.group_end >= sequence)
    newest = select(Command).where(*mine, *around).order_by(Command.counter.desc()).limit(1)
    return await session.scalar(newest.with_for_update())


async def may_still_show(session: AsyncSession, command: Command) -> bool:
    """Tell whether a command past its time may have been carried out by a gateway that could not say so until now.

    A ledger is in order, and a hello names the last command that was carried out: either one settles it.
    """
    if command.status not in (*OUTSTANDING, EXPIRED) or command.sequence is not None or command.sent_times == 0:
        return False
    mine = (Command.gateway_id == command.gateway_id, Command.epoch == command.epoch)
    later = select(Command.id).where(*mine, Command.counter > command.counter, Command.sequence.is_not(None))
    gateway = await session.get_one(Gateway, command.gateway_id)
    if gateway.epoch != command.epoch or await session.scalar(later.limit(1)) is not None:
        return False
    counter = await session.get(CommandCounter, (gateway.id, command.epoch), populate_existing=True)
    if counter is None or (counter.heard_at or 0) <= command.expires_at:
        return True
    return counter.carried_out >= command.counter


async def tidy(session: AsyncSession, now: int) -> None:
    """End what can no longer be carried out: commands past their time, and those of an epoch that is over."""
    waiting = Command.status.in_(OUTSTANDING)
    late = update(Command).where(waiting, Command.expires_at <= now)
    await session.execute(late.values(status=EXPIRED, finished_at=now))
    present = select(Gateway.epoch).where(Gateway.id == Command.gateway_id).scalar_subquery()
    over = update(Command).where(waiting, Command.epoch < present)
    await session.execute(over.values(status=SUPERSEDED, finished_at=now))


async def next_for(session: AsyncSession, gateway_id: int, now: int) -> Command | None:
    """The oldest command of a gateway that can still be carried out, locked until the transaction ends."""
    mine = select(Command).where(Command.gateway_id == gateway_id, Command.status.in_(OUTSTANDING))
    alive = mine.join(Gateway, Gateway.id == Command.gateway_id).where(
        Command.epoch == Gateway.epoch, Command.expires_at > now
    )
    return await session.scalar(alive.order_by(Command.counter).limit(1).with_for_update(of=Command))


async def set_due(session: AsyncSession, gateway_id: int, due_at: int, again_after_s: int = 0) -> None:
    """Say when a gateway's outstanding commands are looked at again; all alike, as they go one after another.

    One that was sent less than `again_after_s` before stays as it is.

    Everybody locks in one order: a gateway's commands, then the audit, then its counter.
    """
    mine = update(Command).where(Command.gateway_id == gateway_id, Command.status.in_(OUTSTANDING))
    if again_after_s:
        mine = mine.where(func.coalesce(Command.sent_at, 0) <= due_at - again_after_s)
    await session.execute(mine.values(due_at=due_at).execution_options(synchronize_session=False))


async def gateways_due(session: AsyncSession, now: int, limit: int) -> Sequence[int]:
    """Gateways with an outstanding command that is due, the longest waiting first."""
    due = select(Command.gateway_id).where(Command.status.in_(OUTSTANDING), Command.due_at <= now)
    ordered = due.group_by(Command.gateway_id).order_by(func.min(Command.due_at), Command.gateway_id)
    return (await session.scalars(ordered.limit(limit))).all()
