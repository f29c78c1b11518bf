"""Writing messages. A message is added in the transaction of its cause: both stay or neither."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.accounts.contacts import Reach
from cloud.accounts.models import Customer
from cloud.notify import contacts
from cloud.notify.contacts import Contact
from cloud.notify.models import QUEUED, Message
from cloud.together import add as add_row

_TABLE: Any = Message.__table__


async def add(
    session: AsyncSession,
    *,
    utility_id: int,
    customer_id: int,
    kind: str,
    text: str,
    now: int,
    vend_id: int | None = None,
    reach: Reach | None = None,
) -> None:
    """Queue a message, unless the customer has no address. `{token}` in text becomes the token of vend_id.

    `reach` is what the caller has read of the customer already.
    """
    ways = contacts.addresses(reach) if reach else contacts.addresses(await session.get_one(Customer, customer_id))
    if ways:
        row = _row(utility_id, customer_id, kind, text, vend_id, now)
        await add_row(session, _TABLE, row | {"channel": ways[0].channel, "address": ways[0].address})


async def repeat(
    session: AsyncSession, message: Message, carries: Callable[[str], bool], now: int, *, text: str | None = None
) -> Message | None:
    """Queue the same again by the next way to its customer that somebody carries; None when all were used."""
    way = await next_way(session, message, carries)
    if way is None:
        return None
    said = text or message.text
    row = _row(message.utility_id, message.customer_id, message.kind, said, message.vend_id, now)
    again = Message(**row, channel=way.channel, address=way.address, previous_id=message.id)
    session.add(again)
    await session.flush()
    return again


async def next_way(session: AsyncSession, message: Message, carries: Callable[[str], bool]) -> Contact | None:
    """Return the next way to a message's customer that was not used for it and that somebody carries."""
    customer = await session.get_one(Customer, message.customer_id)
    used = await _used(session, message)
    ways = [way for way in contacts.addresses(customer) if way.address not in used]
    return next((way for way in ways if carries(way.channel)), None)


async def _used(session: AsyncSession, message: Message) -> set[str]:
    """The addresses of a message, of those that it repeats, and of those that repeat it already."""
    used = {message.address}
    used |= set(await session.scalars(select(Message.address).where(Message.previous_id == message.id)))
    before = message.previous_id
    while before is not None:
        earlier = await session.get_one(Message, before)
        used.add(earlier.address)
        before = earlier.previous_id
    return used


def _row(utility_id: int, customer_id: int, kind: str, text: str, vend_id: int | None, now: int) -> dict[str, Any]:
    return {
        "utility_id": utility_id,
        "customer_id": customer_id,
        "vend_id": vend_id,
        "kind": kind,
        "text": text,
        "state": QUEUED,
        "attempts": 0,
        "tried": 0,
        "next_attempt_at": now,
        "created_at": now,
    }
