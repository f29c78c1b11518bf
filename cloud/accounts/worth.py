"""What credit that is left on a meter is worth to its customer: the price, with its taxes, that was paid for it."""

from sqlalchemy import and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.accounts import rules
from cloud.accounts.models import Account, MeterStay
from cloud.accounts.rules import Bought, Worth
from cloud.meters.models import Meter
from cloud.tariffs.terms import VOLUME
from cloud.vending.models import Vend
from cloud.vending.order import FREE
from cloud.vending.sale_models import SaleRecord

_TOKENS_AT_ONCE = 1000
_NOT_HEARD = 1 << 40


async def of_account(
    session: AsyncSession, account: Account, meter: Meter, credit: int, proven_tid: int | None = None
) -> Worth:
    """Value credit of a meter, in the unit of its account, by the tokens of this account that its meters took in last.

    Those up to `proven_tid` were taken in by this meter, as a return code proved, also where no ledger says so.
    """
    proven = and_(Vend.meter_id == meter.id, Vend.tid <= (proven_tid or 0), Vend.voided_at.is_(None))
    here = select(MeterStay.meter_id).where(MeterStay.service_point_id == account.service_point_id)
    mine = (
        select(Vend, SaleRecord)
        .outerjoin(SaleRecord, SaleRecord.purchase_id == Vend.purchase_id)
        .where(Vend.customer_id == account.customer_id, Vend.meter_id.in_(here))
        .where(
            or_(Vend.consumed_by.is_not(None), proven),
            Vend.created_at >= account.opened_at,
            Vend.utility_id == meter.utility_id,
        )
        .order_by(func.coalesce(Vend.consumed_at, _NOT_HEARD).desc(), Vend.id.desc())
        .limit(_TOKENS_AT_ONCE)
    )
    return rules.worth(credit, [bought(vend, record) for vend, record in (await session.execute(mine)).all()])


def bought(vend: Vend, record: SaleRecord | None) -> Bought:
    """Return what a token carried, and its price with its share of the sale's taxes; money has them inside."""
    if vend.money is not None:
        return Bought(vend.money, 0 if vend.tender_kind == FREE else vend.amount_minor)
    whole = int(record.statement["volume_minor"]) if record is not None else 0
    if record is None or not whole:
        return Bought(vend.volume_ml, vend.amount_minor)
    taxes: dict[str, int] = {}
    for tax in record.statement["taxes"]:
        if tax["on"] == VOLUME:
            taxes[tax["kind"]] = taxes.get(tax["kind"], 0) + int(tax["amount_minor"]) * vend.amount_minor // whole
    return Bought(vend.volume_ml, vend.amount_minor, tuple(sorted(taxes.items())))
