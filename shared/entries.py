"""A ledger entry: 42 bytes as signed and sent, 58 on flash with its link. The table stands in shared/FORMAT.md."""

import struct

from shared import kinds
from shared.compat import const
from shared.errors import WireError

BODY_SIZE = const(42)
LINK_SIZE = const(16)
RECORD_SIZE = const(58)
HASH_SIZE = const(26)  # a truncated SHA-256 in the place of the numbers

_HALF = 1 << 47
_SIGNED_LIMIT = (1 << 47) - 1
_REGISTER_LIMIT = (1 << 48) - 1
_U32 = 0xFFFFFFFF
# sequence time kind meter pot|quality group_left rule detail | delta balance register as 16+32 bits | two references
_NUMBERS = ">IIBBBBHHHIHIHIII"
_HEAD = ">IIBBBBHH"
_HEAD_SIZE = const(16)


class Entry:
    """One fact, with the meter's figures after it. Volumes in ml (energy in mWh), times in seconds since 1970.

    `delta` and `balance` belong to `pot`; `register` is the meter's register after the entry; `reference_a` and
    `reference_b` depend on the kind; `digest` (26 bytes) stands instead of the numbers in the kinds of HASH_KINDS.
    `group_left` counts the entries of the same decision that follow.
    """

    __slots__ = (
        "balance",
        "delta",
        "detail",
        "digest",
        "group_left",
        "kind",
        "meter",
        "pot",
        "quality",
        "reference_a",
        "reference_b",
        "register",
        "rule",
        "sequence",
        "time_s",
    )

    def __init__(
        self,
        sequence: int,
        time_s: int,
        kind: int,
        meter: int = kinds.GATEWAY,
        pot: int = kinds.NO_POT,
        quality: int = kinds.TIME_UNKNOWN,
        group_left: int = 0,
        rule: int = 0,
        detail: int = 0,
        delta: int = 0,
        balance: int = 0,
        register: int = 0,
        reference_a: int = 0,
        reference_b: int = 0,
        digest: bytes = b"",
    ):
        self.sequence = sequence
        self.time_s = time_s
        self.kind = kind
        self.meter = meter
        self.pot = pot
        self.quality = quality
        self.group_left = group_left
        self.rule = rule
        self.detail = detail
        self.delta = delta
        self.balance = balance
        self.register = register
        self.reference_a = reference_a
        self.reference_b = reference_b
        self.digest = digest


def encode(entry: Entry) -> bytes:
    """The 42 bytes of an entry; WireError names the field that does not fit."""
    _check(entry)
    mixed = entry.pot | entry.quality << 4
    head = (entry.sequence, entry.time_s, entry.kind, entry.meter, mixed, entry.group_left, entry.rule, entry.detail)
    if entry.kind in kinds.HASH_KINDS:
        return struct.pack(_HEAD, *head) + entry.digest
    delta = entry.delta + _HALF
    balance = entry.balance + _HALF
    register = entry.register
    numbers = (delta >> 32, delta & _U32, balance >> 32, balance & _U32, register >> 32, register & _U32)
    return struct.pack(_NUMBERS, *(head + numbers + (entry.reference_a, entry.reference_b)))


def decode(body: bytes) -> Entry:
    """An entry from its 42 bytes; WireError on a wrong length or a value no encoder writes."""
    if len(body) != BODY_SIZE:
        raise WireError(f"an entry has {BODY_SIZE} bytes, got {len(body)}")
    if body[8] in kinds.HASH_KINDS:
        sequence, time_s, kind, meter, mixed, left, rule, detail = struct.unpack(_HEAD, body[:_HEAD_SIZE])
        entry = Entry(sequence, time_s, kind, meter, mixed & 15, mixed >> 4, left, rule, detail)
        entry.digest = bytes(body[_HEAD_SIZE:])
    else:
        (sequence, time_s, kind, meter, mixed, left, rule, detail, dh, dl, bh, bl, rh, rl, ref_a, ref_b) = (
            struct.unpack(_NUMBERS, body)
        )
        entry = Entry(
            sequence,
            time_s,
            kind,
            meter,
            mixed & 15,
            mixed >> 4,
            left,
            rule,
            detail,
            (dh << 32 | dl) - _HALF,
            (bh << 32 | bl) - _HALF,
            rh << 32 | rl,
            ref_a,
            ref_b,
        )
    _check_kind(entry)
    return entry


def _check(entry: Entry) -> None:
    _check_kind(entry)
    _within("sequence", entry.sequence, 1, _U32)
    _within("time_s", entry.time_s, 0, _U32)
    _within("meter", entry.meter, 0, 255)
    _within("group_left", entry.group_left, 0, 255)
    _within("rule", entry.rule, 0, 0xFFFF)
    _within("detail", entry.detail, 0, 0xFFFF)
    _within("delta", entry.delta, -_HALF, _SIGNED_LIMIT)
    _within("balance", entry.balance, -_HALF, _SIGNED_LIMIT)
    _within("register", entry.register, 0, _REGISTER_LIMIT)
    _within("reference_a", entry.reference_a, 0, _U32)
    _within("reference_b", entry.reference_b, 0, _U32)
    if entry.kind in kinds.HASH_KINDS and len(entry.digest) != HASH_SIZE:
        raise WireError(f"digest: expected {HASH_SIZE} bytes, got {len(entry.digest)}")


def _check_kind(entry: Entry) -> None:
    _within("kind", entry.kind, 1, len(kinds.KIND_NAMES) - 1)
    _within("pot", entry.pot, 0, kinds.POTS - 1)
    _within("quality", entry.quality, 0, kinds.TIME_TRUSTED)
    if entry.meter != kinds.GATEWAY and entry.meter > 15:
        raise WireError(f"meter: {entry.meter} is no channel")


def _within(name: str, value: int, low: int, high: int) -> None:
    if not low <= value <= high:
        raise WireError(f"{name}: {value} is outside {low}..{high}")
