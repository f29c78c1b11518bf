"""Where providers send their messages: the raw bytes are checked first, stored once, and answered at once.

Nothing slow happens here. A 2xx means that the message is kept; anything else makes the provider send it again.
"""

import hashlib

import structlog
from aiohttp import web

from cloud.api.route import BODY_LIMIT
from cloud.errors import CloudError, NotFound, TooLarge
from cloud.keys import CHANNELS, CLOCK, DATABASE
from cloud.payments import service
from cloud.payments.providers.interface import Delivery

_log = structlog.get_logger("payments")
_TAKEN = {"ResultCode": 0, "ResultDesc": "Success"}  # the form that Daraja asks for; others look at the status only


def add_webhooks(app: web.Application) -> None:
    """Register the addresses; what follows the channel's name is for its provider to check."""
    app.router.add_post("/webhooks/{channel}", receive)
    app.router.add_post("/webhooks/{channel}/{tail:.*}", receive)


async def receive(request: web.Request) -> web.Response:
    """Take in one message of a provider."""
    channel = request.app[CHANNELS].get(request.match_info["channel"])
    if channel is None or channel.provider is None:
        raise NotFound("not_found", "There is nothing at this address.")
    body = await request.read()
    if len(body) > BODY_LIMIT:
        raise TooLarge("body_too_large", f"The body may have {BODY_LIMIT} bytes.")
    now = request.app[CLOCK].now()
    tail = request.match_info.get("tail", "")
    try:
        messages = channel.provider.read(Delivery(request.headers, body, request.remote or "", tail, now))
    except CloudError as error:
        _log.warning("message refused", channel=channel.name, code=error.code)
        raise
    digest = hashlib.sha256(body).digest()
    async with request.app[DATABASE].begin() as session:
        for message in messages:
            await service.receive(session, channel, message, digest, now)
    return web.json_response(_TAKEN)
