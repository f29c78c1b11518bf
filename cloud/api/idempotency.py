"""Idempotency-Key: a creation that is sent again under the same key gets its first answer and creates nothing.

The answer is kept in the transaction of the change. So there is no moment at which one exists without the other, and
of two requests side by side the second waits for the first, as the key is unique.
"""

import hashlib
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from pydantic import BaseModel
from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.api.models import KeptAnswer
from cloud.api.route import Call, Route
from cloud.errors import BadRequest, Conflict
from cloud.keys import DATABASE

HEADER = "Idempotency-Key"
KEY_PATTERN = r"^[A-Za-z0-9_-]{1,64}$"
KEPT_S = 7 * 86400
_KEY = re.compile(r"[A-Za-z0-9_-]{1,64}")


def key_of(request: web.Request, route: Route) -> str | None:
    """Return the key that the caller sent; BadRequest if it is malformed, or sent where it would protect nothing."""
    key = request.headers.get(HEADER)
    if key is None or route.method != "POST" or route.idempotency is not None:
        return None
    if not route.takes_key:
        raise BadRequest("idempotency_key_not_taken", f"This takes no {HEADER}; send the request without it.")
    if not _KEY.fullmatch(key):
        raise BadRequest("idempotency_key_malformed", f"{HEADER} has 1 to 64 letters, digits, hyphens or underscores.")
    return key


async def once(route: Route, call: Call[Any, Any], key: str) -> BaseModel:
    """Carry the request out and keep its answer, or return the one that is kept; Conflict for another request."""
    kept = await _kept(route, call, key)
    if kept is not None:
        return kept
    try:
        return await _carried_out(route, call, key)
    except IntegrityError:
        kept = await _kept(route, call, key)  # the same key side by side: the other was first
        if kept is None:
            raise
        return kept


async def _kept(route: Route, call: Call[Any, Any], key: str) -> BaseModel | None:
    mine = (KeptAnswer.caller == call.actor.label, KeptAnswer.key == key)
    async with call.read() as session:
        row = await session.scalar(select(KeptAnswer).where(*mine, KeptAnswer.created_at > call.now - KEPT_S))
    if row is None:
        return None
    if row.request_sha256 != _fingerprint(route, call):
        raise Conflict("idempotency_key_used", f"This {HEADER} was used for another request; make a new one.")
    return route.response.model_validate_json(row.answer)


async def _carried_out(route: Route, call: Call[Any, Any], key: str) -> BaseModel:
    async with call.app[DATABASE].begin() as session:
        old = (KeptAnswer.caller == call.actor.label, KeptAnswer.created_at <= call.now - KEPT_S)
        await session.execute(delete(KeptAnswer).where(*old))
        row = KeptAnswer(
            caller=call.actor.label,
            key=key,
            request_sha256=_fingerprint(route, call),
            answer="",
            created_at=call.now,
        )
        session.add(row)
        await session.flush()
        answer = await route.handler(_Joined.of(call, session))
        row.answer = answer.model_dump_json()
        return answer


class _Joined(Call[Any, Any]):
    """A call whose transactions are all the one that keeps the answer."""

    joined: AsyncSession

    @classmethod
    def of(cls, call: Call[Any, Any], session: AsyncSession) -> "_Joined":
        joined = cls(**vars(call))
        joined.joined = session
        return joined

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[AsyncSession]:
        yield self.joined
        await self.joined.flush()


def _fingerprint(route: Route, call: Call[Any, Any]) -> bytes:
    body = "" if call.body is None else call.body.model_dump_json()
    path = sorted((name, str(value)) for name, value in call.path.items())
    return hashlib.sha256(f"{route.method} {route.path} {path} {body}".encode()).digest()
