"""What stands in the ledger's tables, read for tests."""

from sqlalchemy import select

from cloud.ledger.models import Case, LedgerEntry, LedgerHead, Quarantine, Verdict
from tests.fakes.device import Device
from tests.fakes.utility import Town


async def entries(town: Town, device: Device) -> list[LedgerEntry]:
    """Entries of the device's epoch in order."""
    mine = (LedgerEntry.gateway_id == device.gateway, LedgerEntry.epoch == device.epoch)
    async with town.database.read() as session:
        return list(await session.scalars(select(LedgerEntry).where(*mine).order_by(LedgerEntry.sequence)))


async def head(town: Town, device: Device) -> LedgerHead | None:
    """The head of the device's epoch."""
    async with town.database.read() as session:
        return await session.get(LedgerHead, (device.gateway, device.epoch))


async def verdicts(town: Town, device: Device) -> list[Verdict]:
    """Verdicts of the device's epoch in the order in which they were given."""
    mine = (Verdict.gateway_id == device.gateway, Verdict.epoch == device.epoch)
    async with town.database.read() as session:
        return list(await session.scalars(select(Verdict).where(*mine).order_by(Verdict.id)))


async def cases(town: Town, device: Device) -> list[Case]:
    """Cases of the gateway in the order in which they were opened."""
    async with town.database.read() as session:
        return list(await session.scalars(select(Case).where(Case.gateway_id == device.gateway).order_by(Case.id)))


async def quarantined(town: Town, device: Device) -> list[Quarantine]:
    """Messages of the gateway that were set aside."""
    mine = select(Quarantine).where(Quarantine.gateway_id == device.gateway).order_by(Quarantine.id)
    async with town.database.read() as session:
        return list(await session.scalars(mine))
