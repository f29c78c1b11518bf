"""Policy and floor: what a gateway may do to supply, as signed data. The table of fields stands in shared/FORMAT.md.

A document is a fixed head and a list of fields (number, length, value) in rising order. A receiver ignores an unknown
field below 128 and refuses the whole document for one from 128 on, so that a rule it cannot keep is never half kept.
"""

import hashlib

from shared import aliases, kinds
from shared.compat import const
from shared.errors import WireError
from shared.windows import Calendar
from shared.wire import Layout, Reader, write_unsigned

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Row = tuple[int, str, int, Any]

POLICY = Layout(
    b"PSpol001",
    (("utility", "u4"), ("meter_group", "u2"), ("version", "u4"), ("valid_from_s", "u4"), ("fields", "v2")),
)
FLOOR = Layout(b"PSflr001", (("utility", "u4"), ("version", "u4"), ("fields", "v2")))

_CRITICAL = 128
# Constants of this module fold into the tables below, names of another would have them built in RAM on a board.
_CLOSED = const(0)
_LIFELINE = const(2)
_FULL = const(3)
assert (_CLOSED, _LIFELINE, _FULL) == (kinds.CLOSED, kinds.LIFELINE, kinds.FULL)

# number, name, bytes, default; 0 bytes: a value of any length, b"" where it is left out. Amounts are in the meter's
# unit: ml (energy mWh), money in 1/100000 of the base currency. Volumes are always ml (mWh). What the tables of bytes
# hold stands in shared/civil.py (zone), shared/windows.py (windows, holidays), shared/aliases.py.
POLICY_FIELDS = (
    (1, "low_credit_threshold", 6, 500000),
    (2, "disablement_threshold", 6, 0),
    (3, "reconnect_threshold", 6, 0),
    (4, "max_meter_balance", 6, 1000000000),
    (5, "untrusted_clock_cap", 6, 1000000),
    (6, "very_low_credit_threshold", 6, 100000),
    (7, "days_left_warning", 1, 3),
    (16, "lockout_free_attempts", 1, 3),
    (17, "lockout_first_s", 2, 10),
    (18, "lockout_max_s", 2, 1280),
    (19, "keypad_free_attempts", 1, 6),
    (20, "tid_ahead_max_min", 4, 10080),
    (32, "emergency_limit", 6, 0),
    (33, "emergency_threshold", 6, 0),
    (34, "emergency_activation", 1, 0),
    (35, "emergency_auto_from_min", 2, 0),
    (36, "emergency_auto_to_min", 2, 0),
    (37, "reserved_activation", 1, 1),
    (38, "debt_percent", 1, 100),
    (39, "emergency_percent", 1, 100),
    (40, "min_service_percent", 1, 0),
    (41, "collection", 4, 0xFFFFFFFF),
    (42, "allowance_day", 6, 0),
    (43, "allowance_max", 6, 0),
    (48, "lifeline_quota_ml", 6, 0),
    (49, "lifeline_start_min", 2, 240),
    (50, "lifeline_releases", 1, 1),
    (51, "lifeline_carry_periods", 1, 0),
    (52, "lifeline_month_reset", 1, 1),
    (53, "lifeline_charged", 1, 0),
    (54, "lifeline_untrusted_ml", 6, 25000),
    (55, "drip_allowed", 1, 0),
    (56, "least_supply", 1, _CLOSED),
    (57, "cycles_a_day", 1, 6),
    (58, "closed_flow_cap_ml", 6, 10000),
    (64, "leak_h", 1, 24),
    (65, "burst_l_h", 4, 0),
    (66, "burst_s", 4, 600),
    (67, "burst_safety_s", 4, 0),
    (68, "drip_l_h", 4, 0),
    (69, "drip_h", 1, 12),
    (70, "reverse_tamper_ml", 6, 100000),
    (71, "stuck_days", 1, 0),
    (80, "exercise_days", 1, 0),
    (81, "exercise_from_min", 2, 600),
    (82, "exercise_to_min", 2, 840),
    (83, "emergency_open_s", 4, 0),
    (84, "emergency_open_days", 1, 30),
    (96, "night_from_min", 2, 1260),
    (97, "night_to_min", 2, 420),
    (98, "chirp", 1, 1),
    (99, "aliases", 0, b""),
    (100, "window_warning_min", 2, 60),
    (130, "zone", 0, b""),
    (131, "friendly_windows", 0, b""),
    (132, "closing_windows", 0, b""),
    (133, "holidays", 0, b""),
    (134, "calendar_expires_s", 4, 0),
    (160, "reconnect_armed", 1, 0),
)
# What a device must know may be left out where it asks for nothing, so that older firmware takes the document.
FLOOR_FIELDS = (
    (1, "minimum_supply", 1, _CLOSED),
    (2, "critical_supply", 1, _LIFELINE),
    (3, "lifeline_quota_ml", 6, 0),
)

