"""Policy and floor documents: every field is read back, and what a gateway cannot keep it refuses whole."""

from shared import kinds
from shared.errors import WireError
from shared.policy import (
    FLOOR,
    FLOOR_FIELDS,
    POLICY,
    POLICY_FIELDS,
    check_value,
    decode_floor,
    decode_policy,
    encode_fields,
)
from tests.helpers import raises


def policy_document(fields):
    return POLICY.encode(utility=1, meter_group=0, version=3, valid_from_s=0, fields=fields)


def floor_document(fields):
    return FLOOR.encode(utility=1, version=2, fields=fields)


def test_a_policy_reads_back_with_its_defaults_and_its_own_values():
    document = policy_document(encode_fields(POLICY_FIELDS, {"low_credit_threshold": 123456}))

    policy = decode_policy(document)

    assert policy.low_credit_threshold == 123456 and policy.lockout_max_s == 1280
    assert policy.version == 3 and policy.check == check_value(document)


def test_a_floor_reads_back_and_knows_only_supply_states():
    floor = decode_floor(floor_document(encode_fields(FLOOR_FIELDS, {"minimum_supply": kinds.LIFELINE})))

    assert floor.minimum_supply == kinds.LIFELINE and floor.version == 2
    raises(WireError, decode_floor, floor_document(encode_fields(FLOOR_FIELDS, {"minimum_supply": 9})))


def test_an_unknown_field_is_ignored_below_128_and_refused_from_there():
    known = encode_fields(POLICY_FIELDS, {})

    assert decode_policy(policy_document(known + b"\x7f\x01\x05")).version == 3
    error = raises(WireError, decode_policy, policy_document(known + b"\x80\x01\x05"))
    assert "128" in str(error) and "firmware" in str(error)


def test_fields_out_of_order_cut_or_of_another_length_are_refused():
    for fields in (b"\x02\x06\0\0\0\0\0\0\x01\x06\0\0\0\0\0\0", b"\x01\x06\0", b"\x01\x05\0\0\0\0\0", b"\x01"):
        raises(WireError, decode_policy, policy_document(fields))


def test_every_field_is_read_back():
    values = {}
    for number, name, size, _default in POLICY_FIELDS:
        values[name] = 1 + number % 2 if size else b""
    for name in ("lifeline_start_min", "exercise_from_min", "night_from_min"):
        values[name] = 1439
    values["holidays"] = b"\x4f\x00\x4f\x01"
    values["closing_windows"] = values["friendly_windows"] = b"\x81\x00\x3c\x00\x78"
    values["emergency_limit"] = (1 << 48) - 1

    policy = decode_policy(policy_document(encode_fields(POLICY_FIELDS, values)))

    assert [name for name in values if getattr(policy, name) != values[name]] == []
    assert not policy.calendar.friendly(0) and policy.calendar.is_holiday(0x4F01)


def test_a_value_that_means_nothing_is_refused_by_its_name():
    for name, value in (
        ("emergency_activation", 3),
        ("reserved_activation", 3),
        ("emergency_auto_from_min", 1440),
        ("emergency_auto_to_min", 1440),
        ("lifeline_start_min", 1440),
        ("lifeline_releases", 5),
        ("lifeline_releases", 0),
        ("debt_percent", 101),
        ("emergency_percent", 101),
        ("min_service_percent", 101),
        ("least_supply", kinds.FULL + 1),
    ):
        error = raises(WireError, decode_policy, policy_document(encode_fields(POLICY_FIELDS, {name: value})))

        assert name in str(error)


def test_a_calendar_that_cannot_be_is_refused():
    for name, value in (
        ("friendly_windows", b"\x01\x00"),
        ("closing_windows", b"\x00\x00\x00\x00\x10"),
        ("holidays", b"\x00\x02\x00\x01"),
        ("zone", b"\x00"),
    ):
        raises(WireError, decode_policy, policy_document(encode_fields(POLICY_FIELDS, {name: value})))


def test_what_a_device_must_know_is_left_out_where_it_asks_for_nothing():
    plain = encode_fields(POLICY_FIELDS, {"zone": b"", "reconnect_armed": 0, "calendar_expires_s": 0})
    armed = encode_fields(POLICY_FIELDS, {"reconnect_armed": 1})

    assert plain == encode_fields(POLICY_FIELDS, {}) and armed == plain + b"\xa0\x01\x01"


def test_a_floor_has_a_quota_and_a_supply_for_critical_need():
    values = {"critical_supply": kinds.FULL, "lifeline_quota_ml": 25000}
    floor = decode_floor(floor_document(encode_fields(FLOOR_FIELDS, values)))

    assert (floor.minimum_supply, floor.critical_supply, floor.lifeline_quota_ml) == (kinds.CLOSED, kinds.FULL, 25000)
    raises(WireError, decode_floor, floor_document(encode_fields(FLOOR_FIELDS, {"critical_supply": 4})))


def test_a_name_that_is_no_field_is_refused_with_the_names_there_are():
    error = raises(WireError, encode_fields, POLICY_FIELDS, {"low_credit": 1})

    assert "low_credit_threshold" in str(error)
