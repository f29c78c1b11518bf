"""Uplink messages before anything is stored: which gateway, which document, and whether its author is who it says.

Pure: keys come in as arguments. Every refusal has a code for programs and one line for people.
"""

from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from shared import documents, readings
from shared.documents import BATCH, HELLO, MESSAGE_MAX, READINGS, READINGS_ACK, Batch
from shared.ed25519 import well_formed
from shared.entries import Entry, decode
from shared.errors import SharedError
from shared.update import CHUNK_SIZE, REQUEST, REQUEST_CHUNKS_MAX
from shared.wire import Layout

MALFORMED = "malformed"
UNKNOWN_GATEWAY = "unknown gateway"
BAD_SIGNATURE = "bad signature"
WRONG_EPOCH = "wrong epoch"
UNREADABLE_ENTRY = "unreadable entry"
WRONG_HEAD = "wrong head"
CONFLICT = "conflict"
FROZEN = "frozen"
INTERNAL = "internal"


class Refusal(Exception):
    """A message that is set aside; `is_case` tells whether a person must look at it."""

    def __init__(self, code: str, reason: str, is_case: bool = False) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason
        self.is_case = is_case


@dataclass(frozen=True)
class Message:
    """What arrived on `gw.<gateway>.up`, and when the broker took it (seconds since 1970)."""

    gateway: int
    data: bytes
    arrived_at: int


@dataclass(frozen=True)
class Author:
    """The gateway as it is enrolled: `device_public` and `link_key` (32 bytes each) belong to `epoch`."""

    utility: int
    gateway: int
    epoch: int
    device_public: bytes
    link_key: bytes


@dataclass(frozen=True)
class SignedBatch:
    """A batch whose signature is right, with its entries decoded."""

    author: Author
    batch: Batch
    entries: list[Entry]


@dataclass(frozen=True)
class Hello:
    """A hello whose authentication code is right."""

    author: Author
    fields: dict[str, int | bytes]

    def number(self, name: str) -> int:
        """Return an integer field."""
        value = self.fields[name]
        assert isinstance(value, int)
        return value

    def octets(self, name: str) -> bytes:
        """Return a field of bytes."""
        value = self.fields[name]
        assert isinstance(value, bytes)
        return value


@dataclass(frozen=True)
class Readings:
    """Hourly readings whose authentication code is right: each record with the bytes it came in."""

    author: Author
    segment: int
    nonce: bytes
    records: list[tuple[readings.Reading, bytes]]


@dataclass(frozen=True)
class ImageRequest:
    """A gateway asks for `count` chunks of an image (the front of its hash) from an offset on; its code is right."""

    author: Author
    image: bytes
    offset: int
    count: int


Document = SignedBatch | Hello | Readings | ImageRequest


def authenticate(message: Message, author: Author | None) -> Document:
    """Return the document behind a message; Refusal when it is not one, or not by the gateway of its subject."""
    if author is None:
        raise Refusal(UNKNOWN_GATEWAY, f"gateway {message.gateway} is not enrolled; enrol it or switch it off")
    if len(message.data) > MESSAGE_MAX:
        raise Refusal(MALFORMED, f"{len(message.data)} bytes; no message is longer than {MESSAGE_MAX}")
    tag = documents.tag_of(message.data)
    if tag == BATCH.tag:
        return _batch(message.data, author)
    if tag == HELLO.tag:
        return _hello(message.data, author)
    if tag == READINGS.tag:
        return _readings(message.data, author)
    if tag == REQUEST.tag:
        return _image_request(message.data, author)
    raise Refusal(MALFORMED, f"the tag {tag!r} is not known; the gateway may be newer than the cloud")


def _batch(data: bytes, author: Author) -> SignedBatch:
    try:
        batch = documents.parse_batch(data)
    except SharedError as error:
        raise Refusal(MALFORMED, f"no batch: {error}") from None
    _require_place(batch.fields, author)
    if not _is_signed(author.device_public, batch.signed, batch.signature):
        raise Refusal(BAD_SIGNATURE, "the signature is not by the enrolled device key", is_case=True)
    return SignedBatch(author, batch, _entries(batch))


