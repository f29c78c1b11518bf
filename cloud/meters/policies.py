"""The policies of a utility, one line of versions for each meter group: signed once, kept, found by their version."""

import functools
from collections.abc import Sequence
from typing import Any

from sqlalchemy import ScalarSelect, select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.api.fields import PageQuery
from cloud.audit import service as audit
from cloud.auth.actor import Actor
from cloud.errors import Conflict, NotFound, Refused
from cloud.meters.models import PolicyDocument, Utility
from cloud.rows import insert, of_actor, rows_after
from cloud.vending.store import COMMAND, KeyStore
from shared.errors import SharedError
from shared.policy import POLICY, POLICY_FIELDS, Policy, check_value, decode_policy, encode_fields

ALL_METERS = 0
_FIRST_VERSION = 1


async def add_first(session: AsyncSession, key_store: KeyStore, utility_id: int, now: int) -> PolicyDocument:
    """Sign and keep the first policy of a utility, with the defaults of every field."""
    policy = await _signed(session, key_store, utility_id, ALL_METERS, _FIRST_VERSION, {}, now)
    session.add(policy)
    return policy


async def add(
    session: AsyncSession,
    key_store: KeyStore,
    actor: Actor,
    utility_id: int,
    meter_group: int,
    values: dict[str, Any],
    now: int,
) -> PolicyDocument:
    """Sign and keep the next policy of a group; `values` as in POLICY_FIELDS, what is left out is at its default."""
    actor.require_utility(utility_id)
    if await session.get(Utility, utility_id, with_for_update=True) is None:
        raise NotFound("utility_unknown", f"There is no utility {utility_id}.")
    before = await latest_of(session, utility_id, meter_group)
    version = before.version + 1 if before is not None else _FIRST_VERSION
    try:
        row = await _signed(session, key_store, utility_id, meter_group, version, values, now)
        decode_policy(row.document)
    except SharedError as error:
        raise Refused("policy_wrong", f"This is no policy: {error}.") from None
    await insert(session, row, Conflict("version_used", "Another policy was made meanwhile; send it again."))
    detail = {"group": meter_group, "version": version, "check": row.check_value, "document": row.document.hex()}
    await audit.record(session, actor, "policy.add", f"policy:{row.id}", detail, utility_id=utility_id, now=now)
    return row


async def _signed(
    session: AsyncSession,
    key_store: KeyStore,
    utility_id: int,
    meter_group: int,
    version: int,
    values: dict[str, Any],
    now: int,
) -> PolicyDocument:
    document = POLICY.encode(
        utility=utility_id,
        meter_group=meter_group,
        version=version,
        valid_from_s=now,
        fields=encode_fields(POLICY_FIELDS, values),
    )
    return PolicyDocument(
        utility_id=utility_id,
        meter_group=meter_group,
        version=version,
        check_value=check_value(document),
        document=document,
        signature=await key_store.sign(session, utility_id, COMMAND, document),
        created_at=now,
    )


async def latest(session: AsyncSession, utility_id: int) -> PolicyDocument:
    """Return the policy of the highest version for all meters of a utility; each utility has one from its start."""
    found = await latest_of(session, utility_id, ALL_METERS)
    assert found is not None, "a utility is made with its first policy"
    return found


async def latest_of(session: AsyncSession, utility_id: int, meter_group: int) -> PolicyDocument | None:
    """The policy of the highest version of one group; None while it goes by that for all meters."""
    mine = (PolicyDocument.utility_id == utility_id, PolicyDocument.meter_group == meter_group)
    return await session.scalar(select(PolicyDocument).where(*mine).order_by(PolicyDocument.version.desc()).limit(1))


def newest_id(utility_id: Any) -> ScalarSelect[int]:
    """The number of the policy that `latest` returns, for a statement that has a utility's number in a column."""
    mine = select(PolicyDocument.id).where(PolicyDocument.utility_id == utility_id)
    mine = mine.where(PolicyDocument.meter_group == ALL_METERS)
    return mine.order_by(PolicyDocument.version.desc()).limit(1).scalar_subquery()


def decoded(row: PolicyDocument) -> Policy:
    """What a policy says; it never changes, so it is read once. Its fields are not to be written."""
    return _decoded(row.document)


@functools.lru_cache(maxsize=256)
def _decoded(document: bytes) -> Policy:
    return decode_policy(document)


async def of_version(session: AsyncSession, utility_id: int, meter_group: int, version: int) -> PolicyDocument | None:
    """One policy."""
    mine = (PolicyDocument.utility_id == utility_id, PolicyDocument.meter_group == meter_group)
    return await session.scalar(select(PolicyDocument).where(*mine, PolicyDocument.version == version))


async def listed(session: AsyncSession, actor: Actor, query: PageQuery) -> Sequence[PolicyDocument]:
    """A page of the policies that the caller may see."""
    mine = of_actor(select(PolicyDocument), actor, PolicyDocument.utility_id)
    return await rows_after(session, mine, PolicyDocument.id, query)
