"""Vending keys as rows: making one inside the key store, and listing what may be known of them."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.api.fields import PageQuery
from cloud.audit import service as audit
from cloud.auth.actor import Actor
from cloud.errors import Conflict, NotFound
from cloud.meters.models import Utility
from cloud.rows import insert, of_actor, rows_after
from cloud.vending.models import VendingKey
from cloud.vending.store import KeyStore


async def add(session: AsyncSession, key_store: KeyStore, actor: Actor, key: VendingKey) -> VendingKey:
    """Make a random vending key for a row without one; Conflict if its group and revision have one."""
    actor.require_utility(key.utility_id)
    if await session.get(Utility, key.utility_id) is None:
        raise NotFound("utility_unknown", f"There is no utility {key.utility_id}.")
    key.check_value = ""
    taken = f"SGC {key.sgc}, KRN {key.krn}, KT {key.kt} has a key; a new one needs another key revision."
    await insert(session, key, Conflict("vending_key_exists", taken))
    key.check_value = await key_store.make_vending_key(session, key, key.created_at)
    detail = {
        "sgc": key.sgc,
        "krn": key.krn,
        "kt": key.kt,
        "base_year": key.base_year,
        "ken": key.ken,
        "dkga": key.dkga,
        "ea": key.ea,
        "check_value": key.check_value,
    }
    await audit.record(
        session,
        actor,
        "vending-key.add",
        f"vending-key:{key.id}",
        detail,
        utility_id=key.utility_id,
        now=key.created_at,
    )
    return key


async def listed(session: AsyncSession, actor: Actor, query: PageQuery) -> Sequence[VendingKey]:
    """Return a page of the vending keys that the caller may know of."""
    return await rows_after(session, of_actor(select(VendingKey), actor, VendingKey.utility_id), VendingKey.id, query)
