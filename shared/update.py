"""Updates of the firmware: the manifest that the release key signs, and how an image travels. Tables: shared/FORMAT.md.

A manifest says what an image is; a gateway asks for it chunk by chunk, and runs nothing whose whole hash is another.
"""

import hashlib

from shared.compat import const
from shared.errors import WireError
from shared.wire import Layout

CHUNK_SIZE = const(2048)  # two make a block of flash
REQUEST_CHUNKS_MAX = const(16)
IMAGE_ID_SIZE = const(8)
SLOTS = const(2)

MANIFEST = Layout(
    b"PSupman1",
    (
        ("board", "v2"),
        ("version", "u4"),
        ("minimum", "u4"),
        ("gateway", "u4"),
        ("boot_nonce", "b8"),
        ("size_a", "u4"),
        ("sha256_a", "b32"),
        ("size_b", "u4"),
        ("sha256_b", "b32"),
    ),
)
REQUEST = Layout(
    b"PSupreq1",
    (("utility", "u4"), ("gateway", "u4"), ("epoch", "u2"), ("image", "b8"), ("offset", "u4"), ("count", "u1")),
)
CHUNK = Layout(b"PSupchk1", (("image", "b8"), ("offset", "u4"), ("data", "v2")))
_BOARD_MAX = const(32)


class Image:
    """What runs in one slot: `size` in bytes, `sha256` (32 bytes), and `id`, the first eight of them."""

    __slots__ = ("id", "sha256", "size")

    def __init__(self, size: int, sha256: bytes):
        self.size = size
        self.sha256 = sha256
        self.id = sha256[:IMAGE_ID_SIZE]


class Manifest:
    """A release for one kind of board. `images` by slot; `check` names it in entries.

    Once it is kept, nothing below `minimum` is taken. `gateway` and `boot_nonce` permit one start of one gateway to go
    back to it; 0: nobody may.
    """

    __slots__ = ("board", "boot_nonce", "check", "gateway", "images", "minimum", "version")

    def __init__(
        self,
        board: str,
        version: int,
        minimum: int,
        permitted: "tuple[int, bytes]",
        images: "tuple[Image, Image]",
        check: int,
    ):
        self.board = board
        self.version = version
        self.minimum = minimum
        self.gateway, self.boot_nonce = permitted
        self.images = images
        self.check = check


def decode_manifest(document: bytes) -> Manifest:
    """A manifest without its signature; WireError names what no manifest says."""
    fields = MANIFEST.decode(document)
    if not 0 < len(fields["board"]) <= _BOARD_MAX or not _is_name(fields["board"]):
        raise WireError(f"board: a name has 1..{_BOARD_MAX} letters, digits or underscores")
    if not fields["version"] or fields["minimum"] > fields["version"]:
        raise WireError(f"version: {fields['version']} is 0 or below the minimum {fields['minimum']}")
    if not fields["size_a"] or not fields["size_b"]:
        raise WireError("size: an image has at least one byte")
    images = (Image(fields["size_a"], fields["sha256_a"]), Image(fields["size_b"], fields["sha256_b"]))
    permitted = (fields["gateway"], fields["boot_nonce"])
    check = int.from_bytes(hashlib.sha256(document).digest()[:4], "big")
    return Manifest(fields["board"].decode(), fields["version"], fields["minimum"], permitted, images, check)


def _is_name(text: bytes) -> bool:
    return all(48 <= c <= 57 or 97 <= c <= 122 or 65 <= c <= 90 or c == 95 for c in text)


def version_text(version: int) -> str:
    """A version as people write it: major.minor.patch."""
    return f"{version >> 24}.{version >> 16 & 255}.{version & 65535}"


def version_number(text: str) -> int:
    """The number of a version; ValueError when it is not three numbers with dots between."""
    parts = text.split(".")
    if len(parts) != 3 or not all(part.isdigit() for part in parts):
        raise ValueError(f"a version is major.minor.patch, not {text}")
    major, minor, patch = [int(part) for part in parts]
    if major > 255 or minor > 255 or patch > 65535:
        raise ValueError(f"a version is at most 255.255.65535, not {text}")
    return major << 24 | minor << 16 | patch
