"""What was bought in a civil month of the utility: it counts in the blocks, and tells which fixed charge was taken.

Counters belong to the account: they follow it to another meter, and whoever moves in begins anew. A meter without an
account counts by itself.
"""

from collections.abc import Sequence

from sqlalchemy import BigInteger, Integer, ScalarSelect, bindparam, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.meters.models import Meter
from cloud.tariffs.rules import Month
from cloud.vending.hold_models import was_cancelled
from cloud.vending.models import Vend
from cloud.vending.sale_models import SaleRecord
from shared.civil import Zone, month_of
from shared.policy import Policy


def month_at(policy: Policy, now: int) -> int:
    """Return the month of a time in the zone of a policy: year * 12 + month - 1."""
    return month_of(Zone(policy.zone).local(now)[0])


def sums(*, by_account: bool) -> Sequence[ScalarSelect[int]]:
    """What was bought and not taken back, and which fixed charge was taken, by the parameters `whose` and `month`."""
    whose = SaleRecord.account_id if by_account else SaleRecord.meter_id
    mine = [whose == bindparam("whose", type_=BigInteger), SaleRecord.month == bindparam("month", type_=Integer)]
    if not by_account:
        mine.append(SaleRecord.account_id.is_(None))
    bought = (
        select(func.coalesce(func.sum(Vend.volume_ml), 0))
        .join(SaleRecord, SaleRecord.purchase_id == Vend.purchase_id)
        .where(*mine, Vend.voided_at.is_(None))
    )
    fixed = select(func.coalesce(func.sum(SaleRecord.fixed_minor), 0))
    fixed = fixed.where(*mine, ~was_cancelled(SaleRecord.purchase_id))
    return bought.scalar_subquery(), fixed.scalar_subquery()


_SUMS = {by_account: select(*sums(by_account=by_account)) for by_account in (True, False)}


def whose(meter: Meter) -> int:
    """Return the parameter of `sums` for a meter: its account, or itself."""
    return meter.id if meter.account_id is None else meter.account_id


async def had(session: AsyncSession, meter: Meter, month: int) -> Month:
    """Return what a meter's account had in a month."""
    counted = _SUMS[meter.account_id is not None]
    row = (await session.execute(counted, {"whose": whose(meter), "month": month})).one()
    return Month(int(row[0]), int(row[1]))
