"""Taking a balance off a meter and giving it to another: the orders to the devices, and the one entry in the books.

A gateway that speaks is ordered to take the balance off, and its ledger shows it; of one that is silent the books let
go of what it held. Either way one entry joins what left with where it went.
"""

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.accounts.finals import LEDGER, Figures
from cloud.books import rules as books
from cloud.books.rules import Account
from cloud.commands import service as commands
from cloud.commands.models import Command
from cloud.errors import Conflict
from cloud.meters.models import Gateway, Meter, MeterOpening
from cloud.notify.texts import minor_digits
from cloud.reports import posting
from cloud.tariffs.models import Tariff
from shared import documents, kinds

_ACCOUNT_DIGITS = 5


async def is_open(session: AsyncSession, meter: Meter) -> bool:
    """Tell whether a device was given this meter in the present epoch of its gateway."""
    gateway = await session.get_one(Gateway, meter.gateway_id)
    return await session.get(MeterOpening, (meter.id, gateway.epoch)) is not None


async def empty(session: AsyncSession, meter: Meter, final: Figures, reason: str, now: int) -> None:
    """Order the device of a meter to take every pot to nothing, as they were in its final."""
    for pot, amount in enumerate(final.pots):
        if amount:
            await _adjust(session, meter, pot, -amount, reason, now)


async def fill(session: AsyncSession, meter: Meter, balance: int, reason: str, now: int) -> Command:
    """Order the device of a meter to take a balance in: as credit, or, below zero, as accumulated debt."""
    pot = kinds.TOKEN_CREDIT if balance > 0 else kinds.ACCUMULATED_DEBT
    return await _adjust(session, meter, pot, abs(balance), reason, now)


async def _adjust(session: AsyncSession, meter: Meter, pot: int, amount: int, reason: str, now: int) -> Command:
    payload = documents.ADJUST_PAYLOAD.encode(channel=meter.channel, pot=pot, delta=amount)
    return await commands.queue_order(
        session,
        gateway_id=meter.gateway_id,
        kind=documents.COMMAND_ADJUST,
        payload=payload,
        channel=meter.channel,
        drn=meter.drn,
        reason=reason,
        now=now,
    )


async def recall(session: AsyncSession, meter: Meter, now: int) -> None:
    """End the commands of a meter that wait to be sent. Refused while one was sent: what it does is not known yet."""
    mine = (Command.gateway_id == meter.gateway_id, Command.drn == meter.drn, Command.expires_at > now)
    gateway = await session.get_one(Gateway, meter.gateway_id)
    present = (*mine, Command.epoch == gateway.epoch)
    if await session.scalar(select(Command.id).where(*present, Command.status == commands.SENT).limit(1)):
        wait = f"A command is on its way to meter {meter.drn}, so nobody knows where it stands"
        raise Conflict("command_on_way", f"{wait}; wait for its result, or for its end after a day.")
    waiting = update(Command).where(*present, Command.status == commands.QUEUED)
    ended = waiting.values(status=commands.SUPERSEDED, finished_at=now)
    await session.execute(ended.execution_options(synchronize_session=False))


async def left(session: AsyncSession, meter: Meter, final: Figures, now: int) -> tuple[Account, int]:
    """Return what left a meter, in the unit of the books, and the account that is debited with it.

    A device that speaks shows the adjustment, and that is posted as `granted` by itself; else it is taken out here.
    """
    unit, divisor = await measure(session, meter)
    if final.proof == LEDGER:
        return books.granted(meter.commodity, unit), final.balance // divisor
    held = await posting.hand_over(session, meter, now)
    source = books.meter_money(unit) if meter.account == "currency" else books.meter_credit(meter.commodity)
    return source, held // divisor


async def measure(session: AsyncSession, meter: Meter) -> tuple[str, int]:
    """Return the unit in which the books hold a meter's balance, and how many of the meter's own make one of it."""
    if meter.account != "currency":
        return books.UNITS[meter.commodity], 1
    currency = (await session.get_one(Tariff, meter.tariff_id)).currency
    return currency, int(10 ** (_ACCOUNT_DIGITS - minor_digits(currency)))


async def outstanding(session: AsyncSession, command_id: int | None, now: int) -> bool:
    """Tell whether a command was carried out, still can be, or may have been without our knowing."""
    command = await session.scalar(select(Command).where(Command.id == command_id))
    if command is None:
        return False
    waits = command.status in commands.OUTSTANDING and command.expires_at > now
    return waits or command.status == commands.APPLIED or await commands.may_still_show(session, command)
