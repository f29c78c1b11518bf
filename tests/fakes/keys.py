"""Key changes and management tokens as the utility makes them, for the meters of tests/fakes/house.py."""

from shared import documents
from shared.sts.cipher import make_cipher
from shared.sts.fields import TransferCredit
from shared.sts.key_change import NewKey, sections_of
from shared.sts.time_id import tid_at
from shared.sts.token import encode
from tests.fakes.house import START_S, decoder_key


def new_key(
    fill: int = 0x5A, ken: int = 200, krn: int = 2, kt: int = 2, ti: int = 7, roll_over: bool = False
) -> NewKey:
    """A 128-bit key that is `fill` 16 times."""
    return NewKey(bytes([fill] * 16), ken, krn, kt, ti, "123456", roll_over)


def check_of(key: NewKey) -> int:
    return documents.key_check(key.decoder_key)


def sections(new: NewKey, old: "bytes | None" = None, channel: int = 0) -> "list[str]":
    """The tokens of a key change, in order, under the key in force; by default that of the enrolment."""
    cipher = make_cipher(11, old if old is not None else decoder_key(channel))
    return [encode(section, cipher) for section in sections_of(new)]


def managed(value, key: "bytes | None" = None, channel: int = 0) -> str:
    """A token of any value under a meter's key."""
    return encode(value, make_cipher(11, key if key is not None else decoder_key(channel)))


def credit(units: int, tid: int, key: NewKey) -> str:
    """Credit of `units` of 0.1 m3 under a new key."""
    return managed(TransferCredit(1, 5, tid, units), key.decoder_key)


def tid_of(minute: int) -> int:
    """An identifier that many minutes after the enrolment."""
    return tid_at(START_S, 2014) + minute