def _is_signed(public: bytes, signed: bytes, signature: bytes) -> bool:
    if not well_formed(public, signature):
        return False
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, signed)
    except InvalidSignature:
        return False
    return True


def _entries(batch: Batch) -> list[Entry]:
    first = batch.fields["first"]
    entries = []
    for index in range(batch.fields["last"] - first + 1):
        try:
            entry = decode(batch.body(index))
        except SharedError as error:
            raise Refusal(UNREADABLE_ENTRY, f"entry {first + index}: {error}", is_case=True) from None
        if entry.sequence != first + index:
            reason = f"entry {first + index} says that it is {entry.sequence}"
            raise Refusal(UNREADABLE_ENTRY, reason, is_case=True)
        entries.append(entry)
    return entries


def _under_link_key(layout: Layout, data: bytes, author: Author, what: str) -> dict[str, Any]:
    """Return the fields of a document that ends with the MAC of its gateway's link."""
    try:
        fields = layout.decode(data[: -documents.MAC_SIZE])
    except SharedError as error:
        raise Refusal(MALFORMED, f"no {what}: {error}") from None
    _require_place(fields, author)
    try:
        documents.without_mac(author.link_key, data)
    except SharedError as error:
        raise Refusal(BAD_SIGNATURE, f"{what}: {error}", is_case=True) from None
    return fields


def _hello(data: bytes, author: Author) -> Hello:
    fields = _under_link_key(HELLO, data, author, "hello")
    return Hello(author, fields)


def _readings(data: bytes, author: Author) -> Readings:
    fields = _under_link_key(READINGS, data, author, "readings")
    try:
        records = [(readings.decode(packed), packed) for packed in readings.split(fields["records"])]
    except SharedError as error:
        raise Refusal(MALFORMED, f"readings: {error}") from None
    return Readings(author, fields["segment"], fields["nonce"], records)


def _image_request(data: bytes, author: Author) -> ImageRequest:
    fields = _under_link_key(REQUEST, data, author, "request for an image")
    if not 1 <= fields["count"] <= REQUEST_CHUNKS_MAX or fields["offset"] % CHUNK_SIZE:
        raise Refusal(MALFORMED, f"{fields['count']} chunks at {fields['offset']} cannot be asked for")
    return ImageRequest(author, fields["image"], fields["offset"], fields["count"])


def _require_place(fields: "dict[str, int]", author: Author) -> None:
    if (fields["utility"], fields["gateway"]) != (author.utility, author.gateway):
        named = f"utility {fields['utility']}, gateway {fields['gateway']}"
        raise Refusal(MALFORMED, f"it names {named}; the topic belongs to gateway {author.gateway}")
    if fields["epoch"] != author.epoch:
        reason = f"epoch {fields['epoch']}; the gateway is enrolled in epoch {author.epoch}"
        raise Refusal(WRONG_EPOCH, reason, is_case=fields["epoch"] < author.epoch)


def acknowledgement(author: Author, sequence: int, head: bytes, nonce: bytes) -> bytes:
    """The document that tells a gateway what is held, with its code under the link key."""
    document = documents.ACK.encode(
        utility=author.utility,
        gateway=author.gateway,
        epoch=author.epoch,
        sequence=sequence,
        head=head,
        nonce=nonce,
    )
    return documents.with_mac(author.link_key, document)


def readings_stored(said: Readings) -> bytes:
    """The document that tells a gateway that its readings are held, with its code under the link key."""
    document = READINGS_ACK.encode(
        utility=said.author.utility,
        gateway=said.author.gateway,
        epoch=said.author.epoch,
        segment=said.segment,
        nonce=said.nonce,
    )
    return documents.with_mac(said.author.link_key, document)
