"""What a receipt says of money for a meter: how the meter is going to split it, and where its own tariff stands."""

from sqlalchemy.ext.asyncio import AsyncSession

from cloud.meters import standing
from cloud.meters.models import Meter
from cloud.tariffs import device
from cloud.vending.money_plan import MoneyBuyer, MoneyPlan
from cloud.vending.statement import MoneyCredit, Statement
from shared import kinds
from shared.policy import Policy
from shared.state import MeterState
from shared.tariff import decode_tariff
from shared.top_up import Shares, lines


async def money_statement(session: AsyncSession, found: MoneyBuyer, planned: MoneyPlan) -> Statement:
    """Return the statement of a purchase."""
    settled = planned.settled
    return Statement(
        tariff=found.tariff.name,
        tariff_version=found.version.version,
        commodity=found.tariff.commodity,
        blocks=[],
        fixed_minor=0,
        taxes=[],
        volume_minor=settled.volume_minor,
        fixed_taxed_minor=0,
        payment_debt_minor=settled.debt_minor,
        payment_debt_left_minor=found.owed.owed_minor - settled.debt_minor,
        meter_split=None,
        position=None,
        money=await _money(session, found, planned),
    )


async def _money(session: AsyncSession, found: MoneyBuyer, planned: MoneyPlan) -> MoneyCredit:
    state = await standing.latest(session, found.meter)
    split = _split(state, planned.credit, found.policy)
    tariff = await _tariff(session, found.meter, state)
    return MoneyCredit.model_validate({"credit": planned.credit, "rest": planned.rest, **split, **tariff})


def _split(state: MeterState | None, credit: int, policy: Policy) -> dict[str, int | None]:
    names = ("accumulated_debt", "emergency_credit", "service")
    if state is None:
        return dict.fromkeys(names)
    shares = Shares(0, 0, policy.debt_percent, policy.emergency_percent, policy.min_service_percent)
    owed = max(0, state.pots[kinds.ACCUMULATED_DEBT])
    used = max(0, -state.pots[kinds.EMERGENCY_CREDIT])
    return dict(zip(names, lines(credit, 0, owed, used, shares)[1:], strict=True))


async def tariff_of(session: AsyncSession, meter: Meter) -> dict[str, int | None]:
    """Return where the tariff of a meter that holds money stands, by the names of MoneyCredit."""
    return await _tariff(session, meter, await standing.latest(session, meter))


async def _tariff(session: AsyncSession, meter: Meter, state: MeterState | None) -> dict[str, int | None]:
    """The block of the month that the meter is in, by the tariff that it says it goes by."""
    said: dict[str, int | None] = dict.fromkeys(
        ("device_tariff_version", "block", "left_ml", "price_per_m3", "next_price_per_m3")
    )
    if state is None:
        return said
    row = await device.of_version(session, meter.utility_id, meter.meter_group, state.tariff_version)
    if row is None:
        return said
    index, left, price, following = decode_tariff(row.document).block(state.block_counter, state.block_share)
    said |= {"device_tariff_version": row.version, "block": index + 1, "price_per_m3": price}
    said |= {"left_ml": left} if left >= 0 else {}
    return said | ({"next_price_per_m3": following} if following >= 0 else {})
