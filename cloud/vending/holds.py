"""A purchase whose tokens are held back: it is sold and booked, but its debt stays open and nothing is given out.

What it keeps for the customer waits in the books, so that nobody spends it before the purchase is sure.
"""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.audit import service as audit
from cloud.auth.actor import Actor
from cloud.books import rules as book_rules
from cloud.books import service as books
from cloud.books.rules import Draft
from cloud.errors import Refused
from cloud.meters.models import Meter
from cloud.vending.booking import KEPT
from cloud.vending.hold_models import SaleHold, is_open
from cloud.vending.models import Vend
from cloud.vending.rows import Made
from cloud.vending.sale_models import DebtPayment, PaymentDebt

HOLD = "hold"
ON_CONFIRM = "on_confirm"


async def hold(session: AsyncSession, actor: Actor, made: Made, hold_s: int, now: int) -> None:
    """Hold a purchase that was just sold, in the transaction of its sale."""
    first = made.rows[0]
    kept = made.movement.kept_minor
    row = SaleHold(
        purchase_id=first.purchase_id,
        utility_id=first.utility_id,
        meter_id=first.meter_id,
        kept_minor=kept,
        held_at=now,
        expires_at=now + hold_s,
    )
    session.add(row)
    await session.flush()
    if kept:
        await books.post(session, waiting(first, kept, HOLD), actor, now)
    await _keep_debt_open(session, first.purchase_id)
    detail = {"purchase_id": first.purchase_id, "tids": [one.tid for one in made.rows], "expires_at": row.expires_at}
    await audit.record(session, actor, "vend.hold", f"vend:{first.id}", detail, utility_id=first.utility_id, now=now)


def on_hold(currency: str) -> book_rules.Account:
    """Return where money waits that a held purchase keeps for its customer."""
    return book_rules.Account("on_hold", currency, book_rules.LIABILITY)


def waiting(first: Vend, kept_minor: int, event: str) -> Draft:
    """Return the entry that takes what is kept off the customer's account, or, below zero, puts it there."""
    assert first.customer_id is not None, "only a customer's account keeps"
    account = book_rules.customer(first.customer_id, first.currency)
    lines = book_rules.lines((account, kept_minor, KEPT), (on_hold(first.currency), -kept_minor, KEPT))
    key = f"{event}:{first.purchase_id}"
    return Draft(first.utility_id, key, HOLD, first.purchase_id, "until the purchase is confirmed", lines)


async def _keep_debt_open(session: AsyncSession, purchase_id: str) -> None:
    # A debt that this purchase pays off is over when the purchase is confirmed, not before.
    paid = await session.get(DebtPayment, purchase_id)
    if paid is not None:
        (await session.get_one(PaymentDebt, paid.debt_id)).closed_at = None
        await session.flush()


async def check_none(session: AsyncSession, meter: Meter) -> None:
    """Refused while a purchase of a locked meter is held."""
    mine = select(SaleHold.purchase_id).where(SaleHold.meter_id == meter.id, is_open()).limit(1)
    held = await session.scalar(mine)
    if held is not None:
        raise Refused("purchase_held", f"Purchase {held} of meter {meter.drn} is held; confirm or cancel it first.")
