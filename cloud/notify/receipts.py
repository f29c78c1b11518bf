"""Where providers of messages tell what became of one: checked on the raw bytes, as payments are.

The header `Penstock-Signature: t=SECONDS,v1=HEX` has HMAC-SHA256 over `SECONDS.BODY` under the provider's receipt key.
"""

import hashlib
import hmac
from typing import Annotated, Literal

import structlog
from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.api.route import BODY_LIMIT
from cloud.errors import BadRequest, NotFound, TooLarge, Unauthenticated
from cloud.keys import CARRIERS, CLOCK, DATABASE
from cloud.notify import dead_letters
from cloud.notify.carriers import Carrier, Carriers
from cloud.notify.delivery import undelivered
from cloud.notify.models import DELIVERED, QUEUED, SENT, Message

HEADER = "Penstock-Signature"
TOLERANCE_S = 300
_log = structlog.get_logger("outbox")


class Receipt(BaseModel):
    """What became of a message."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    id: int = Field(ge=1, le=2**63 - 1)
    status: Literal["delivered", "failed"]
    reason: Annotated[str, StringConstraints(max_length=100, pattern=r"^[^\x00-\x1f\x7f]*$")] = ""


def add_receipts(app: web.Application) -> None:
    """Register the addresses."""
    app.router.add_post("/message-receipts/{provider}", receive)


async def receive(request: web.Request) -> web.Response:
    """Take in one receipt."""
    carrier = request.app[CARRIERS].named(request.match_info["provider"])
    if carrier is None or carrier.receipt_key is None:
        raise NotFound("not_found", "There is nothing at this address.")
    body = await request.read()
    if len(body) > BODY_LIMIT:
        raise TooLarge("body_too_large", f"The body may have {BODY_LIMIT} bytes.")
    now = request.app[CLOCK].now()
    check(request.headers.get(HEADER, ""), body, carrier.receipt_key, now)
    told = _read(body)
    async with request.app[DATABASE].begin() as session:
        message = await session.get(Message, told.id, with_for_update=True)
        if message is None:
            raise NotFound("message_unknown", "There is no such message.")
        await _take_in(session, message, carrier, request.app[CARRIERS], told, now)
    return web.json_response({"done": True})


async def _take_in(
    session: AsyncSession, message: Message, carrier: Carrier, carriers: Carriers, told: Receipt, now: int
) -> None:
    if told.status == "delivered":
        if message.state != DELIVERED:
            message.state, message.delivered_at, message.last_error = DELIVERED, now, None
            message.provider = carrier.name
            await dead_letters.revive(session, message, now)
    elif message.state in (QUEUED, SENT) and message.provider == carrier.name:
        reason = f"{carrier.name} did not bring it: {told.reason or 'no reason'}"
        await undelivered(session, message, carriers, reason, now)
    else:
        _log.info("a receipt comes late", message=message.id, provider=carrier.name)


def check(header: str, body: bytes, key: bytes, now: int) -> None:
    """Raise Unauthenticated unless the header signs this body, at most five minutes ago."""
    parts = dict(part.strip().partition("=")[::2] for part in header.split(","))
    time, given = parts.get("t", ""), parts.get("v1", "")
    if not (time.isascii() and time.isdigit() and len(time) <= 12):
        raise Unauthenticated("signature_missing", f"The header {HEADER} has no time t=.")
    if not hmac.compare_digest(sign(body, key, int(time)).encode(), given.encode(errors="surrogateescape")):
        raise Unauthenticated("signature_wrong", "The signature does not fit; check the provider's receipt key.")
    if abs(now - int(time)) > TOLERANCE_S:
        raise Unauthenticated("signature_old", f"The signature is more than {TOLERANCE_S} s old, or of the future.")


def sign(body: bytes, key: bytes, now: int) -> str:
    """Return the signature of a receipt; for trying a provider out."""
    return hmac.new(key, f"{now}.".encode() + body, hashlib.sha256).hexdigest()


def _read(body: bytes) -> Receipt:
    try:
        return Receipt.model_validate_json(body)
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(["receipt", *(str(part) for part in problem["loc"])])
        raise BadRequest("invalid_receipt", f"{where}: {problem['msg']}") from None
