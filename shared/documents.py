"""Every document that travels between gateway and cloud, but for entries and policies. Tables: shared/FORMAT.md.

What is signed or authenticated is the whole document before its last field. Each purpose has a tag of its own, so a
signature made for one can never stand under another.
"""

from shared.compat import const
from shared.entries import BODY_SIZE
from shared.errors import WireError
from shared.hmac import hmac_sha256, same
from shared.wire import TAG_SIZE, Layout, Reader

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

SIGNATURE_SIZE = const(64)
MAC_SIZE = const(32)
BATCH_ENTRIES_MAX = const(64)
MESSAGE_MAX = const(4096)  # bytes; no document on a topic is longer
NO_NONCE = bytes(8)

_WHO = (("utility", "u4"), ("gateway", "u4"), ("epoch", "u2"))

ENROL = Layout(
    b"PSenrl01",
    (("utility", "u4"), ("gateway", "u4"), ("device_public", "b32"), ("seal_public", "b32"), ("challenge", "b32")),
)
SEALED = Layout(b"PSseal01", _WHO + (("box", "v2"),))
SEAL_CONTEXT = Layout(b"PSsealct", _WHO)
BUNDLE = Layout(
    b"PSbndl01",
    _WHO
    + (
        ("issued_s", "u4"),
        ("command_public", "b32"),
        ("floor_public", "b32"),
        ("link_key", "b32"),
        ("broker_host", "v2"),
        ("broker_port", "u2"),
        ("broker_user", "v2"),
        ("broker_password", "v2"),
        ("broker_ca", "v2"),
        ("policy", "v2"),
        ("floor", "v2"),
        ("more", "v2"),
        ("tables", "v2"),
        ("meters", "v2"),
    ),
)
BUNDLE_METER = Layout(
    b"",
    (
        ("channel", "u1"),
        ("drn", "v2"),
        ("commodity", "u1"),
        ("pulse_volume_ml", "u4"),
        ("mode", "u1"),
        ("group", "u2"),
        ("ea", "u1"),
        ("decoder_key", "v2"),
        ("sgc", "u4"),
        ("krn", "u1"),
        ("kt", "u1"),
        ("ken", "u1"),
        ("ti", "u1"),
        ("base_year", "u2"),
        ("tid_minimum", "u4"),
        ("return_key", "b32"),
        ("opening_balance", "s6"),
        ("opening_register", "u6"),
    ),
)
HELLO = Layout(
    b"PShello1",
    _WHO
    + (
        ("boot_nonce", "b8"),
        ("sequence", "u4"),
        ("head", "b32"),
        ("acknowledged", "u4"),
        ("command_counter", "u4"),
        ("time_s", "u4"),
        ("quality", "u1"),
        ("firmware", "u4"),
        ("nonce", "b8"),
    ),
)
BATCH = Layout(
    b"PSbatch1",
    _WHO
    + (
        ("first", "u4"),
        ("last", "u4"),
        ("previous_head", "b32"),
        ("head", "b32"),
        ("nonce", "b8"),
        ("command_counter", "u4"),
    ),
)
ACK = Layout(b"PSack001", _WHO + (("sequence", "u4"), ("head", "b32"), ("nonce", "b8")))
READINGS = Layout(b"PSread01", _WHO + (("segment", "u4"), ("nonce", "b8"), ("records", "v2")))
READINGS_ACK = Layout(b"PSrdack1", _WHO + (("segment", "u4"), ("nonce", "b8")))
TIME = Layout(b"PStime01", _WHO + (("boot_nonce", "b8"), ("nonce", "b8"), ("time_s", "u4")))
COMMAND = Layout(
    b"PScmd001",
    _WHO
    + (
        ("counter", "u4"),
        ("previous", "u4"),
        ("issued_s", "u4"),
        ("expires_s", "u4"),
        ("boot_nonce", "b8"),
        ("kind", "u1"),
        ("payload", "v2"),
    ),
)

