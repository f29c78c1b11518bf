"""Tariffs as classes of customers: making and listing them; nothing changes one."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.api.fields import PageQuery
from cloud.audit import service as audit
from cloud.auth.actor import Actor
from cloud.errors import Conflict, NotFound
from cloud.meters.models import Utility
from cloud.rows import insert, of_actor, rows_after
from cloud.tariffs import versions
from cloud.tariffs.models import Tariff
from cloud.tariffs.terms import flat


async def add(session: AsyncSession, actor: Actor, tariff: Tariff) -> Tariff:
    """Insert a class; Conflict if its utility has one of that name. A flat price in it is in force at once."""
    actor.require_utility(tariff.utility_id)
    if await session.get(Utility, tariff.utility_id) is None:
        raise NotFound("utility_unknown", f"There is no utility {tariff.utility_id}.")
    taken = f"Utility {tariff.utility_id} has a tariff {tariff.name}; tariffs do not change, so choose another name."
    await insert(session, tariff, Conflict("tariff_exists", taken))
    if tariff.price_minor_per_m3 is not None:
        await versions.begin(session, actor, tariff, flat(tariff.price_minor_per_m3), tariff.created_at)
    detail = {
        "name": tariff.name,
        "commodity": tariff.commodity,
        "currency": tariff.currency,
        "price_minor_per_m3": tariff.price_minor_per_m3,
    }
    await audit.record(
        session,
        actor,
        "tariff.add",
        f"tariff:{tariff.id}",
        detail,
        utility_id=tariff.utility_id,
        now=tariff.created_at,
    )
    return tariff


async def listed(session: AsyncSession, actor: Actor, query: PageQuery) -> Sequence[Tariff]:
    """Return a page of the tariffs that the caller may see."""
    return await rows_after(session, of_actor(select(Tariff), actor, Tariff.utility_id), Tariff.id, query)
