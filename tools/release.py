"""Releases of the firmware: makes the release key, signs what an image is, and says what a signature covers.

The private key stays in a file that its owner alone can read, on a machine that no gateway and no cloud can reach.
"""

import argparse
import hashlib
import os
import sys
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from shared.documents import split_signature
from shared.ed25519 import well_formed
from shared.errors import WireError
from shared.update import MANIFEST, Manifest, decode_manifest, version_number, version_text
from tools.slot_image import FLASH_START, HEADER, IMAGE_MAGIC, SLOTS_OFFSET

KEY_SIZE = 32
_OWNER_ONLY = 0o600
_NONCE_SIZE = 8
# Known to everybody: for boards on a desk. An image with its public key says so when it is built.
DEVELOPMENT_SEED = hashlib.sha256(b"Penstock development release key").digest()


class ReleaseError(Exception):
    """It cannot be done; the message is one line for the person at the keyboard."""


def main(arguments: list[str] | None = None) -> int:
    """Run one command; 0 when it was done."""
    options = _parser().parse_args(arguments)
    try:
        options.run(options)
    except (ReleaseError, OSError) as error:
        print(f"release: {error}", file=sys.stderr)
        return 1
    return 0


def keys(options: argparse.Namespace) -> None:
    """Make a key pair; a private key that is there already is never overwritten."""
    key = Ed25519PrivateKey.generate()
    handle = os.open(options.private, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _OWNER_ONLY)
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(key.private_bytes_raw().hex() + "\n")
    public = key.public_key().public_bytes_raw()
    options.public.write_text(public.hex() + "\n", encoding="ascii")
    print(f"release: the private key is in {options.private}; keep it off every network")
    print(f"release: the public key {public.hex()} is in {options.public}; build images with it")


def module(options: argparse.Namespace) -> None:
    """Write the Python module that an image carries its public key in."""
    public = public_key(options.public)
    text = f'"""The key that signs the releases that this image takes."""\n\nRELEASE_PUBLIC = {_literal(public)}\n'
    options.target.write_text(text, encoding="ascii")
    if public == development_key().public_key().public_bytes_raw():
        print("release: the image takes releases by the DEVELOPMENT key, which everybody knows")


def sign(options: argparse.Namespace) -> None:
    """Sign a manifest over one or two images, and say what it says."""
    key = development_key() if options.development else private_key(options.key)
    version, images = number(options.version), (options.a.read_bytes(), (options.b or options.a).read_bytes())
    check_images(images, version)
    data = signed(
        key,
        board=options.board,
        version=version,
        minimum=number(options.minimum or options.version),
        images=images,
        permitted=_permitted(options),
    )
    options.out.write_bytes(data)
    print_manifest(verified(data, key.public_key().public_bytes_raw()))


def check_images(images: tuple[bytes, bytes], version: int) -> None:
    """ReleaseError where an image for an RP2040 says itself that it is of another version or for the other slot."""
    for name, data in zip("ab", images, strict=True):
        if data.startswith(IMAGE_MAGIC) and len(data) > HEADER.size:
            _, _, address, built, _ = HEADER.unpack_from(data)
            if built != version:
                raise ReleaseError(f"image {name} is version {version_text(built)}, and not {version_text(version)}")
            if (address == FLASH_START + SLOTS_OFFSET) != (name == "a"):
                raise ReleaseError(f"image {name} is linked for the other slot; give each slot its own")


def _permitted(options: argparse.Namespace) -> tuple[int, bytes]:
    try:
        nonce = bytes.fromhex(options.boot_nonce)
    except ValueError:
        nonce = b""
    if not options.gateway and not options.boot_nonce:
        return 0, bytes(_NONCE_SIZE)
    if options.gateway < 1 or len(nonce) != _NONCE_SIZE:
        raise ReleaseError("a way back takes both: --gateway and, in 16 hexadecimal digits, the --boot-nonce it said")
    return options.gateway, nonce


def show(options: argparse.Namespace) -> None:
    """Verify a manifest and, where they are given, its images."""
    manifest = verified(options.manifest.read_bytes(), public_key(options.public))
    for name, image, path in zip("ab", manifest.images, (options.a, options.b), strict=True):
        if path is not None and hashlib.sha256(path.read_bytes()).digest() != image.sha256:
            raise ReleaseError(f"{path} is not image {name} of the manifest: its hash is another")
    print_manifest(manifest)


