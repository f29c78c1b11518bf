"""Writing messages. A message is added in the transaction of its cause: both stay or neither."""

from sqlalchemy.ext.asyncio import AsyncSession

from cloud.accounts.models import Customer
from cloud.notify.models import QUEUED, Message


async def add(
    session: AsyncSession,
    *,
    utility_id: int,
    customer_id: int,
    kind: str,
    text: str,
    now: int,
    vend_id: int | None = None,
) -> Message | None:
    """Queue a message; None for a customer without an address. `{token}` in text becomes the token of vend_id."""
    customer = await session.get_one(Customer, customer_id)
    address = customer.phone or customer.email
    if address is None:
        return None
    message = Message(
        utility_id=utility_id,
        customer_id=customer_id,
        vend_id=vend_id,
        kind=kind,
        address=address,
        text=text,
        state=QUEUED,
        attempts=0,
        next_attempt_at=now,
        created_at=now,
    )
    session.add(message)
    await session.flush()
    return message
