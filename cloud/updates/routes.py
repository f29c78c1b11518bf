"""The API of updates: releases with their images, and what runs where."""

import base64
import binascii
from typing import Annotated

from pydantic import BeforeValidator, Field, StringConstraints

from cloud.api.fields import Body, Page, PageQuery, View
from cloud.api.route import Call, Route
from cloud.errors import Conflict, Forbidden, NotFound, Refused
from cloud.keys import RELEASE_PUBLIC
from cloud.rows import page
from cloud.updates import releases, rollout_routes, rollouts
from cloud.updates.models import Release
from shared.update import Manifest, decode_manifest, version_text

_IMAGE_MAX = 4 * 1024 * 1024
_BODY_MAX = _IMAGE_MAX * 4 // 3 + 65536

Base64 = Annotated[str, StringConstraints(min_length=4, pattern=r"^[A-Za-z0-9+/]+={0,2}$")]


class NewRelease(Body):
    """A manifest with its signature, in base64, as `tools.release sign` wrote it."""

    manifest: Annotated[Base64, Field(max_length=2000)]
    notes: str = Field("", max_length=300, pattern=r"^[^\x00-\x1f\x7f]*$")


class NewImage(Body):
    """An image in base64; its hash says of which slot it is."""

    image: Annotated[Base64, Field(max_length=_IMAGE_MAX * 4 // 3 + 4)]


class ImageView(View):
    """What the manifest says about a slot, and whether its image is there."""

    slot: int
    size: int
    sha256: str
    uploaded: bool


class ReleaseView(View):
    """A release. Once a gateway has kept it, that takes nothing below `minimum`.

    `for_gateway` may go back to it, in its start `boot_nonce`.
    """

    id: int
    board: str
    version: str
    minimum: str
    notes: str
    images: list[ImageView]
    for_gateway: int | None
    boot_nonce: str | None
    added_by: str
    created_at: int
    withdrawn_at: int | None


def _hex(data: bytes | None) -> str | None:
    return None if data is None else data.hex()


class FirmwareView(View):
    """What a gateway runs, since when, its kind of board where it is known, and the nonce of its present start, for
    which a release may permit it to go back."""

    gateway_id: int
    version: Annotated[str, BeforeValidator(version_text)]
    board: str | None
    since: int
    boot_nonce: Annotated[str | None, BeforeValidator(_hex)]


def _view(release: Release, held: list[int]) -> ReleaseView:
    manifest: Manifest = decode_manifest(release.document)
    images = [
        ImageView(slot=slot, size=image.size, sha256=image.sha256.hex(), uploaded=slot in held)
        for slot, image in enumerate(manifest.images)
    ]
    return ReleaseView(
        id=release.id,
        board=release.board,
        version=version_text(release.version),
        minimum=version_text(release.minimum),
        notes=release.notes,
        images=images,
        for_gateway=manifest.gateway or None,
        boot_nonce=manifest.boot_nonce.hex() if manifest.gateway else None,
        added_by=release.added_by,
        created_at=release.created_at,
        withdrawn_at=release.withdrawn_at,
    )


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        raise Refused("base64_wrong", "This is no base64; encode the file as it is.") from None


async def add(call: Call[NewRelease, None]) -> ReleaseView:
    """Keep a release that the release key has signed."""
    signed = _decoded(call.body.manifest)
    async with call.begin() as session:
        public = call.app[RELEASE_PUBLIC]
        return _view(await releases.add(session, call.actor, public, signed, call.body.notes, call.now), [])


async def add_image(call: Call[NewImage, None]) -> ReleaseView:
    """Keep an image of a release; the same again changes nothing."""
    data = _decoded(call.body.image)
    async with call.begin() as session:
        release = await releases.add_image(session, call.actor, call.path["release"], data, call.now)
        return _view(release, (await releases.slots_held(session, [release.id]))[release.id])


async def withdraw(call: Call[None, None]) -> ReleaseView:
    """Let nobody be given a release any more; rollouts of it stop."""
    async with call.begin() as session:
        release = await releases.withdraw(session, call.actor, call.path["release"], call.now)
        return _view(release, (await releases.slots_held(session, [release.id]))[release.id])


async def one(call: Call[None, None]) -> ReleaseView:
    """Show a release."""
    async with call.read() as session:
        release = await releases.of_id(session, call.path["release"])
        return _view(release, (await releases.slots_held(session, [release.id]))[release.id])


async def list_releases(call: Call[None, PageQuery]) -> Page[ReleaseView]:
    """List the releases of all boards."""
    async with call.read() as session:
        rows = await releases.listed(session, call.query)
        held = await releases.slots_held(session, [row.id for row in rows])
    shown = rows[: call.query.limit]
    following = shown[-1].id if len(rows) > call.query.limit else None
    return Page[ReleaseView](items=[_view(row, held[row.id]) for row in shown], next=following)


async def list_firmware(call: Call[None, PageQuery]) -> Page[FirmwareView]:
    """List what runs on each gateway."""
    async with call.read() as session:
        rows = await rollouts.running_on(session, call.actor, call.query)
    return page(rows, FirmwareView, call.query, "gateway_id")


ROUTES = [
    Route(
        "POST", "/releases", add, "releases:write", ReleaseView,
        request=NewRelease, errors=(Conflict, Forbidden, Refused), status=201, tag="updates",
    ),
    Route("GET", "/releases", list_releases, "releases:read", Page[ReleaseView], query=PageQuery, tag="updates"),
    Route("GET", "/releases/{release}", one, "releases:read", ReleaseView, errors=(NotFound,), tag="updates"),
    Route(
        "POST", "/releases/{release}/images", add_image, "releases:write", ReleaseView,
        request=NewImage, errors=(Conflict, Forbidden, NotFound, Refused), body_limit=_BODY_MAX, tag="updates",
    ),
    Route(
        "POST", "/releases/{release}/withdraw", withdraw, "releases:write", ReleaseView,
        errors=(Forbidden, NotFound), tag="updates",
    ),
    Route("GET", "/firmware", list_firmware, "rollouts:read", Page[FirmwareView], query=PageQuery, tag="updates"),
    *rollout_routes.ROUTES,
]  # fmt: skip
