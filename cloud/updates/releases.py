"""Releases: the cloud keeps what the release key signed and serves it. It can verify a release, and make none."""

import hashlib
from collections.abc import Sequence

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.api.fields import PageQuery
from cloud.audit import service as audit
from cloud.auth.actor import Actor
from cloud.errors import Conflict, NotFound, Refused
from cloud.rows import insert, rows_after
from cloud.updates import progress
from cloud.updates.models import BLOCK_SIZE, ImageBlock, Release, ReleaseImage
from shared.documents import split_signature
from shared.ed25519 import well_formed
from shared.errors import SharedError
from shared.update import CHUNK, CHUNK_SIZE, SLOTS, Image, Manifest, decode_manifest, version_text


async def add(
    session: AsyncSession, actor: Actor, release_public: bytes | None, signed: bytes, notes: str, now: int
) -> Release:
    """Keep a signed manifest. Refused if it is none or not signed by the release key."""
    actor.require_all_utilities()
    document, signature, manifest = _read(signed)
    if release_public is None:
        raise Refused("release_key_missing", "No release key is set; give PENSTOCK_RELEASE_KEY_FILE its public key.")
    if not _is_signed(release_public, document, signature):
        raise Refused("signature_wrong", "The signature is not of the release key; sign the manifest with that key.")
    row = Release(
        board=manifest.board,
        version=manifest.version,
        minimum=manifest.minimum,
        check_value=manifest.check,
        document=document,
        signature=signature,
        notes=notes,
        added_by=actor.label,
        created_at=now,
    )
    named = f"release {version_text(manifest.version)} for {manifest.board}"
    await insert(session, row, Conflict("release_known", f"This {named} is there already; look at GET /releases."))
    detail = {"board": row.board, "version": version_text(row.version), "document": document.hex()}
    await audit.record(session, actor, "release.add", f"release:{row.id}", detail, utility_id=None, now=now)
    return row


def _read(signed: bytes) -> tuple[bytes, bytes, Manifest]:
    try:
        document, signature = split_signature(signed)
        return document, signature, decode_manifest(document)
    except SharedError as error:
        raise Refused("manifest_wrong", f"This is no signed manifest: {error}.") from None


def _is_signed(public: bytes, document: bytes, signature: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, document)
    except (InvalidSignature, ValueError):
        return False
    return well_formed(public, signature)


async def add_image(session: AsyncSession, actor: Actor, release_id: int, data: bytes, now: int) -> Release:
    """Keep an image of a release, for each slot whose it is; Refused if it is none of the manifest's."""
    actor.require_all_utilities()
    release = await of_id(session, release_id)
    sha256 = hashlib.sha256(data).digest()
    slots = [slot for slot, image in enumerate(images_of(release)) if (image.size, image.sha256) == (len(data), sha256)]
    if not slots:
        raise Refused("image_wrong", "Size and SHA-256 are those of no image that the manifest names.")
    held = await slots_held(session, [release_id])
    for slot in slots:
        if slot in held[release_id]:
            continue
        image = ReleaseImage(release_id=release_id, slot=slot, image_id=sha256[:8], size=len(data))
        await insert(session, image, Conflict("image_known", "Somebody else is giving this image; look again."))
        session.add_all(
            ImageBlock(image_row=image.id, number=at // BLOCK_SIZE, data=data[at : at + BLOCK_SIZE])
            for at in range(0, len(data), BLOCK_SIZE)
        )
    detail = {"sha256": sha256.hex(), "slots": slots}
    await audit.record(session, actor, "release.image", f"release:{release_id}", detail, utility_id=None, now=now)
    await session.flush()
    return release


async def withdraw(session: AsyncSession, actor: Actor, release_id: int, now: int) -> Release:
    """Nobody is given it any more: no rollout begins with it, and those that run or are paused stop."""
    actor.require_all_utilities()
    release = await of_id(session, release_id)
    if release.withdrawn_at is None:
        release.withdrawn_at = now
        await audit.record(session, actor, "release.withdraw", f"release:{release_id}", {}, utility_id=None, now=now)
        await session.flush()
    return release


def images_of(release: Release) -> tuple[Image, Image]:
    """What its manifest says about the image of each slot."""
    manifest: Manifest = decode_manifest(release.document)
    return manifest.images


async def of_id(session: AsyncSession, release_id: int) -> Release:
    """One release; NotFound if there is none."""
    release = await session.get(Release, release_id)
    if release is None:
        raise NotFound("release_unknown", f"There is no release {release_id}.")
    return release


async def is_whole(session: AsyncSession, release_id: int) -> bool:
    """Tell whether the images of both slots are there."""
    return len((await slots_held(session, [release_id]))[release_id]) == SLOTS


async def slots_held(session: AsyncSession, releases: Sequence[int]) -> dict[int, list[int]]:
    """The slots of each release whose image is there."""
    found = select(ReleaseImage.release_id, ReleaseImage.slot).where(ReleaseImage.release_id.in_(releases))
    held: dict[int, list[int]] = {release: [] for release in releases}
    for release_id, slot in (await session.execute(found.order_by(ReleaseImage.slot))).all():
        held[release_id].append(slot)
    return held


async def listed(session: AsyncSession, query: PageQuery) -> Sequence[Release]:
    """A page of all releases."""
    return await rows_after(session, select(Release), Release.id, query)


async def serve(
    session: AsyncSession, gateway_id: int, image_id: bytes, offset: int, count: int, now: int
) -> list[bytes]:
    """The chunks of an image from an offset on, as documents for a gateway; none where there is no such image."""
    image = await session.scalar(select(ReleaseImage).where(ReleaseImage.image_id == image_id).limit(1))
    if image is None or offset % CHUNK_SIZE:
        return []
    end = min(offset + count * CHUNK_SIZE, image.size)
    if end == image.size:
        await progress.loaded(session, gateway_id, now)
    first, last = offset // BLOCK_SIZE, (end - 1) // BLOCK_SIZE
    wanted = (ImageBlock.image_row == image.id, ImageBlock.number >= first, ImageBlock.number <= last)
    rows = await session.scalars(select(ImageBlock.data).where(*wanted).order_by(ImageBlock.number))
    data = b"".join(rows)
    base = first * BLOCK_SIZE
    return [
        CHUNK.encode(image=image_id, offset=at, data=data[at - base : min(at + CHUNK_SIZE, end) - base])
        for at in range(offset, end, CHUNK_SIZE)
    ]
