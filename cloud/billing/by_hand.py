"""What an order of the mode by hand may not do: leave an account unsettled. Another payment mode goes by a switch."""

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.billing.spans import UNDER_WAY
from cloud.billing.switch_models import ModeSwitch
from cloud.commands.models import CommandRequest
from cloud.decided import DECLINED
from cloud.errors import Conflict, Refused
from cloud.meters import standing
from cloud.meters.models import Meter
from shared import documents

_CREDIT = "credit"


async def check_order(session: AsyncSession, meter: Meter, payment: str) -> None:
    """Refused if an operator's order would change how a customer pays; Conflict while a switch does just that."""
    mine = (ModeSwitch.meter_id == meter.id, ModeSwitch.state.in_(UNDER_WAY))
    if await session.scalar(select(ModeSwitch.id).where(*mine).limit(1)) is not None:
        raise Conflict(
            "switch_open", f"Meter {meter.drn} is being switched; order its mode once GET /switches is done."
        )
    if payment == meter.payment or meter.bulk:
        return
    if meter.customer_id is not None:
        settles = f"ask for {payment} with POST /meters/{meter.drn}/switches, which settles the account"
        raise Refused("payment_changes", f"Meter {meter.drn} is in {meter.payment} mode; {settles}.")
    await check_empty(session, meter, payment)


async def check_empty(session: AsyncSession, meter: Meter, payment: str) -> None:
    """Refused for a meter that goes over to bills with something on it, which nobody would have any more."""
    state = await standing.latest(session, meter)
    if payment != _CREDIT or meter.payment == _CREDIT or state is None or not any(state.pots):
        return
    first = f"open the account in {meter.payment} mode and switch it (POST /meters/{meter.drn}/switches)"
    raise Refused("credit_left", f"Meter {meter.drn} holds credit or debt; {first}, or take it off by an adjustment.")


async def check_request(session: AsyncSession, asked: CommandRequest, meter: Meter) -> None:
    """Conflict if a meter was switched since somebody asked for another mode of it."""
    if asked.kind != documents.COMMAND_MODE:
        return
    since = or_(ModeSwitch.state.in_(UNDER_WAY), ModeSwitch.decided_at >= asked.requested_at)
    mine = (ModeSwitch.meter_id == meter.id, ModeSwitch.state != DECLINED, since)
    if await session.scalar(select(ModeSwitch.id).where(*mine).limit(1)) is not None:
        raise Conflict(
            "switched_since", f"Meter {meter.drn} was switched since; decline the request, and make it anew."
        )
