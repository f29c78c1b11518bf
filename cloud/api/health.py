"""Two routes about the service itself: whether it works, and what it offers."""

from typing import Literal

from sqlalchemy import text

from cloud.api.fields import JsonDocument, View
from cloud.api.route import Call, Route
from cloud.errors import Unavailable
from cloud.keys import DATABASE, OPENAPI


class Health(View):
    """The service answers and reaches its database."""

    status: Literal["ok"] = "ok"


async def health(call: Call[None, None]) -> Health:
    """Say whether the service reaches its database."""
    try:
        async with call.app[DATABASE].read() as session:
            await session.execute(text("SELECT 1"))
    except Exception:
        raise Unavailable("database_down", "The database does not answer; look at the log of the service.") from None
    return Health()


async def openapi(call: Call[None, None]) -> JsonDocument:
    """Give the OpenAPI 3.1 document of this API."""
    return JsonDocument(call.app[OPENAPI])


ROUTES = [
    Route("GET", "/health", health, None, Health, errors=(Unavailable,), tag="service"),
    Route("GET", "/openapi.json", openapi, None, JsonDocument, tag="service"),
]
