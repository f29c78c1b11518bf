"""Enrolment on the device: it makes its own keys, proves them, opens the bundle that only it can read, begins an epoch.

Every step can be repeated after a power cut: the settings are written in one step, the epoch begins with one group.
The installer's tool runs `on_board()` on the board; each of its steps prints one line that begins with its name.
"""

import hashlib

from firmware import opening
from firmware import settings as config
from firmware.epoch import BEGUN, EnrolError, begin_epoch, in_force, open_store
from firmware.ledger.store import marked_in
from shared import documents, ed25519, x25519
from shared.entries import HASH_SIZE
from shared.errors import SharedError
from shared.policy import POLICY
from shared.seal import open_sealed
from shared.sha512 import sha512
from shared.tariff import TARIFF
from shared.wire import TAG_SIZE

_RANDOM_SIZE = 64
_NAMES = {POLICY.tag: "policy", TARIFF.tag: "tariff"}


def identity(flash, random, entropy: bytes = b"", chip_id: bytes = b"", renew: bool = False) -> config.Identity:
    """The key pairs to enrol with, from the chip's random bytes, the installer's and the chip's number.

    Made at the first call. `renew` makes new ones for a new epoch, beside those in force until its bundle is installed.
    """
    known = config.offered_identity(flash)
    in_force = config.load_identity(flash)
    if in_force is None:
        spent = flash.has(BEGUN)  # keys or settings of an epoch that began are lost
    else:
        spent = known is not None and in_force.device_public == known.device_public
    if known is not None and not (renew and spent):
        return known
    both = sha512(b"PSkeygen", random(_RANDOM_SIZE), entropy, chip_id)
    seed, secret = both[:32], hashlib.sha256(both[32:]).digest()
    made = config.Identity(seed, ed25519.public_key(seed), secret, x25519.public_key(secret))
    config.offer_identity(flash, made)
    return made


def answer(flash, challenge: bytes, utility: int, gateway: int) -> bytes:
    """The signature (64 bytes) over the proof that this device holds its keys. EnrolError before identity()."""
    own = _need_identity(flash)
    proof = documents.ENROL.encode(
        utility=utility,
        gateway=gateway,
        device_public=own.device_public,
        seal_public=own.seal_public,
        challenge=challenge,
    )
    return ed25519.sign(own.device_seed, proof)


def install(flash, sealed: bytes, meters_max: int = config.CHANNELS) -> config.Settings:
    """Open, check and store the sealed bundle, then begin its epoch. `meters_max`: the board has channels for so many.

    EnrolError, SealError or WireError: it is not for this gateway, not genuine, or of an epoch that is over.
    """
    own = _need_identity(flash)
    outer = documents.SEALED.decode(sealed)
    who = {name: outer[name] for name in ("utility", "gateway", "epoch")}
    context = documents.SEAL_CONTEXT.encode(**who)
    bundle = open_sealed(own.seal_secret, own.seal_public, context, outer["box"])
    fields = documents.BUNDLE.decode(bundle)
    for name, value in who.items():
        if fields[name] != value:
            raise EnrolError("the bundle's {} is not that of its envelope".format(name))
    settings = config.Settings(bundle)
    if max(settings.meters) >= meters_max:
        text = "the bundle has a meter on channel {} and this board has channels for {}; move it to another gateway"
        raise EnrolError(text.format(max(settings.meters), meters_max))
    check_documents(settings)
    return store_bundle(flash, bundle)


def check_documents(settings: config.Settings) -> None:
    """EnrolError unless each document is the utility's and signed by the key in the bundle, and no meter lacks one."""
    for data in settings.documents:
        name = _NAMES.get(documents.tag_of(data))
        if name is None:
            raise EnrolError("the bundle holds a document that this firmware does not know; update it first")
        _check_signed(name, data, settings.command_public, settings.utility)
    if settings.floor_document:
        _check_signed("floor", settings.floor_document, settings.floor_public, settings.utility)
    settings.floor()
    opening.check(settings)


def store_bundle(flash, bundle: bytes) -> config.Settings:
    """Put a checked bundle in force. The same bundle again is harmless; EnrolError for an epoch that is not newer."""
    before = _last_epoch(flash)
    own = _need_identity(flash)
    if before is None:
        config.save(flash, bundle, own, 0, bytes(HASH_SIZE))
    elif config.Settings(bundle).epoch > before:
        config.save(flash, bundle, own, before, _last_head(flash, before))
    elif not config.holds(flash, bundle):
        raise EnrolError("epoch {} is in force; ask for a bundle with a newer one".format(before))
    settings, own = in_force(flash)
    begin_epoch(flash, settings, own)
    return settings


def _last_epoch(flash):
    """The epoch before the one to come, also where its settings are damaged; None before the first."""
    try:
        before = config.load(flash)
        return None if before is None else before.epoch
    except SharedError:
        return int.from_bytes(flash.read(BEGUN), "big") if flash.has(BEGUN) else None


def _last_head(flash, epoch):
    """The front of the head that an epoch ended on, as its high-water mark knows it; its keys may be lost."""
    marked = marked_in(flash, epoch)
    if marked is not None:
        return marked[1][:HASH_SIZE]
    try:
        return open_store(flash, *in_force(flash)).head[:HASH_SIZE]
    except SharedError:
        return bytes(HASH_SIZE)


def _check_signed(name, data, public, utility):
    document, signature = documents.split_signature(data)
    if not ed25519.verify(public, document, signature):
        raise EnrolError("the {} is not signed by the key in the bundle".format(name))
    if int.from_bytes(document[TAG_SIZE : TAG_SIZE + 4], "big") != utility:
        raise EnrolError("the {} is another utility's".format(name))


class OnBoard:
    """The steps of an installer, with bytes in hexadecimal."""

    def __init__(self, flash, random, chip_id: bytes, board: str, meters_max: int) -> None:
        self._flash = flash
        self._random = random
        self._chip_id = chip_id
        self._board = board
        self._meters_max = meters_max

    def identity(self, entropy: str = "", renew: bool = False) -> None:
        """Prints `identity`, the public signing key, the public sealing key, the chip's number, the kind of board, and
        the epoch in force, 0 for none."""
        epoch = _last_epoch(self._flash) or 0
        own = identity(self._flash, self._random, bytes.fromhex(entropy), self._chip_id, renew)
        keys = own.device_public.hex(), own.seal_public.hex()
        print("identity", keys[0], keys[1], self._chip_id.hex() or "00", self._board, epoch)

    def answer(self, utility: int, gateway: int, challenge: str) -> None:
        """Prints `answer` and the signature over the proof."""
        print("answer", answer(self._flash, bytes.fromhex(challenge), utility, gateway).hex())

    def install(self, bundle: str) -> None:
        """Prints `install` and the epoch that began."""
        print("install", install(self._flash, bytes.fromhex(bundle), self._meters_max).epoch)


def on_board() -> OnBoard:
    """The steps on the flash of the board that this runs on."""
    import os

    import board

    from firmware.drivers import system
    from firmware.drivers.flash import Flash

    flash = Flash(board.FLASH_DIRECTORY, board.FLASH_CAPACITY_BYTES)
    return OnBoard(flash, os.urandom, system.unique_id(), board.BOARD, board.MAX_METERS)


def _need_identity(flash):
    own = config.offered_identity(flash)
    if own is None:
        raise EnrolError("the gateway has no keys yet; run identity first")
    return own
