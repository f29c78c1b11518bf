"""Records of hourly readings: packed as FORMAT.md says, and nothing else is read as one."""

from shared import readings
from shared.errors import WireError
from shared.readings import HOURS_MAX, Reading
from tests.helpers import raises


def record(pulses, **changes):
    made = Reading(3, 20800, 499200, 1000, 123456000, 2, pulses)
    for name, value in changes.items():
        setattr(made, name, value)
    return readings.encode(made)


def fields(reading):
    return (reading.channel, reading.day, reading.first_hour, reading.unit_ml, reading.register, reading.quality)


def test_a_record_is_a_head_and_a_number_for_each_hour():
    packed = record([0, 5, 127, 128, 300])

    assert packed == (
        b"\x03" + b"\x51\x40" + b"\x00\x07\x9e\x00" + b"\x00\x00\x03\xe8" + b"\x00\x00\x07\x5b\xca\x00"
        b"\x02" + b"\x05" + b"\x00\x05\x7f\x80\x01\xac\x02"
    )  # fmt: skip


def test_an_idle_day_takes_a_byte_an_hour():
    assert len(record([0] * 24)) == readings.READING_HEAD + 24


def test_what_was_written_is_read_again():
    for pulses in ([], [0], [1] * 24, [(1 << 35) - 1] * HOURS_MAX, [0, 1 << 7, 1 << 14, 1 << 21, 1 << 28]):
        read = readings.decode(record(pulses))

        assert read.pulses == pulses and fields(read) == (3, 20800, 499200, 1000, 123456000, 2)


def test_records_end_to_end_are_found_again():
    packed = [record([200] * 24), record([], channel=1), record([0, 9], channel=7)]

    assert readings.split(b"".join(packed)) == packed
    assert readings.split(b"") == []


def test_a_record_cut_off_at_any_byte_is_refused():
    packed = record([0, 200, 5])

    for size in range(1, len(packed)):
        raises(WireError, readings.decode, packed[:size])
        raises(WireError, readings.split, packed[:size])


def test_what_no_encoder_writes_is_refused():
    for wrong in (
        record([1]) + b"\x00",
        record([])[:-1] + b"\x01\x80\x00",
        record([])[:-1] + b"\x01" + b"\xff\xff\xff\xff\xff\x01",
        record([])[:-1] + bytes([HOURS_MAX + 1]) + bytes(HOURS_MAX + 1),
        record([0])[:7] + bytes(4) + record([0])[11:],
        record([0])[:17] + b"\x03" + record([0])[18:],
    ):
        raises(WireError, readings.decode, wrong)


def test_what_does_not_fit_is_not_written():
    for wrong in ([0] * (HOURS_MAX + 1), [-1], [1 << 35]):
        raises(WireError, record, wrong)


def test_the_check_names_the_bytes_of_the_record():
    assert readings.check_of(record([1, 2])) == readings.check_of(record([1, 2]))
    assert readings.check_of(record([1, 2])) != readings.check_of(record([2, 1]))
