"""The steps of the watchdog: the token by another way, the token by the network, a case for a person, and the end."""

import structlog
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.audit import service as audit
from cloud.auth.actor import system
from cloud.ledger import cases
from cloud.ledger.models import Case
from cloud.notify import outbox
from cloud.notify.carriers import Carriers
from cloud.vending import delivery, key_change
from cloud.vending import service as vending
from cloud.vending.store import KeyStore
from cloud.watchdog.facts import Found
from cloud.watchdog.models import WatchedPurchase
from cloud.watchdog.rules import Step

ACTOR = system("watchdog")
CASE = "purchase_stuck"
_log = structlog.get_logger("watchdog")


async def tell(
    session: AsyncSession, key_store: KeyStore, watched: WatchedPurchase, found: Found, carriers: Carriers, now: int
) -> None:
    """Send the message with the tokens by the next way to the customer, or by the first, which there was not before."""
    if found.message is None:
        customer_id = found.progress.vends[0].customer_id
        assert customer_id is not None, "there is somebody to tell"
        sale = await vending.reprint(session, key_store, ACTOR, found.progress.vends, now)
        await delivery.tell(session, sale, customer_id, now)
    else:
        await outbox.repeat(session, found.message, carriers.carry, now)
    watched.told_again += 1
    watched.told_again_at = now
    await _record(session, watched, "purchase.tell-again", {"times": watched.told_again}, now)


async def command(session: AsyncSession, key_store: KeyStore, watched: WatchedPurchase, found: Found, now: int) -> None:
    """Send the tokens that the meter did not show as commands, after the sections of a key change that is open."""
    sale = await vending.reprint(session, key_store, ACTOR, found.progress.vends, now)
    change = await key_change.open_for(session, found.meter.id)
    leads_there = change is not None and change.id == sale.vend.key_change_id
    await delivery.send_again(session, sale, found.gateway.id, now, with_sections=leads_there)
    watched.commanded += 1
    watched.commanded_at = now
    await _record(session, watched, "purchase.command", {"gateway": found.gateway.id}, now)


async def alarm(session: AsyncSession, watched: WatchedPurchase, found: Found, step: Step, now: int) -> None:
    """Open a case with what a person has to do; once for each reason."""
    if watched.code == step.code:
        return
    watched.code, watched.reason, watched.alarmed_at = step.code, step.reason, now
    await _close_case(session, watched, found, "another reason now", now)
    await cases.open_case(
        session,
        utility_id=watched.utility_id,
        gateway_id=found.gateway.id,
        kind=CASE,
        detail=f"Purchase {watched.purchase_id} of meter {found.meter.drn} is not at the meter. {step.reason}",
        now=now,
        sequence=watched.vend_id,
        channel=found.meter.channel,
    )
    await _record(session, watched, "purchase.stuck", {"code": step.code}, now)
    _log.error("purchase stuck", purchase=watched.purchase_id, utility=watched.utility_id, code=step.code)


async def end(session: AsyncSession, watched: WatchedPurchase, found: Found, now: int) -> None:
    """The meter shows all of it, or it was taken back: its case closes by itself."""
    watched.next_look_at, watched.ended_at = None, now
    if watched.code is not None:
        await _close_case(session, watched, found, f"The purchase is {found.progress.stage} now.", now)
        watched.code = watched.reason = None
        await _record(session, watched, "purchase.healed", {"stage": found.progress.stage}, now)


async def _close_case(session: AsyncSession, watched: WatchedPurchase, found: Found, note: str, now: int) -> None:
    mine = (Case.kind == CASE, Case.epoch == 0, Case.sequence == watched.vend_id, Case.state == "open")
    case = await session.scalar(select(Case).where(Case.gateway_id == found.gateway.id, *mine).with_for_update())
    if case is not None:
        case.state, case.closed_at, case.closed_by, case.note = "closed", now, ACTOR.label, note


async def _record(
    session: AsyncSession, watched: WatchedPurchase, action: str, detail: dict[str, object], now: int
) -> None:
    subject = f"purchase:{watched.purchase_id}"
    await audit.record(session, ACTOR, action, subject, detail, utility_id=watched.utility_id, now=now)
