"""Sales to meters that hold money: they are sold the money itself, and apply their own tariff to what flows.

The payment's share for a debt is taken first, the rest is credit. It is revenue when it is used, not when it is sold.
"""

from sqlalchemy.ext.asyncio import AsyncSession

from cloud.auth.actor import Actor
from cloud.books import service as books
from cloud.meters.models import Meter
from cloud.vending import booking, debts
from cloud.vending.accounts import moved
from cloud.vending.ahead import Ahead
from cloud.vending.money_plan import MoneyBuyer, MoneyPlan, buyer, plan
from cloud.vending.money_statement import money_statement
from cloud.vending.order import Keyed, Order, advance, wanted
from cloud.vending.rows import Carried, Made, Priced, add_record, add_vends, rows
from cloud.vending.sale_models import SaleRecord


async def sell(
    session: AsyncSession, actor: Actor, order: Order, meter: Meter, keyed: Keyed, known: Ahead, now: int
) -> Made:
    """Add the rows of a sale of money and put it into the books."""
    found = await buyer(session, meter, order.currency, now, known=known)
    planned = plan(wanted(order, meter), found)
    priced = Priced(found.tariff.id, order.currency, 0, planned.settled.change_minor)
    parts = [Carried(0, 0, part.money, part.amount_minor) for part in planned.parts]
    made = rows(actor, order, meter, keyed, priced, parts, now)
    await advance(session, meter, keyed, made[-1].tid, now)
    await add_vends(session, made, known.vend_id)
    record = await _record(session, found, planned, order.purchase_id, now)
    await add_record(session, record)
    await books.post_new(session, booking.money_sale(made, planned.settled), actor, now)
    await debts.take_share(session, found.debt, order.purchase_id, planned.settled.debt_minor, found.month, now)
    settled = planned.settled
    return Made(made, record, moved(settled.from_account_minor, settled.to_account_minor, found.balance_minor))


async def _record(
    session: AsyncSession, found: MoneyBuyer, planned: MoneyPlan, purchase_id: str, now: int
) -> SaleRecord:
    said = await money_statement(session, found, planned)
    return SaleRecord(
        purchase_id=purchase_id,
        utility_id=found.meter.utility_id,
        meter_id=found.meter.id,
        account_id=found.meter.account_id,
        tariff_version_id=found.version.id,
        month=found.month,
        fixed_minor=0,
        fixed_taxed_minor=0,
        debt_minor=planned.settled.debt_minor,
        statement=said.model_dump(),
        created_at=now,
    )
