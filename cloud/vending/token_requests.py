"""What two people must want: tokens that nobody pays for, and the return of more money than one may decide on.

Nobody approves their own. Who approves makes the tokens; their digits are for who may sell or void, by repeating the
request.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.api.fields import PageQuery
from cloud.audit import service as audit
from cloud.auth.actor import Actor, require_another_person
from cloud.errors import Conflict
from cloud.meters.models import Meter
from cloud.rows import insert, of_actor, owned, rows_after
from cloud.tariffs.models import Tariff
from cloud.vending import service, voiding
from cloud.vending.order import FREE, Order
from cloud.vending.store import KeyStore
from cloud.vending.token_request_models import TokenRequest

WAITING, APPROVED, DECLINED = "waiting", "approved", "declined"
GIFT, VOID = "free", "void"
LIFE_S = 7 * 86400
_WHOLE = 0


@dataclass(frozen=True)
class Asked:
    """What is asked for; `part` 0 is a whole purchase."""

    kind: str
    purchase_id: str
    part: int
    delivery: str
    volume_ml: int | None
    amount_minor: int
    reason: str


def gift(order: Order) -> Asked:
    """Return what is asked for with an order of tokens that nobody pays for."""
    return Asked(GIFT, order.purchase_id, _WHOLE, order.delivery, order.volume_ml, order.given_minor, order.reason)


async def ask(session: AsyncSession, actor: Actor, meter: Meter, asked: Asked, now: int) -> TokenRequest:
    """Keep a request for another person to decide on; the same again is the first. Conflict if it was declined."""
    person_id = actor.require_person()
    known = await _known(session, asked)
    if known is not None:
        return _same(known, meter, asked)
    row = TokenRequest(
        utility_id=meter.utility_id,
        drn=meter.drn,
        state=WAITING,
        requested_by=actor.label,
        requested_person_id=person_id,
        requested_at=now,
        **vars(asked),
    )
    await insert(session, row, Conflict("request_open", "Somebody asked for the same just now; look at the requests."))
    await _record(session, actor, row, "token.request", now)
    return row


async def _known(session: AsyncSession, asked: Asked) -> TokenRequest | None:
    mine = (
        TokenRequest.kind == asked.kind,
        TokenRequest.purchase_id == asked.purchase_id,
        TokenRequest.part == asked.part,
    )
    # A void may be asked for again after it was declined; a purchase id is used once.
    open_too = (TokenRequest.state == WAITING,) if asked.kind == VOID else ()
    return await session.scalar(select(TokenRequest).where(*mine, *open_too).order_by(TokenRequest.id.desc()).limit(1))


def _same(known: TokenRequest, meter: Meter, asked: Asked) -> TokenRequest:
    if asked.kind == VOID:
        return known
    if known.drn != meter.drn or any(getattr(known, name) != value for name, value in vars(asked).items()):
        raise Conflict("purchase_id_used", f"Request {known.id} with this purchase id asks for something else.")
    if known.state == DECLINED:
        raise Conflict("request_decided", f"Request {known.id} was declined by {known.decided_by}; ask under a new id.")
    return known


async def approve(session: AsyncSession, key_store: KeyStore, actor: Actor, request_id: int, now: int) -> TokenRequest:
    """Make the tokens, or order the void, that was asked for."""
    row = await _waiting(session, actor, request_id)
    require_another_person(actor, row.requested_person_id)
    if now - row.requested_at > LIFE_S:
        raise Conflict("request_old", "The request is too old; decline it, and ask again if it is still wanted.")
    await _decided(session, actor, row, APPROVED, now)
    if row.kind == GIFT:
        await service.vend(session, key_store, actor, await _order_of(session, row), now)
    else:
        wanted = voiding.VoidOrder(row.purchase_id, row.part, row.delivery)
        await voiding.order(session, key_store, actor, wanted, now)
    return row


async def _order_of(session: AsyncSession, row: TokenRequest) -> Order:
    of_meter = select(Tariff.currency).join(Meter, Meter.tariff_id == Tariff.id).where(Meter.drn == row.drn)
    return Order(
        purchase_id=row.purchase_id,
        drn=row.drn,
        volume_ml=row.volume_ml,
        tender_kind=FREE,
        tender_minor=0,
        currency=(await session.scalars(of_meter)).one(),
        delivery=row.delivery,
        reason=row.reason,
        given_minor=row.amount_minor,
    )


async def decline(session: AsyncSession, actor: Actor, request_id: int, now: int) -> TokenRequest:
    """End a request without tokens; who made it may take it back so, too."""
    return await _decided(session, actor, await _waiting(session, actor, request_id), DECLINED, now)


async def _waiting(session: AsyncSession, actor: Actor, request_id: int) -> TokenRequest:
    row = await owned(session, actor, TokenRequest, request_id, "token request")
    await session.refresh(row, with_for_update=True)
    if row.state != WAITING:
        raise Conflict("request_decided", f"Request {row.id} was {row.state} by {row.decided_by}.")
    return row


async def _decided(session: AsyncSession, actor: Actor, row: TokenRequest, state: str, now: int) -> TokenRequest:
    row.state, row.decided_by, row.decided_at, row.decided_person_id = state, actor.label, now, actor.person_id
    await session.flush()
    await _record(session, actor, row, "token.approve" if state == APPROVED else "token.decline", now)
    return row


async def _record(session: AsyncSession, actor: Actor, row: TokenRequest, action: str, now: int) -> None:
    names = ("kind", "purchase_id", "part", "drn", "volume_ml", "amount_minor", "reason", "requested_by")
    detail = {name: getattr(row, name) for name in names}
    subject = f"token-request:{row.id}"
    await audit.record(session, actor, action, subject, detail, utility_id=row.utility_id, now=now)


async def listed(session: AsyncSession, actor: Actor, state: str | None, query: PageQuery) -> Sequence[TokenRequest]:
    """A page of the requests that the caller may see."""
    mine = of_actor(select(TokenRequest), actor, TokenRequest.utility_id)
    if state is not None:
        mine = mine.where(TokenRequest.state == state)
    return await rows_after(session, mine, TokenRequest.id, query)