def signed(
    key: Ed25519PrivateKey,
    *,
    board: str,
    version: int,
    minimum: int,
    images: tuple[bytes, bytes],
    permitted: tuple[int, bytes] = (0, bytes(8)),
) -> bytes:
    """A manifest and its signature; ReleaseError when nobody would take it."""
    first, second = images
    try:
        document = MANIFEST.encode(
            board=board.encode(),
            version=version,
            minimum=minimum,
            gateway=permitted[0],
            boot_nonce=permitted[1],
            size_a=len(first),
            sha256_a=hashlib.sha256(first).digest(),
            size_b=len(second),
            sha256_b=hashlib.sha256(second).digest(),
        )
        decode_manifest(document)
    except WireError as error:
        raise ReleaseError(str(error)) from None
    return document + key.sign(document)


def verified(data: bytes, public: bytes) -> Manifest:
    """What a signed manifest says; ReleaseError when the key did not sign it."""
    try:
        document, signature = split_signature(data)
        manifest = decode_manifest(document)
    except WireError as error:
        raise ReleaseError(f"not a manifest: {error}") from None
    try:
        if not well_formed(public, signature):
            raise InvalidSignature
        Ed25519PublicKey.from_public_bytes(public).verify(signature, document)
    except InvalidSignature:
        raise ReleaseError("the manifest is not signed by this release key") from None
    return manifest


def print_manifest(manifest: Manifest) -> None:
    """What the signature covers, line by line."""
    print(f"board    {manifest.board}")
    print(f"version  {version_text(manifest.version)}, once kept nothing below {version_text(manifest.minimum)}")
    for name, image in zip("ab", manifest.images, strict=True):
        print(f"image {name}  {image.size} bytes, SHA-256 {image.sha256.hex()}")
    if manifest.gateway:
        print(f"permits  gateway {manifest.gateway} to go back, in its start {manifest.boot_nonce.hex()}")
    print(f"check    {manifest.check:08x}")


def development_key() -> Ed25519PrivateKey:
    """The key of boards on a desk."""
    return Ed25519PrivateKey.from_private_bytes(DEVELOPMENT_SEED)


def private_key(path: Path) -> Ed25519PrivateKey:
    """The private key in a file; ReleaseError when others can read it."""
    if path.stat().st_mode & 0o077:
        raise ReleaseError(f"{path} can be read by others: chmod 600 it, and think about who has")
    return Ed25519PrivateKey.from_private_bytes(_bytes_in(path, "private"))


def public_key(path: Path) -> bytes:
    """The 32 bytes of the public key in a file."""
    return _bytes_in(path, "public")


def number(text: str) -> int:
    """A version as a number."""
    try:
        return version_number(text)
    except ValueError as error:
        raise ReleaseError(str(error)) from None


def _bytes_in(path: Path, kind: str) -> bytes:
    try:
        data = bytes.fromhex(path.read_text(encoding="ascii").strip())
    except ValueError:
        data = b""
    if len(data) != KEY_SIZE:
        raise ReleaseError(f"{path} holds no {kind} key: it should be {2 * KEY_SIZE} hexadecimal digits")
    return data


def _literal(data: bytes) -> str:
    """A constant that the compiler of a board leaves in flash: bytes.fromhex() would be made in its heap."""
    return 'b"' + "".join(f"\\x{byte:02x}" for byte in data) + '"'


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tools.release", description=__doc__)
    commands = parser.add_subparsers(required=True)

    def command(name: str, run: object, *paths: str) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=str(getattr(run, "__doc__", "")))
        made.set_defaults(run=run)
        for path in paths:
            made.add_argument(path, type=Path)
        return made

    command("keys", keys, "private", "public")
    command("module", module, "public", "target")
    signing = command("sign", sign, "out")
    who = signing.add_mutually_exclusive_group(required=True)
    who.add_argument("--key", type=Path, help="the file of the private key")
    who.add_argument("--development", action="store_true", help="by the development key, which everybody knows")
    signing.add_argument("--board", required=True)
    signing.add_argument("--version", required=True, help="major.minor.patch, as the image says it")
    signing.add_argument("--minimum", help="nothing below it once this is kept; by default the version itself")
    signing.add_argument("--a", type=Path, required=True, help="the image of slot a")
    signing.add_argument("--b", type=Path, help="the image of slot b; by default that of a, where code runs anywhere")
    signing.add_argument("--gateway", type=int, default=0, help="permit this gateway to go back to this version")
    signing.add_argument("--boot-nonce", default="", help="in the start with this nonce, 16 hexadecimal digits")
    showing = command("show", show, "public", "manifest")
    showing.add_argument("--a", type=Path)
    showing.add_argument("--b", type=Path)
    return parser


if __name__ == "__main__":
    sys.exit(main())
