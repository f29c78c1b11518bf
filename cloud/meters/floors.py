"""Floors: the least supply that may be given. Their key lies elsewhere: a floor arrives signed and is checked here."""

from collections.abc import Sequence

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.api.fields import PageQuery
from cloud.audit import service as audit
from cloud.auth.actor import Actor
from cloud.errors import Conflict, NotFound, Refused
from cloud.meters.models import FloorDocument, Utility
from cloud.rows import insert, of_actor, rows_after
from shared.documents import split_signature
from shared.errors import SharedError
from shared.policy import FLOOR, Floor, decode_floor


async def add(session: AsyncSession, actor: Actor, signed: bytes, now: int) -> FloorDocument:
    """Keep a signed floor. Refused if it is none or its signature is not the utility's; Conflict below the latest."""
    document, signature, floor, utility_id = _read(signed)
    utility = await session.get(Utility, utility_id) if actor.may_see(utility_id) else None
    if utility is None:
        raise NotFound("utility_unknown", f"The floor is for utility {utility_id}, which there is not.")
    try:
        Ed25519PublicKey.from_public_bytes(utility.floor_public).verify(signature, document)
    except (InvalidSignature, ValueError):
        wrong = f"The signature is not of utility {utility_id}'s floor key; sign the document with that key."
        raise Refused("signature_wrong", wrong) from None
    before = await latest(session, utility_id)
    if before is not None and floor.version <= before.version:
        risen = f"Version {floor.version} is not above {before.version}, the latest; sign it with a higher one."
        raise Conflict("version_used", risen)
    row = FloorDocument(
        utility_id=utility_id,
        version=floor.version,
        check_value=floor.check,
        document=document,
        signature=signature,
        created_at=now,
    )
    await insert(session, row, Conflict("version_used", f"There is a floor {floor.version}; look at GET /floors."))
    detail = {"version": row.version, "check": row.check_value, "document": document.hex()}
    await audit.record(session, actor, "floor.add", f"floor:{row.id}", detail, utility_id=utility_id, now=now)
    return row


def _read(signed: bytes) -> tuple[bytes, bytes, Floor, int]:
    try:
        document, signature = split_signature(signed)
        return document, signature, decode_floor(document), int(FLOOR.decode(document)["utility"])
    except SharedError as error:
        raise Refused("floor_wrong", f"This is no signed floor: {error}.") from None


async def latest(session: AsyncSession, utility_id: int) -> FloorDocument | None:
    """The floor of the highest version; None where the utility has none."""
    mine = select(FloorDocument).where(FloorDocument.utility_id == utility_id)
    return await session.scalar(mine.order_by(FloorDocument.version.desc()).limit(1))


async def of_version(session: AsyncSession, utility_id: int, version: int) -> FloorDocument | None:
    """One floor."""
    mine = (FloorDocument.utility_id == utility_id, FloorDocument.version == version)
    return await session.scalar(select(FloorDocument).where(*mine))


async def listed(session: AsyncSession, actor: Actor, query: PageQuery) -> Sequence[FloorDocument]:
    """A page of the floors that the caller may see."""
    mine = of_actor(select(FloorDocument), actor, FloorDocument.utility_id)
    return await rows_after(session, mine, FloorDocument.id, query)
