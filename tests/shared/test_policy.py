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


def test_a_name_that_is_no_field_is_refused_with_the_names_there_are():
    error = raises(WireError, encode_fields, POLICY_FIELDS, {"low_credit": 1})

    assert "low_credit_threshold" in str(error)