# Kinds of command and the layout of their payload.
COMMAND_TOKEN = const(1)
COMMAND_POLICY = const(2)
COMMAND_FLOOR = const(3)
COMMAND_TARIFF = const(4)
COMMAND_MODE = const(5)
COMMAND_CONTROL = const(6)
COMMAND_ADJUST = const(7)
COMMAND_FACTOR = const(8)
COMMAND_UPDATE = const(9)
TOKEN_PAYLOAD = Layout(b"", (("channel", "u1"), ("key_check", "u4"), ("token", "u9")))
MODE_PAYLOAD = Layout(b"", (("channel", "u1"), ("mode", "u1"), ("group", "u2")))
CONTROL_PAYLOAD = Layout(b"", (("channel", "u1"), ("action", "u1"), ("until_s", "u4")))
ADJUST_PAYLOAD = Layout(b"", (("channel", "u1"), ("pot", "u1"), ("delta", "s6")))
FACTOR_PAYLOAD = Layout(b"", (("channel", "u1"), ("pulse_volume_ml", "u4")))

COMMODITIES = ("electricity", "water", "gas", "time")  # the index is the STS class 0 subclass


def key_check(decoder_key: bytes) -> int:
    """A 32-bit check value that names a decoder key in entries without showing it."""
    return int.from_bytes(hmac_sha256(decoder_key, b"PSkeychk")[:4], "big")


def tag_of(data: bytes) -> bytes:
    """The tag of a document, so that a receiver can choose the parser; short data give what there is."""
    return bytes(data[:TAG_SIZE])


def split_signature(data: bytes) -> "tuple[bytes, bytes]":
    """A signed document as (what is signed, 64-byte signature); WireError when it is too short to hold one."""
    if len(data) <= TAG_SIZE + SIGNATURE_SIZE:
        raise WireError(f"{len(data)} bytes hold no signed document")
    return bytes(data[:-SIGNATURE_SIZE]), bytes(data[-SIGNATURE_SIZE:])


def with_mac(key: bytes, document: bytes) -> bytes:
    """A document and its HMAC-SHA-256 under the gateway's link key."""
    return document + hmac_sha256(key, document)


def without_mac(key: bytes, data: bytes) -> bytes:
    """The document, when the HMAC behind it is right; WireError otherwise."""
    document = bytes(data[:-MAC_SIZE])
    if len(data) <= TAG_SIZE + MAC_SIZE or not same(hmac_sha256(key, document), bytes(data[-MAC_SIZE:])):
        raise WireError("the authentication code is wrong")
    return document


class Batch:
    """A batch as received: `fields` as in BATCH, `signed` the bytes under `signature`, `bodies` the entries."""

    __slots__ = ("bodies", "fields", "signature", "signed")

    def __init__(self, fields: "dict[str, Any]", signed: bytes, signature: bytes, bodies: bytes):
        self.fields = fields
        self.signed = signed
        self.signature = signature
        self.bodies = bodies

    def body(self, index: int) -> bytes:
        return self.bodies[index * BODY_SIZE : (index + 1) * BODY_SIZE]


def parse_batch(data: bytes) -> Batch:
    """Head, signature, then the entries; WireError when the count of entries is not what the head says."""
    reader = Reader(data)
    fields = BATCH.read(reader)
    signature = reader.take(SIGNATURE_SIZE, "signature")
    bodies = reader.rest()
    count = fields["last"] - fields["first"] + 1
    if not 1 <= count <= BATCH_ENTRIES_MAX:
        raise WireError(f"a batch has 1..{BATCH_ENTRIES_MAX} entries, not {count}")
    if len(bodies) != count * BODY_SIZE:
        raise WireError(f"{count} entries need {count * BODY_SIZE} bytes, got {len(bodies)}")
    signed = bytes(data[: len(data) - len(bodies) - SIGNATURE_SIZE])
    return Batch(fields, signed, signature, bodies)
