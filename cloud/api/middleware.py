"""What every request passes: an id, one log line, safe headers, and every error as a problem document."""

import re
import secrets
import time
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Literal

import structlog
from aiohttp import web

from cloud.api.fields import Problem
from cloud.errors import CloudError, TooManyRequests

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

PROBLEM_MEDIA = "application/problem+json"
PROBLEM_TYPE = "urn:penstock:problem:"
_REQUEST_ID = re.compile(r"[A-Za-z0-9_-]{8,64}")
TELLS_OUTCOME = web.RequestKey("tells_outcome", bool)
_FAILED = (400, 404, 409, 413, 415, 422)
_log = structlog.get_logger("http")


@web.middleware
async def request_middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Give the request an id, answer, and log method, route and status; never the query, a header or a body."""
    given = request.headers.get("X-Request-Id", "")
    request_id = given if _REQUEST_ID.fullmatch(given) else secrets.token_hex(8)
    started = time.monotonic_ns()
    with structlog.contextvars.bound_contextvars(request_id=request_id, actor="nobody"):
        response = await _answer(request, handler)
        _log.info(
            "request",
            method=request.method,
            route=_route_name(request),
            status=response.status,
            took_ms=(time.monotonic_ns() - started) // 1_000_000,
        )
    response.headers["X-Request-Id"] = request_id
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Content-Security-Policy"] = "default-src 'none'; frame-ancestors 'none'"
    if request.secure:
        response.headers["Strict-Transport-Security"] = "max-age=31536000"
    return response


async def _answer(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except CloudError as error:
        return _named_error(error, tells_outcome=request.get(TELLS_OUTCOME, False))
    except web.HTTPException as error:
        return _framework_error(request, error)
    except Exception:
        _log.exception("failed", route=_route_name(request))
        told = "The service failed; try again, and report the X-Request-Id if it stays."
        return error_response(500, "internal", told, tells_outcome=request.get(TELLS_OUTCOME, False))


def error_response(status: int, code: str, message: str, *, tells_outcome: bool = False) -> web.Response:
    """Return the problem document of an error (RFC 9457)."""
    title = HTTPStatus(status).phrase
    outcome = _outcome(status) if tells_outcome else None
    body = Problem(type=PROBLEM_TYPE + code, title=title, status=status, detail=message, code=code, outcome=outcome)
    text = body.model_dump_json(exclude_none=True)
    return web.Response(text=text, status=status, content_type=PROBLEM_MEDIA)


def _outcome(status: int) -> Literal["failed", "unknown"]:
    # Who may not call, calls too often or meets a failure learns nothing of an attempt before.
    return "failed" if status in _FAILED else "unknown"


def _named_error(error: CloudError, *, tells_outcome: bool) -> web.Response:
    response = error_response(error.status, error.code, error.message, tells_outcome=tells_outcome)
    if isinstance(error, TooManyRequests):
        response.headers["Retry-After"] = str(error.retry_after_s)
    return response


def _framework_error(request: web.Request, error: web.HTTPException) -> web.Response:
    if isinstance(error, web.HTTPMethodNotAllowed):
        allowed = ", ".join(sorted(error.allowed_methods))
        response = error_response(405, "method_not_allowed", f"{request.method} is not served here; {allowed} is.")
        response.headers["Allow"] = allowed
        return response
    if error.status == 404:
        return error_response(404, "not_found", "There is nothing at this address; /api/v1/openapi.json lists what is.")
    return error_response(error.status, "http_error", error.reason)


def _route_name(request: web.Request) -> str:
    resource = request.match_info.route.resource
    return resource.canonical if resource is not None else "unknown"
