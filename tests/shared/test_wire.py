"""Layouts refuse what does not fit, when written and when read."""

from shared.errors import WireError
from shared.wire import Layout
from tests.helpers import raises

SAMPLE = Layout(b"PStest01", (("count", "u2"), ("change", "s6"), ("key", "b4"), ("name", "v2")))
VALUES = {"count": 513, "change": -2, "key": b"\x01\x02\x03\x04", "name": b"tap"}


def changed(**values):
    both = dict(VALUES)
    both.update(values)
    return both


def test_a_document_reads_back_as_it_was_written():
    data = SAMPLE.encode(**VALUES)

    assert data == b"PStest01" + b"\x02\x01" + b"\x7f\xff\xff\xff\xff\xfe" + b"\x01\x02\x03\x04" + b"\x00\x03tap"
    assert SAMPLE.decode(data) == VALUES


def test_a_value_that_does_not_fit_is_refused_by_its_name():
    for name, value in (
        ("count", 65536),
        ("count", -1),
        ("change", 1 << 47),
        ("change", -(1 << 47) - 1),
        ("key", b"\x01"),
        ("name", bytes(65536)),
    ):
        error = raises(WireError, lambda: SAMPLE.encode(**changed(**{name: value})))

        assert name in str(error)


def test_a_missing_or_unknown_field_is_refused():
    less = changed()
    less.pop("key")

    raises(WireError, lambda: SAMPLE.encode(**less))
    raises(WireError, lambda: SAMPLE.encode(kee=b"1234", **less))


def test_a_cut_a_leftover_and_a_foreign_tag_are_refused_at_every_length():
    data = SAMPLE.encode(**VALUES)

    for length in range(len(data)):
        raises(WireError, SAMPLE.decode, data[:length])
    raises(WireError, SAMPLE.decode, data + b"\x00")
    raises(WireError, SAMPLE.decode, b"PStest02" + data[8:])
