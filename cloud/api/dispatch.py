"""Turns a Route into an aiohttp handler: who calls, what is asked, the handler, the answer."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import structlog
from aiohttp import web
from pydantic import BaseModel
from sqlalchemy.exc import DBAPIError

from cloud.api import idempotency, parse
from cloud.api.files import FileAnswer, file_response
from cloud.api.middleware import TELLS_OUTCOME
from cloud.api.route import Call, Cookie, Route
from cloud.auth.identify import identify
from cloud.keys import CALLER_LIMITER, CLOCK, REMOTE_LIMITER

API_ROOT = "/api/v1"
_DEADLOCK_PAUSES_S = (0.1, 0.4, 1.6)
_DEADLOCK_STATES = ("40P01", "40001")

WebHandler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def add_routes(app: web.Application, routes: Iterable[Route]) -> None:
    """Register every route below /api/v1."""
    for route in routes:
        app.router.add_route(route.method, API_ROOT + route.path, _web_handler(route))


def _web_handler(route: Route) -> WebHandler:
    async def handle(request: web.Request) -> web.StreamResponse:
        now = request.app[CLOCK].now()
        request[TELLS_OUTCOME] = route.tells_outcome
        request.app[REMOTE_LIMITER].count(request.remote or "", now)
        caller = await identify(request, public=route.public, scope=route.scope, now=now)
        structlog.contextvars.bind_contextvars(actor=caller.actor.label)
        if not route.public:
            request.app[CALLER_LIMITER].count(caller.actor.label, now)
        key = idempotency.key_of(request, route)
        call: Call[Any, Any] = Call(
            app=request.app,
            actor=caller.actor,
            now=now,
            path=parse.path(request),
            query=parse.query(request, route),
            body=await parse.body(request, route),
            remote=request.remote or "",
            session_token=caller.session_token,
        )
        return _response(route, await _answer(route, call, key), call.cookies)

    return handle


async def _answer(route: Route, call: Call[Any, Any], key: str | None) -> BaseModel:
    # Two transactions that wait for each other's rows: PostgreSQL ends one, which starts again from nothing. At once,
    # it would take its first row before the other, still to be woken, can: after a pause, and two never after the same.
    for pause_s in _DEADLOCK_PAUSES_S:
        try:
            return await _carried_out(route, call, key)
        except DBAPIError as error:
            if getattr(error.orig, "sqlstate", None) not in _DEADLOCK_STATES:
                raise
        await asyncio.sleep(random.uniform(pause_s / 2, pause_s))  # noqa: S311 - no secret
    return await _carried_out(route, call, key)


async def _carried_out(route: Route, call: Call[Any, Any], key: str | None) -> BaseModel:
    return await (route.handler(call) if key is None else idempotency.once(route, call, key))


def _response(route: Route, answer: BaseModel, cookies: list[Cookie]) -> web.Response:
    if isinstance(answer, FileAnswer):
        assert answer.format in route.files, f"{route.method} {route.path} answered {answer.format}"
        return file_response(answer, route.status)
    assert isinstance(answer, route.response), f"{route.method} {route.path} answered {type(answer).__name__}"
    response = web.Response(text=answer.model_dump_json(), status=route.status, content_type="application/json")
    for cookie in cookies:
        response.set_cookie(
            cookie.name, cookie.value, max_age=cookie.max_age_s, path="/", secure=True, httponly=True, samesite="Strict"
        )
    return response
