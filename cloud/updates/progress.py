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
    stage, reason = entry.detail & 0xFF, entry.detail >> 8
    if member is None or _is_over(member) or (stage == kinds.UPDATE_FAILED and reason == kinds.UPDATE_STOPPED):
        return  # a command stopped it, which is nobody's failure
    if stage == kinds.UPDATE_TRIAL:
        member.state, member.trial_at, member.ended_at, member.outcome = rules.TRIAL, now, None, None
    else:
        is_kept = stage == kinds.UPDATE_KEPT
        member.state, member.ended_at = rules.KEPT if is_kept else rules.FAILED, now
        member.outcome = None if is_kept else _reason(entry)
    await session.flush()


def _is_over(member: RolloutGateway) -> bool:
    """Nothing moves it any more. A gateway that was silent may speak, and one that was to stop may have been faster."""
    silent = (rules.SILENT_ON_TRIAL, rules.SILENT_WITH_IMAGE)
    return member.state == rules.KEPT or (member.state == rules.FAILED and member.outcome not in silent)


async def loaded(session: AsyncSession, gateway_id: int, now: int) -> None:
    """Note that a gateway asks for the end of its image: its trial is due."""
    mine = update(RolloutGateway).where(
        RolloutGateway.gateway_id == gateway_id, RolloutGateway.state.in_((rules.ORDERED, rules.LOADING))
    )
    await session.execute(mine.values(loaded_at=now).execution_options(synchronize_session=False))


def _reason(entry: Entry) -> str:
    what = "rolled back" if entry.detail & 0xFF == kinds.UPDATE_ROLLED_BACK else "given up"
    reason = entry.detail >> 8
    known = kinds.UPDATE_REASONS[reason] if reason < len(kinds.UPDATE_REASONS) else f"reason {reason}"
    return f"{what}: {known}"


async def _member(session: AsyncSession, gateway_id: int, version: int) -> RolloutGateway | None:
    """The gateway in the rollout that gave it this version last."""
    mine = select(RolloutGateway).join(Rollout, Rollout.id == RolloutGateway.rollout_id)
    mine = mine.join(Release, Release.id == Rollout.release_id)
    mine = mine.where(
        RolloutGateway.gateway_id == gateway_id, RolloutGateway.ordered_at.is_not(None), Release.version == version
    )
    newest = mine.order_by(RolloutGateway.ordered_at.desc(), RolloutGateway.rollout_id.desc()).limit(1)
    return await session.scalar(newest.with_for_update(of=RolloutGateway))


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


async def _ordered(session: AsyncSession, gateway_id: int, epoch: int, version: int) -> tuple[Command, Manifest] | None:
    """The newest command for a gateway that brought this version."""
    of_gateway = (Command.gateway_id == gateway_id, Command.epoch == epoch, Command.kind == COMMAND_UPDATE)
    mine = select(Command).where(*of_gateway, Command.status == "applied")
    for command in await session.scalars(mine.order_by(Command.id.desc()).limit(20)):
        if command.payload:
            manifest = decode_manifest(command.payload[:-SIGNATURE_SIZE])
            if manifest.version == version:
                return command, manifest
    return None
