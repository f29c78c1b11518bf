"""Vending keys as rows: making one inside the key store, and listing what may be known of them."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.api.fields import PageQuery
from cloud.audit import service as audit
from cloud.auth.actor import Actor
from cloud.errors import Conflict, NotFound, Refused
from cloud.meters.models import Utility
from cloud.rows import insert, of_actor, rows_after
from cloud.vending import sts
from cloud.vending.models import VendingKey
from cloud.vending.store import KeyStore

_REFUSED_TYPES = {
    0: "an initialisation key belongs to the maker of the meter and takes no credit",
    3: "the sources of the standard disagree on how a common key is derived",
}


async def add(session: AsyncSession, key_store: KeyStore, actor: Actor, key: VendingKey) -> VendingKey:
    """Make a random vending key for a row without one; Conflict if its group and revision have one.

    Refused for a key type or a pair of algorithms that is not served, with the reason.
    """
    actor.require_utility(key.utility_id)
    _check_type(key.kt)
    _check_algorithms(key.ea, key.dkga)
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


async def find(session: AsyncSession, utility_id: int, sgc: str, krn: int, kt: int) -> VendingKey:
    """Return the vending key of a supply group, revision and type; NotFound if there is none."""
    found = select(VendingKey).where(
        VendingKey.utility_id == utility_id, VendingKey.sgc == sgc, VendingKey.krn == krn, VendingKey.kt == kt
    )
    key = await session.scalar(found)
    if key is None:
        missing = f"There is no vending key for SGC {sgc}, KRN {krn}, KT {kt}; make it with POST /vending-keys."
        raise NotFound("vending_key_unknown", missing)
    return key


def _check_type(kt: int) -> None:
    if kt in _REFUSED_TYPES:
        raise Refused("key_type", f"KT {kt} is refused: {_REFUSED_TYPES[kt]}; use 2, unique, or 1, default.")


def _check_algorithms(ea: int, dkga: int) -> None:
    if (ea, dkga) not in sts.ALGORITHMS:
        served = ", ".join(f"EA {ea:02d} with DKGA {dkga:02d}" for ea, dkga in sorted(sts.ALGORITHMS))
        raise Refused("algorithms", f"EA {ea:02d} with DKGA {dkga:02d} is not served; there are {served}.")


async def listed(session: AsyncSession, actor: Actor, query: PageQuery) -> Sequence[VendingKey]:
    """Return a page of the vending keys that the caller may know of."""
    return await rows_after(session, of_actor(select(VendingKey), actor, VendingKey.utility_id), VendingKey.id, query)
