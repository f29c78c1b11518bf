"""Bringing tokens to the meter and to the customer: commands for the gateway, one each, and a message."""

from sqlalchemy.ext.asyncio import AsyncSession

from cloud.accounts.contacts import Reach
from cloud.accounts.models import Customer
from cloud.commands import service as commands
from cloud.notify import outbox, texts
from cloud.vending.tokens import Sale, Token

REMOTE = "remote"


async def deliver(session: AsyncSession, sale: Sale, gateway_id: int, now: int) -> None:
    """Queue every token of a remote sale, and tell the customer."""
    await queue(session, sale, gateway_id, now)
    await announce(session, sale, now)


async def queue(session: AsyncSession, sale: Sale, gateway_id: int, now: int) -> None:
    """Queue every token of a remote sale, in the order to enter them."""
    if sale.vend.delivery == REMOTE:
        for token in sale.tokens:
            await _queue(session, sale, token, gateway_id, now)


async def announce(session: AsyncSession, sale: Sale, now: int, reach: Reach | None = None) -> None:
    """Tell the customer of a sale, if there is one; `reach` if that was read already."""
    if sale.vend.customer_id is not None:
        await tell(session, sale, sale.vend.customer_id, now, reach)


async def send_again(session: AsyncSession, sale: Sale, gateway_id: int, now: int, *, with_sections: bool) -> None:
    """Queue what of a sale the meter has not shown, after the sections if its key change is open: each counts once."""
    for token in sale.tokens:
        if with_sections if token.vend is None else token.vend.state == "vended":
            await _queue(session, sale, token, gateway_id, now)


async def _queue(session: AsyncSession, sale: Sale, token: Token, gateway_id: int, now: int) -> None:
    meter, change_id = sale.meter, sale.vend.key_change_id
    if token.vend is not None:
        await commands.queue_token(
            session,
            gateway_id=gateway_id,
            channel=meter.channel,
            drn=meter.drn,
            digits=token.digits,
            vend_id=token.vend.id,
            now=now,
        )
        return
    assert change_id is not None, "sections belong to a key change"
    await commands.queue_section(
        session,
        gateway_id=gateway_id,
        channel=meter.channel,
        drn=meter.drn,
        key_change_id=change_id,
        section=token.number,
        now=now,
    )


async def tell(session: AsyncSession, sale: Sale, customer_id: int, now: int, reach: Reach | None = None) -> None:
    """Queue the message with the tokens of a sale."""
    language = reach.language if reach else (await session.get_one(Customer, customer_id)).language
    await outbox.add(
        session,
        utility_id=sale.vend.utility_id,
        customer_id=customer_id,
        kind="token",
        text=texts.vended(language, sale, sale.meter.drn),
        now=now,
        vend_id=sale.vend.id,
        reach=reach,
    )
