"""The API of messages."""

from sqlalchemy import select

from cloud.api.fields import Page, PageQuery, View
from cloud.api.route import Call, Route
from cloud.notify.models import Message
from cloud.rows import of_actor, page, rows_after


class MessageView(View):
    """A message; where its token goes, `text` says {token}. Sent: its provider took it and owes a receipt.

    `previous_id` is the message that this one repeats another way.
    """

    id: int
    utility_id: int
    customer_id: int
    vend_id: int | None
    kind: str
    channel: str
    address: str
    text: str
    state: str
    attempts: int
    last_error: str | None
    provider: str | None
    previous_id: int | None
    created_at: int
    sent_at: int | None
    delivered_at: int | None


async def listed(call: Call[None, PageQuery]) -> Page[MessageView]:
    """List messages to customers."""
    async with call.read() as session:
        statement = of_actor(select(Message), call.actor, Message.utility_id)
        return page(await rows_after(session, statement, Message.id, call.query), MessageView, call.query)


ROUTES = [Route("GET", "/messages", listed, "messages:read", Page[MessageView], query=PageQuery, tag="messages")]
