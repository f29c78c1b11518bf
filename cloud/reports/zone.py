"""The civil days of a utility: its zone is that of the newest policy for all its meters."""

from sqlalchemy.ext.asyncio import AsyncSession

from cloud.meters import policies
from shared.civil import Zone
from shared.policy import decode_policy


async def zone_of(session: AsyncSession, utility_id: int) -> Zone:
    """Return the zone of a utility."""
    return Zone(await zone_data_of(session, utility_id))


async def zone_data_of(session: AsyncSession, utility_id: int) -> bytes:
    """Return its data in the form of shared.civil."""
    return bytes(decode_policy((await policies.latest(session, utility_id)).document).zone)
