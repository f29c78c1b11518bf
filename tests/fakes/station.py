"""A gateway that can be updated, and the cloud that serves it an image and acknowledges its ledger."""

import hashlib

from shared import documents, ed25519
from shared.slices import finish
from shared.update import CHUNK, CHUNK_SIZE, MANIFEST, REQUEST
from tests.fakes.flash import Flash
from tests.fakes.house import GATEWAY, LINK_KEY, UTILITY, House
from tests.fakes.slots import Chip, image_of

RELEASE_SEED = bytes(range(96, 128))
RELEASE_PUBLIC = ed25519.public_key(RELEASE_SEED)
BOARD = "fake"
OLD, NEW = 0x00010000, 0x00010001


class Supply:
    """Counts what is written to any flash of a board over all of its starts, and is cut once, at write `cut_at`.

    Of that write the half is done when `torn`, else nothing.
    """

    def __init__(self, cut_at: int = 0, torn: bool = False) -> None:
        self.cut_at = cut_at
        self.torn = torn
        self.writes = 0


class SuppliedFlash(Flash):
    """A flash on such a supply, with the files of another."""

    def __init__(self, supply: Supply, files) -> None:
        super().__init__()
        self._supply = supply
        self.files = dict(files)

    def after_reboot(self) -> "SuppliedFlash":
        return SuppliedFlash(self._supply, self.files)

    def _spend(self, size):
        supply = self._supply
        supply.writes += 1
        if supply.writes != supply.cut_at:
            return size
        return size // 2 if supply.torn else 0


class Reset(BaseException):
    """The gateway started its board afresh."""


def signed_manifest(image: bytes, seed: bytes = RELEASE_SEED, **changes) -> bytes:
    """A signed manifest of one image for both slots; `changes` go into its fields."""
    fields = {
        "board": BOARD.encode(),
        "version": int.from_bytes(image[:4], "big"),
        "minimum": 0,
        "gateway": 0,
        "boot_nonce": bytes(8),
        "size_a": len(image),
        "sha256_a": hashlib.sha256(image).digest(),
        "size_b": len(image),
        "sha256_b": hashlib.sha256(image).digest(),
    }
    fields.update(changes)
    document = MANIFEST.encode(**fields)
    return document + ed25519.sign(seed, document)


class Station(House):
    """A House whose code lies in the slots of a chip; what runs is the version of the slot that the loader chose.

    `cloud_is_up`: batches are acknowledged. `broken`: versions that find themselves unfit; `dead`: that do not start.
    """

    def __init__(self, chip: "Chip | None" = None, flash=None, **changes) -> None:
        self.chip = chip
        self.cloud_is_up = True
        self.broken = ()
        self.dead = ()
        self.asked = []
        super().__init__(flash=flash, **changes)

    def start(self) -> None:
        if self.chip is None:
            self.chip = Chip(self.flash, image_of(OLD))
        self.chip.power = self.flash
        self.slots = self.chip.boot()
        while self.slots.version() in self.dead:
            self.slots = self.chip.boot()
        self.gateway_options = {"firmware": self.slots.version()}
        super().start()
        self.gateway.attach_updates(self.slots, BOARD, RELEASE_PUBLIC, self._self_check, self._reset)

    @property
    def version(self) -> int:
        """What runs."""
        return self.gateway.core.firmware

    def update_command(self, payload: bytes, **changes) -> bytes:
        return self.command(documents.COMMAND_UPDATE, payload, **changes)

    def run(self, image: bytes, seconds: int = 60) -> None:
        """Live with a cloud that has this image; starts over where the gateway resets its board."""
        end = seconds
        while end > 0:
            end -= 1
            try:
                self.exchange(image)
                self.step(1, 500)
            except Reset:
                self.reboot()

    def exchange(self, image: bytes) -> None:
        """What goes over the link in a second: hello, batches, and the chunks that are asked for."""
        if not self.cloud_is_up:
            return
        self.trust_time()
        self.acknowledge_all()
        asked = self.gateway.messages.update_request(self.now_ms)
        if asked:
            self.answer(REQUEST.decode(documents.without_mac(LINK_KEY, asked)), image)

    def answer(self, request, image: bytes) -> None:
        """Send the chunks that were asked for."""
        self.asked.append((request["offset"], request["count"]))
        for i in range(request["count"]):
            offset = request["offset"] + i * CHUNK_SIZE
            self.receive(CHUNK.encode(image=request["image"], offset=offset, data=image[offset : offset + CHUNK_SIZE]))

    def acknowledge_all(self) -> None:
        """A hello, and each batch is acknowledged."""
        messages = self.gateway.messages
        hello = documents.HELLO.decode(documents.without_mac(LINK_KEY, messages.hello()))
        held = messages.outbox.acknowledged
        self.receive(_ack(held, self.gateway.core.store.head_at(held), hello["nonce"]))
        data = finish(messages.batch_steps())
        while data:
            fields = documents.parse_batch(data).fields
            self.receive(_ack(fields["last"], fields["head"], fields["nonce"]))
            data = finish(messages.batch_steps())

    def _self_check(self):
        return "a driver is missing" if self.version in self.broken else ""

    def _reset(self, reason):
        self.reason = reason
        raise Reset


def _ack(sequence, head, nonce):
    who = {"utility": UTILITY, "gateway": GATEWAY, "epoch": 1}
    return documents.with_mac(LINK_KEY, documents.ACK.encode(sequence=sequence, head=head, nonce=nonce, **who))
