"""Policy and floor: what a gateway may do to supply, as signed data. The table of fields stands in shared/FORMAT.md.

A document is a fixed head and a list of fields (number, length, value) in rising order. A receiver ignores an unknown
field below 128 and refuses the whole document for one from 128 on, so that a rule it cannot keep is never half kept.
"""

import hashlib

from shared import kinds
from shared.errors import WireError
from shared.wire import Layout, Reader, write_unsigned

POLICY = Layout(
    b"PSpol001",
    ("utility", "u4"),
    ("meter_group", "u2"),
    ("version", "u4"),
    ("valid_from_s", "u4"),
    ("fields", "v2"),
)
FLOOR = Layout(b"PSflr001", ("utility", "u4"), ("version", "u4"), ("fields", "v2"))

_CRITICAL = 128

# number, name, bytes, default. Volumes in ml, for energy mWh; signed values are not needed: thresholds are >= 0.
POLICY_FIELDS = (
    (1, "low_credit_threshold", 6, 500000),
    (2, "disablement_threshold", 6, 0),
    (3, "reconnect_threshold", 6, 0),
    (4, "max_meter_balance", 6, 1000000000),
    (5, "untrusted_clock_cap", 6, 1000000),
    (16, "lockout_free_attempts", 1, 3),
    (17, "lockout_first_s", 2, 10),
    (18, "lockout_max_s", 2, 1280),
    (19, "keypad_free_attempts", 1, 6),
    (20, "tid_ahead_max_min", 4, 10080),
)
# Kept for later: 32-47 emergency credit, 48-63 lifeline and drip, 130-159 windows and holidays, 160- reconnect modes.
FLOOR_FIELDS = ((1, "minimum_supply", 1, kinds.CLOSED),)


class Policy:
    """The limits of a meter group, one attribute per row of POLICY_FIELDS; integers, volumes in ml."""

    def __init__(self, version: int = 0, check: int = 0, meter_group: int = 0, **values: int):
        self.version = version
        self.check = check
        self.meter_group = meter_group
        self.low_credit_threshold = 0
        self.disablement_threshold = 0
        self.reconnect_threshold = 0
        self.max_meter_balance = 0
        self.untrusted_clock_cap = 0
        self.lockout_free_attempts = 0
        self.lockout_first_s = 0
        self.lockout_max_s = 0
        self.keypad_free_attempts = 0
        self.tid_ahead_max_min = 0
        _fill(self, POLICY_FIELDS, values)


class Floor:
    """The least supply that may be given, whatever is asked: `minimum_supply` is CLOSED, DRIP, LIFELINE or FULL."""

    def __init__(self, version: int = 0, check: int = 0, **values: int):
        self.version = version
        self.check = check
        self.minimum_supply = kinds.CLOSED
        _fill(self, FLOOR_FIELDS, values)


def check_value(document: bytes) -> int:
    """The 32 bits that name a document in entries: the front of the SHA-256 of what is signed."""
    return int.from_bytes(hashlib.sha256(document).digest()[:4], "big")


def encode_fields(rows: "tuple[tuple[int, str, int, int], ...]", values: "dict[str, int]") -> bytes:
    """Named values as fields in rising order; WireError for a name the table lacks."""
    known = [row[1] for row in rows]
    for name in values:
        if name not in known:
            raise WireError("no field is called {}; there are {}".format(name, ", ".join(known)))
    parts = []
    for number, name, size, default in rows:
        parts.append(bytes((number, size)) + write_unsigned(values.get(name, default), size, name))
    return b"".join(parts)


def decode_policy(document: bytes) -> Policy:
    """What is signed of a policy (no signature) -> Policy; WireError says which field is wrong."""
    head = POLICY.decode(document)
    values = _decode_fields(POLICY_FIELDS, head["fields"])
    return Policy(head["version"], check_value(document), head["meter_group"], **values)


def decode_floor(document: bytes) -> Floor:
    """What is signed of a floor (no signature) -> Floor; WireError says which field is wrong."""
    head = FLOOR.decode(document)
    floor = Floor(head["version"], check_value(document), **_decode_fields(FLOOR_FIELDS, head["fields"]))
    if floor.minimum_supply > kinds.FULL:
        raise WireError(f"minimum_supply: {floor.minimum_supply} is no supply state")
    return floor


def _decode_fields(rows: "tuple[tuple[int, str, int, int], ...]", data: bytes) -> "dict[str, int]":
    reader = Reader(data)
    values: dict[str, int] = {}
    last = 0
    while not reader.at_end():
        number = reader.unsigned(1, "field number")
        raw = reader.take(reader.unsigned(1, "field length"), f"field {number}")
        if number <= last:
            raise WireError(f"field {number} stands after field {last}")
        last = number
        row = _row(rows, number)
        if row is None and number >= _CRITICAL:
            raise WireError(f"field {number} is not known and must be: update the firmware first")
        if row is not None:
            if len(raw) != row[2]:
                raise WireError(f"{row[1]}: expected {row[2]} bytes, got {len(raw)}")
            values[row[1]] = int.from_bytes(raw, "big")
    return values


def _row(rows: "tuple[tuple[int, str, int, int], ...]", number: int) -> "tuple[int, str, int, int] | None":
    for row in rows:
        if row[0] == number:
            return row
    return None


def _fill(target: "Policy | Floor", rows: "tuple[tuple[int, str, int, int], ...]", values: "dict[str, int]") -> None:
    for _number, name, _size, default in rows:
        setattr(target, name, values.get(name, default))
