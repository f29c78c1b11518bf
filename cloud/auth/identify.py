"""Who calls? A bearer API key, or a session cookie with its CSRF token; then: may they?"""

import hmac
from dataclasses import dataclass

from aiohttp import web

from cloud.auth import rules, service, sessions
from cloud.auth.actor import Actor
from cloud.errors import Forbidden, Unauthenticated
from cloud.keys import DATABASE

SESSION_COOKIE = "__Host-penstock_session"
CSRF_HEADER = "X-CSRF-Token"
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_ANYBODY = Actor(label="anybody", utility_id=None, scopes=frozenset())


@dataclass(frozen=True)
class Caller:
    """The actor, and the session's token when they came with one."""

    actor: Actor
    session_token: str | None = None


async def identify(request: web.Request, *, public: bool, scope: str | None, now: int) -> Caller:
    """Return who calls; Unauthenticated or Forbidden when they may not."""
    if public:
        return Caller(_ANYBODY)
    caller = await _known(request, now)
    if scope is not None:
        caller.actor.require_scope(scope)
    return caller


async def _known(request: web.Request, now: int) -> Caller:
    scheme, _, key = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer" and key:
        return Caller(await service.actor_of_key(request.app[DATABASE], key.strip(), now))
    token = request.cookies.get(SESSION_COOKIE)
    if token is None:
        raise Unauthenticated(
            "not_signed_in", "Send Authorization: Bearer with an API key, or sign in with POST /login."
        )
    actor = await sessions.actor_of_session(request.app[DATABASE], token, now)
    if request.method not in _SAFE_METHODS:
        _check_csrf(request, token)
    return Caller(actor, token)


def _check_csrf(request: web.Request, token: str) -> None:
    given = request.headers.get(CSRF_HEADER, "").encode(errors="surrogateescape")
    if not hmac.compare_digest(given, rules.csrf_token(token).encode()):
        raise Forbidden("csrf_token_wrong", f"Send the csrf_token of POST /login in the header {CSRF_HEADER}.")