_MOST = (
    ("emergency_activation", 2),
    ("reserved_activation", 2),
    ("emergency_auto_from_min", 1439),
    ("emergency_auto_to_min", 1439),
    ("lifeline_start_min", 1439),
    ("lifeline_releases", 4),
    ("debt_percent", 100),
    ("emergency_percent", 100),
    ("min_service_percent", 100),
    ("least_supply", _FULL),
    ("max_meter_balance", 0x400000000000),  # what a pot holds is written in 47 bits and a sign
    ("allowance_max", 0x400000000000),
)

# emergency_activation, reserved_activation. Between emergency_auto_from_min and _to_min emergency credit is automatic.
NEVER = 0
AUTOMATIC = 1
ON_KEY = 2


class Policy:
    """The limits of a meter group, one attribute per row of POLICY_FIELDS; `calendar` holds its dates and windows."""

    def __init__(self, version: int = 0, check: int = 0, meter_group: int = 0, **values: "Any"):
        self.version = version
        self.check = check
        self.meter_group = meter_group
        _fill(self, POLICY_FIELDS, values)
        self.calendar = Calendar(
            self.zone, self.friendly_windows, self.closing_windows, self.holidays, self.calendar_expires_s
        )

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> "Any": ...


class Floor:
    """The least supply that may be given, whatever is asked, and the least quota of a day; FLOOR_FIELDS."""

    def __init__(self, version: int = 0, check: int = 0, **values: "Any"):
        self.version = version
        self.check = check
        _fill(self, FLOOR_FIELDS, values)

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> "Any": ...


def check_value(document: bytes) -> int:
    """The 32 bits that name a document in entries: the front of the SHA-256 of what is signed."""
    return int.from_bytes(hashlib.sha256(document).digest()[:4], "big")


def encode_fields(rows: "tuple[Row, ...]", values: "dict[str, Any]") -> bytes:
    """Named values as fields in rising order; WireError for a name the table lacks.

    A critical field that asks for nothing is left out, so that older firmware can take the document.
    """
    known = [row[1] for row in rows]
    for name in values:
        if name not in known:
            raise WireError("no field is called {}; there are {}".format(name, ", ".join(known)))
    parts = []
    for number, name, size, default in rows:
        value = values.get(name, default)
        assert value is not None
        if value == default and (number >= _CRITICAL or not size):
            continue
        data = write_unsigned(value, size, name) if size else bytes(value)
        parts.append(bytes((number,)) + write_unsigned(len(data), 1, name + " length") + data)
    return b"".join(parts)


def decode_policy(document: bytes) -> Policy:
    """What is signed of a policy (no signature) -> Policy; WireError says which field is wrong."""
    head = POLICY.decode(document)
    policy = Policy(
        head["version"], check_value(document), head["meter_group"], **_decode_fields(POLICY_FIELDS, head["fields"])
    )
    for name, most in _MOST:
        if getattr(policy, name) > most:
            raise WireError(f"{name}: {getattr(policy, name)} is more than {most}")
    aliases.check(policy.aliases)
    if not policy.lifeline_untrusted_ml:
        raise WireError("lifeline_untrusted_ml: 0 leaves nothing where a lifeline is guaranteed; give a volume a day")
    if not policy.lifeline_releases:
        raise WireError("lifeline_releases: a day has at least one release")
    return policy


def decode_floor(document: bytes) -> Floor:
    """What is signed of a floor (no signature) -> Floor; WireError says which field is wrong."""
    head = FLOOR.decode(document)
    floor = Floor(head["version"], check_value(document), **_decode_fields(FLOOR_FIELDS, head["fields"]))
    for name in ("minimum_supply", "critical_supply"):
        if getattr(floor, name) > kinds.FULL:
            raise WireError(f"{name}: {getattr(floor, name)} is no supply state")
    return floor


def _decode_fields(rows: "tuple[Row, ...]", data: bytes) -> "dict[str, Any]":
    reader = Reader(data)
    values: dict[str, Any] = {}
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
            if row[2] and len(raw) != row[2]:
                raise WireError(f"{row[1]}: expected {row[2]} bytes, got {len(raw)}")
            values[row[1]] = int.from_bytes(raw, "big") if row[2] else raw
    return values


def _row(rows: "tuple[Row, ...]", number: int) -> "Row | None":
    for row in rows:
        if row[0] == number:
            return row
    return None


def _fill(target: "Policy | Floor", rows: "tuple[Row, ...]", values: "dict[str, Any]") -> None:
    """What is as by default rests in the class: a board holds several policies."""
    for _number, name, _size, default in rows:
        if values.get(name, default) != default:
            setattr(target, name, values[name])


for _row_of_policy in POLICY_FIELDS:
    setattr(Policy, _row_of_policy[1], _row_of_policy[3])
for _row_of_floor in FLOOR_FIELDS:
    setattr(Floor, _row_of_floor[1], _row_of_floor[3])
