"""A record of hourly readings: what a meter counted in each UTC hour of one local day. The table: shared/FORMAT.md.

Records are packed end to end; the check and the total of a closed day's record stand in the DAY entry of the ledger.
"""

import hashlib

from shared.compat import const
from shared.errors import WireError
from shared.kinds import TIME_TRUSTED
from shared.wire import Layout, Reader

HOUR_S = const(3600)
HOURS_MAX = const(26)  # a day of 25 hours, and the hour that was running when it began in a zone of half hours
NOT_CLOSED = const(0)  # `day` of a record that no DAY entry covers: the day that runs, or hours outside of any
_CHECK_SIZE = const(4)
_VARINT_MAX = const(5)  # bytes; an hour holds at most 2^35 - 1 pulses

READING = Layout(
    b"",
    (
        ("channel", "u1"),
        ("day", "u2"),
        ("first_hour", "u4"),
        ("unit_ml", "u4"),
        ("register", "u6"),
        ("quality", "u1"),
        ("hours", "u1"),
    ),
)
READING_HEAD = const(19)  # bytes before the hours; the last of them is their number


class Reading:
    """One record. `pulses` of each hour from `first_hour` on (hours since 1970), each worth `unit_ml`.

    `register` is the meter's in ml at the start of the first hour, `day` the local day that the DAY entry names,
    `quality` the worst time quality of the hours.
    """

    __slots__ = ("channel", "day", "first_hour", "pulses", "quality", "register", "unit_ml")

    def __init__(
        self, channel: int, day: int, first_hour: int, unit_ml: int, register: int, quality: int, pulses: "list[int]"
    ):
        self.channel = channel
        self.day = day
        self.first_hour = first_hour
        self.unit_ml = unit_ml
        self.register = register
        self.quality = quality
        self.pulses = pulses

    def total(self) -> int:
        """The pulses of all hours modulo 2^32, as the DAY entry names them."""
        return sum(self.pulses) & 0xFFFFFFFF


def encode(reading: Reading) -> bytes:
    """The packed record; WireError names what does not fit."""
    if len(reading.pulses) > HOURS_MAX:
        raise WireError(f"hours: {len(reading.pulses)} is above {HOURS_MAX}")
    head = READING.encode(
        channel=reading.channel,
        day=reading.day,
        first_hour=reading.first_hour,
        unit_ml=reading.unit_ml,
        register=reading.register,
        quality=reading.quality,
        hours=len(reading.pulses),
    )
    return head + b"".join([_varint(pulses) for pulses in reading.pulses])


def decode(packed: bytes) -> Reading:
    """One record. WireError: it is cut off, or no encoder writes it so."""
    reader = Reader(packed)
    head = READING.read(reader)
    if head["hours"] > HOURS_MAX or not head["unit_ml"]:
        raise WireError(f"a reading of {head['hours']} hours in units of {head['unit_ml']} ml")
    if head["quality"] > TIME_TRUSTED:
        raise WireError(f"quality: {head['quality']} is outside 0..{TIME_TRUSTED}")
    pulses = [_read_varint(reader) for _ in range(head["hours"])]
    reader.finish()
    return Reading(
        head["channel"],
        head["day"],
        head["first_hour"],
        head["unit_ml"],
        head["register"],
        head["quality"],
        pulses,
    )


def end_of(data: bytes, start: int) -> int:
    """Where the record ends that begins at `start`, without looking into it. WireError: it is cut off."""
    if start + READING_HEAD > len(data):
        raise WireError(f"a reading: cut off at byte {len(data)}")
    at = start + READING_HEAD
    for _ in range(data[at - 1]):
        while at < len(data) and data[at] > 0x7F:
            at += 1
        at += 1
    if at > len(data):
        raise WireError(f"a reading: cut off at byte {len(data)}")
    return at


def split(data: bytes) -> "list[bytes]":
    """The packed records that stand end to end. WireError: the last is cut off."""
    found = []
    at = 0
    while at < len(data):
        end = end_of(data, at)
        found.append(bytes(data[at:end]))
        at = end
    return found


def check_of(packed: bytes) -> int:
    """The check of a record that stands in its DAY entry: the front of its SHA-256."""
    return int.from_bytes(hashlib.sha256(packed).digest()[:_CHECK_SIZE], "big")


def _varint(value: int) -> bytes:
    """A number in sevens of bits, the lowest first, bit 7 set in all bytes but the last (LEB128, DWARF 5 7.6)."""
    if value < 0 or value >> (7 * _VARINT_MAX):
        raise WireError(f"pulses: {value} does not fit {_VARINT_MAX} bytes of seven bits")
    coded = bytearray()
    while value > 0x7F:
        coded.append(value & 0x7F | 0x80)
        value >>= 7
    coded.append(value)
    return bytes(coded)


def _read_varint(reader: Reader) -> int:
    value = 0
    for at in range(_VARINT_MAX):
        byte = reader.unsigned(1, "pulses")
        value |= (byte & 0x7F) << (7 * at)
        if byte < 0x80:
            if byte == 0 and at:
                raise WireError("pulses: written longer than needed")
            return value
    raise WireError(f"pulses: longer than {_VARINT_MAX} bytes")
