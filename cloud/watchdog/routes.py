"""The API of the watchdog: the stages of a purchase, and purchases that wait for a person."""

from typing import Literal
from uuid import UUID

from sqlalchemy import select

from cloud.accounts.models import Customer
from cloud.agents.selling import of_agent
from cloud.api.fields import Page, PageQuery, View
from cloud.api.route import Call, Route
from cloud.errors import NotFound
from cloud.meters.models import Meter
from cloud.notify import texts
from cloud.payments.models import Payment
from cloud.rows import of_actor, page, rows_after
from cloud.vending import service as vending
from cloud.watchdog import rules, stages
from cloud.watchdog.models import WatchedPurchase


class PurchaseStages(View):
    """The stages of a purchase with their times, and what the watchdog did for it; `stuck_s` above 0 is an alarm.

    `delivered_by` is counter (its tokens were in the answer to the caller), message, or meter. `sentence` is for the
    customer, in their language.
    """

    purchase_id: UUID
    drn: str
    stage: Literal["held", "vended", "delivered", "applied", "void"]
    sentence: str
    paid_at: int
    vended_at: int
    delivered_at: int | None
    delivered_by: Literal["counter", "message", "meter"] | None
    applied_at: int | None
    stuck_s: int
    told_again_at: int | None
    commanded_at: int | None
    alarmed_at: int | None
    code: str | None
    reason: str | None


class StuckPurchase(View):
    """A purchase that waits for a person: why, what to do, and what was done already."""

    id: int
    purchase_id: UUID
    utility_id: int
    vended_at: int
    told_again: int
    told_again_at: int | None
    commanded: int
    commanded_at: int | None
    code: str
    reason: str
    alarmed_at: int


async def of_purchase(call: Call[None, None]) -> PurchaseStages:
    """Show where a purchase stands: vended, delivered, applied."""
    purchase_id = str(call.path["purchase_id"])
    async with call.read() as session:
        rows = await vending.purchase_of(session, call.actor, purchase_id)
        progress = await stages.of_vends(session, rows)
        meter = await session.get_one(Meter, rows[0].meter_id)
        paid_at = await session.scalar(select(Payment.paid_at).where(Payment.purchase_id == purchase_id))
        mine = select(WatchedPurchase).where(WatchedPurchase.purchase_id == purchase_id)
        watched = await session.scalar(mine)
        customer = None if rows[0].customer_id is None else await session.get(Customer, rows[0].customer_id)
    done = {name: getattr(watched, name, None) for name in _DONE}
    loading = progress.stage == rules.DELIVERED and (rows[0].delivery == "remote" or done["commanded_at"] is not None)
    language = customer.language if customer is not None else "en"
    return PurchaseStages(
        purchase_id=UUID(purchase_id),
        drn=meter.drn,
        stage=progress.stage,
        sentence=texts.stage(language, meter.drn, "loading" if loading else progress.stage),
        paid_at=progress.vended_at if paid_at is None else paid_at,
        vended_at=progress.vended_at,
        delivered_at=progress.delivered_at,
        delivered_by=progress.delivered_by,
        applied_at=progress.applied_at,
        stuck_s=progress.stuck_s(call.now),
        **done,
    )


async def stuck(call: Call[None, PageQuery]) -> Page[StuckPurchase]:
    """List purchases that could not be healed and wait for a person."""
    async with call.read() as session:
        mine = of_actor(select(WatchedPurchase), call.actor, WatchedPurchase.utility_id)
        mine = of_agent(mine, call.actor, WatchedPurchase.purchase_id)
        mine = of_agent(mine, call.actor, WatchedPurchase.purchase_id)
        waiting = mine.where(WatchedPurchase.code.is_not(None), WatchedPurchase.ended_at.is_(None))
        return page(await rows_after(session, waiting, WatchedPurchase.id, call.query), StuckPurchase, call.query)


_DONE = ("told_again_at", "commanded_at", "alarmed_at", "code", "reason")
ROUTES = [
    Route(
        "GET", "/vends/{purchase_id}/stages", of_purchase, "vends:read", PurchaseStages,
        errors=(NotFound,), tag="vending",
    ),
    Route("GET", "/stuck-purchases", stuck, "vends:read", Page[StuckPurchase], query=PageQuery, tag="vending"),
]  # fmt: skip
