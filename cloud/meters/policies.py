"""The policy that a utility's gateways are given at enrolment: signed once, kept, found again by its version."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.meters.models import PolicyDocument
from cloud.vending.store import COMMAND, KeyStore
from shared.policy import POLICY, POLICY_FIELDS, check_value, decode_policy, encode_fields

ALL_METERS = 0
_FIRST_VERSION = 1


async def add_first(session: AsyncSession, key_store: KeyStore, utility_id: int, now: int) -> PolicyDocument:
    """Sign and keep the first policy of a utility, with the defaults of every field."""
    document = POLICY.encode(
        utility=utility_id,
        meter_group=ALL_METERS,
        version=_FIRST_VERSION,
        valid_from_s=now,
        fields=encode_fields(POLICY_FIELDS, {}),
    )
    policy = PolicyDocument(
        utility_id=utility_id,
        meter_group=ALL_METERS,
        version=_FIRST_VERSION,
        check_value=check_value(document),
        document=document,
        signature=await key_store.sign(session, utility_id, COMMAND, document),
        created_at=now,
    )
    session.add(policy)
    return policy


async def latest(session: AsyncSession, utility_id: int) -> PolicyDocument:
    """Return the policy of the highest version for all meters of a utility; each utility has one from its start."""
    mine = select(PolicyDocument).where(
        PolicyDocument.utility_id == utility_id, PolicyDocument.meter_group == ALL_METERS
    )
    return (await session.scalars(mine.order_by(PolicyDocument.version.desc()).limit(1))).one()


async def max_meter_balance_ml(session: AsyncSession, utility_id: int) -> int:
    """Return the most that a meter's balance may be by the latest policy; no larger token would ever be accepted."""
    return decode_policy((await latest(session, utility_id)).document).max_meter_balance
