"""What gateways say about updates: the version of a hello, and entries of their ledgers, as they are taken in."""

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.commands.models import Command
from cloud.ledger.inquiry import Finding, Inquiry, explained, unexplained
from cloud.updates import rules
from cloud.updates.models import GatewayFirmware, Release, Rollout, RolloutGateway
from shared import kinds
from shared.documents import COMMAND_UPDATE, SIGNATURE_SIZE
from shared.entries import Entry
from shared.update import Manifest, decode_manifest, version_text

_WATCHED_AFTER_S = 7 * 24 * 3600


async def heard(session: AsyncSession, *, gateway_id: int, utility_id: int, version: int, now: int) -> None:
    """Note which firmware a gateway says that it runs."""
    known = await session.get(GatewayFirmware, gateway_id)
    if known is None:
        row = GatewayFirmware(gateway_id=gateway_id, utility_id=utility_id, version=version, since=now)
        session.add(row)
    elif known.version != version:
        known.version, known.since = version, now
    else:
        return
    await session.flush()


async def note(session: AsyncSession, gateway_id: int, entry: Entry, now: int) -> None:
    """Move the gateway on in its rollout by what an entry says."""
    if entry.kind == kinds.BOOT:
        if entry.detail & kinds.BOOT_SAFE_MODE:
            await _fail_after_kept(session, gateway_id, now)
        return
    member = await _member(session, gateway_id, entry.reference_a)
    stage = entry.detail & 0xFF
    if stage == kinds.UPDATE_KEPT:
        await _learn_board(session, gateway_id, entry.reference_a)
    if member is None or member.state not in rules.OPEN_STATES:
        return
    if stage == kinds.UPDATE_TRIAL:
        member.state, member.trial_at = rules.TRIAL, now
    else:
        member.state = rules.KEPT if stage == kinds.UPDATE_KEPT else rules.FAILED
        member.ended_at = now
        member.outcome = None if stage == kinds.UPDATE_KEPT else _reason(entry)
    await session.flush()


def _reason(entry: Entry) -> str:
    what = "rolled back" if entry.detail & 0xFF == kinds.UPDATE_ROLLED_BACK else "given up"
    reason = entry.detail >> 8
    known = kinds.UPDATE_REASONS[reason] if reason < len(kinds.UPDATE_REASONS) else f"reason {reason}"
    return f"{what}: {known}"


async def _member(session: AsyncSession, gateway_id: int, version: int) -> RolloutGateway | None:
    """The gateway in the newest rollout of this version."""
    mine = select(RolloutGateway).join(Rollout, Rollout.id == RolloutGateway.rollout_id)
    mine = mine.join(Release, Release.id == Rollout.release_id)
    mine = mine.where(RolloutGateway.gateway_id == gateway_id, Release.version == version)
    newest = mine.order_by(RolloutGateway.rollout_id.desc()).limit(1)
    return await session.scalar(newest.with_for_update(of=RolloutGateway))


async def _learn_board(session: AsyncSession, gateway_id: int, version: int) -> None:
    ordered = await _ordered(session, gateway_id, None, version)
    if ordered is not None:
        of_gateway = update(GatewayFirmware).where(GatewayFirmware.gateway_id == gateway_id)
        await session.execute(of_gateway.values(board=ordered[1].board))


async def _fail_after_kept(session: AsyncSession, gateway_id: int, now: int) -> None:
    mine = update(RolloutGateway).where(
        RolloutGateway.gateway_id == gateway_id,
        RolloutGateway.state == rules.KEPT,
        RolloutGateway.ended_at > now - _WATCHED_AFTER_S,
        RolloutGateway.rollout_id.in_(select(Rollout.id).where(Rollout.state.in_(("running", "paused")))),
    )
    values = {"state": rules.FAILED, "outcome": "it crashes again and again since it was kept, and runs in safe mode"}
    await session.execute(mine.values(**values).execution_options(synchronize_session=False))


async def verdict(inquiry: Inquiry) -> Finding | None:
    """Firmware is tried and kept by a command that carried its manifest, which the release key had signed."""
    entry = inquiry.entry
    if entry.detail & 0xFF not in (kinds.UPDATE_TRIAL, kinds.UPDATE_KEPT):
        return None
    position = inquiry.position
    name = f"firmware {version_text(entry.reference_a)}"
    ordered = await _ordered(inquiry.session, position.gateway, position.epoch, entry.reference_a)
    if ordered is None:
        return unexplained(f"no command brought {name}")
    command, manifest = ordered
    if entry.detail & 0xFF == kinds.UPDATE_KEPT and entry.reference_b != manifest.minimum:
        return unexplained(f"{name} is kept with another minimum than its manifest's")
    return explained(f"command {command.counter} brought {name}", f"command:{command.id}")


async def _ordered(
    session: AsyncSession, gateway_id: int, epoch: int | None, version: int
) -> tuple[Command, Manifest] | None:
    """The newest command for a gateway that brought this version."""
    mine = select(Command).where(
        Command.gateway_id == gateway_id, Command.kind == COMMAND_UPDATE, Command.result.is_not(None)
    )
    if epoch is not None:
        mine = mine.where(Command.epoch == epoch)
    for command in await session.scalars(mine.order_by(Command.id.desc()).limit(20)):
        if command.status == "applied" and command.payload:
            manifest = decode_manifest(command.payload[:-SIGNATURE_SIZE])
            if manifest.version == version:
                return command, manifest
    return None
