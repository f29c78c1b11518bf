"""A ledger entry is 42 bytes, each field checked on both sides."""

from shared import kinds
from shared.entries import BODY_SIZE, HASH_SIZE, Entry, decode, encode
from shared.errors import WireError
from tests.helpers import raises

FIELDS = Entry.__slots__


def token(**values):
    given = {
        "sequence": 7,
        "time_s": 1800000000,
        "kind": kinds.TOKEN,
        "meter": 1,
        "pot": kinds.TOKEN_CREDIT,
        "quality": kinds.TIME_TRUSTED,
        "rule": kinds.RULE_TOKEN_ACCEPTED,
        "detail": 0x0201,
        "delta": 1500000,
        "balance": -3 + 1500000,
        "register": 123456789012,
        "reference_a": 0x00FEDCBA,
        "reference_b": 0x89ABCDEF,
    }
    given.update(values)
    return Entry(**given)


def same(one, other):
    return all(getattr(one, name) == getattr(other, name) for name in FIELDS)


def test_an_entry_is_the_bytes_of_the_format_document():
    body = encode(token())

    assert body.hex() == (
        "00000007" + "6b49d200" + "05" + "01" + "21" + "00" + "0008" + "0201"
        "80000016e360" + "80000016e35d" + "001cbe991a14" + "00fedcba" + "89abcdef"
    )


def test_entries_read_back_with_every_field_at_its_ends():
    for values in (
        {"delta": -(1 << 47), "balance": (1 << 47) - 1, "register": (1 << 48) - 1},
        {"sequence": 0xFFFFFFFF, "time_s": 0xFFFFFFFF, "meter": 255, "group_left": 255},
        {"rule": 65535, "detail": 65535, "reference_a": 0xFFFFFFFF, "quality": 0, "pot": 4},
        {"time_s": 0, "sequence": 1, "meter": 0, "register": 0},
    ):
        entry = token(**values)

        assert same(decode(encode(entry)), entry)


def test_a_checkpoint_carries_a_hash_instead_of_numbers():
    entry = Entry(9, 1, kinds.CHECKPOINT, digest=bytes(range(HASH_SIZE)))

    body = encode(entry)

    assert len(body) == BODY_SIZE and body[16:] == bytes(range(26))
    assert same(decode(body), entry)


def test_a_value_out_of_range_is_refused_by_its_name():
    for name, value in (
        ("sequence", 0),
        ("sequence", 1 << 32),
        ("time_s", -1),
        ("kind", 0),
        ("kind", 200),
        ("pot", 5),
        ("quality", 3),
        ("meter", 16),
        ("group_left", 256),
        ("delta", 1 << 47),
        ("balance", -(1 << 47) - 1),
        ("register", 1 << 48),
        ("reference_b", 1 << 32),
    ):
        error = raises(WireError, encode, token(**{name: value}))

        assert name in str(error)


def test_bytes_that_no_encoder_writes_are_refused():
    body = encode(token())

    raises(WireError, decode, body[:-1])
    raises(WireError, decode, body + b"\x00")
    raises(WireError, decode, body[:8] + b"\x63" + body[9:])
    raises(WireError, decode, body[:10] + b"\x41" + body[11:])
