"""Messages that nobody could bring: sent another way if the customer has one, else a case, if a token was in them."""

import structlog
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.ledger import cases
from cloud.ledger.models import Case
from cloud.meters.models import Meter
from cloud.notify import outbox
from cloud.notify.carriers import Carriers
from cloud.notify.models import FAILED, Message
from cloud.vending.models import Vend

CASE = "message_dead"
TOKEN = "token"  # noqa: S105  # the kind of a message
_log = structlog.get_logger("outbox")


async def give_up(session: AsyncSession, message: Message, carriers: Carriers, reason: str, now: int) -> None:
    """End a locked message that did not arrive."""
    message.state, message.last_error = FAILED, reason
    again = await outbox.repeat(session, message, carriers.carry, now)
    if again is not None:
        _log.warning("message goes another way", message=message.id, again=again.id, channel=again.channel)
        return
    _log.error("message given up", message=message.id, utility=message.utility_id, reason=reason)
    if message.kind == TOKEN and message.vend_id is not None:
        await _open_case(session, message, message.vend_id, reason, now)


async def revive(session: AsyncSession, message: Message, now: int) -> None:
    """A message that was given up arrived all the same: its case closes."""
    mine = (Case.kind == CASE, Case.epoch == 0, Case.sequence == message.id, Case.state == "open")
    for case in await session.scalars(select(Case).where(*mine).with_for_update()):
        case.state, case.closed_at, case.closed_by = "closed", now, "system:outbox"
        case.note = f"{message.provider} brought it after all."


async def _open_case(session: AsyncSession, message: Message, vend_id: int, reason: str, now: int) -> None:
    vend = await session.get_one(Vend, vend_id)
    meter = await session.get_one(Meter, vend.meter_id)
    said = (
        f"The token of purchase {vend.purchase_id} reached its customer by no way ({reason}). Call them, and reprint."
    )
    await cases.open_case(
        session,
        utility_id=vend.utility_id,
        gateway_id=meter.gateway_id,
        kind=CASE,
        detail=said,
        now=now,
        sequence=message.id,
        channel=meter.channel,
    )
