"""Tokens end to end: what is carried, and what is refused under which name."""

from shared.sts import fields
from shared.sts.cipher import make_cipher
from shared.sts.crc import token_crc
from shared.sts.digits import join
from shared.sts.errors import CRCError, FunctionError, MfrCodeError, RangeError, TokenError
from shared.sts.fields import CurrencyCredit, MeterTest, TransferCredit
from shared.sts.sample_tables import sample_tables
from shared.sts.token import decode, encode
from tests.helpers import raises

EA11 = make_cipher(11, bytes(range(16)))
EA07 = make_cipher(7, bytes(range(8)), sample_tables())
VALUES = (
    TransferCredit(fields.WATER, 9, 85740, 1000),
    TransferCredit(fields.TIME, 0, 0xFFFFFF, fields.UNITS_MAX),
    CurrencyCredit(fields.CURRENCY + fields.WATER, 1, 100000 + 7),
    CurrencyCredit(fields.CURRENCY + fields.GAS, 2, -99994),
    MeterTest(0, fields.ALL_TESTS_36),
    MeterTest(1, fields.ALL_TESTS_28),
    fields.ExtendedRead(63),
    fields.SetMaximumPowerLimit(1, 2, 16384),
    fields.SetMaximumPhasePowerUnbalanceLimit(1, 2, 10),
    fields.ClearCredit(1, 2, 7),
    fields.ClearCredit(1, 2, fields.ALL_REGISTERS),
    fields.ClearTamperCondition(1, 2),
    fields.ExtendedSet(1, 2, 63, 0x3FF),
)


def token_of_body(token_class, body, cipher, currency=False):
    """Make a token of any six bytes with a right checksum, as a foreign or broken issuer could."""
    block = body + token_crc(token_class, body, currency).to_bytes(2, "big")
    return join(token_class, block if token_class == 1 else cipher.encrypt(block))


def test_every_value_comes_back_under_either_algorithm():
    for cipher in (EA11, EA07):
        for value in VALUES:
            back = decode(encode(value, cipher), cipher)

            assert type(back) is type(value)
            assert (back.token_class, back.subclass, back.tid, back.rnd) == (
                value.token_class,
                value.subclass,
                value.tid,
                value.rnd,
            )
            assert encode(back, cipher) == encode(value, cipher)


def test_a_quantity_between_two_codes_is_carried_rounded_up():
    back = decode(encode(TransferCredit(0, 5, 7, 20000), EA11), EA11)

    assert back.amount == 20004
    assert back == TransferCredit(0, 5, 7, 20004) and back != TransferCredit(0, 5, 8, 20004)


def test_the_published_universal_test_tokens_are_made_without_a_key():
    assert encode(MeterTest(0, fields.ALL_TESTS_36), None) == "56493153725450313471"
    assert encode(MeterTest(1, fields.ALL_TESTS_28), None) == "02305843005052951967"


def test_another_meters_token_is_a_checksum_error():
    other = make_cipher(11, bytes(16))
    wrong = 0
    for tid in range(200):
        try:
            decode(encode(TransferCredit(1, 5, tid, 10), other), EA11)
        except CRCError:
            wrong += 1

    assert wrong == 200


def test_a_mistyped_digit_is_never_taken_for_the_same_credit():
    token = encode(TransferCredit(1, 5, 85740, 100), EA11)
    for place in range(20):
        mistyped = token[:place] + str((int(token[place]) + 1) % 10) + token[place + 1 :]

        error = raises(TokenError, decode, mistyped, EA11)

        assert error.result in ("CRCError", "FunctionError", "FormatError")


def test_currency_credit_under_the_plain_checksum_is_refused_and_the_other_way_round():
    currency = bytes([0x50, 0, 0, 9, 0, 10])
    units = bytes([0x10, 0, 0, 9, 0, 10])

    raises(CRCError, decode, token_of_body(0, currency, EA11), EA11)
    raises(CRCError, decode, token_of_body(0, units, EA11, currency=True), EA11)
    assert decode(token_of_body(0, currency, EA11, currency=True), EA11).amount == 10


def test_every_reserved_and_proprietary_subclass_is_a_function_error():
    for token_class, subclasses in ((0, range(8, 16)), (1, range(3, 16)), (2, (2, 7, 11, 12, 13, 14, 15))):
        for subclass in subclasses:
            token = token_of_body(token_class, bytes([subclass << 4, 0, 0, 9, 0, 0]), EA11)

            error = raises(FunctionError, decode, token, EA11)

            assert error.code == 8


def test_class_3_is_a_function_error_before_anything_is_decrypted():
    raises(FunctionError, decode, join(3, bytes(8)), None)


def test_a_test_token_of_another_maker_is_refused_and_ones_own_accepted():
    for subclass, foreign in ((0, 42), (1, 1234)):
        token = encode(MeterTest(subclass, 1, foreign), None)

        assert raises(MfrCodeError, decode, token, None).code == 14
        assert raises(MfrCodeError, decode, token, None, 41).code == 14
        assert decode(token, None, foreign) == MeterTest(subclass, 1, foreign)
        assert decode(token, None, None).mfr_code == foreign


def test_field_values_without_a_meaning_are_a_range_error():
    for token_class, body in (
        (1, b"\x20\x00\x00\x00\x00\x01"),  # extended read with something after the index
        (2, b"\x10\x00\x00\x09\x00\x08"),  # clear credit of register 8
        (2, b"\x10\x00\x00\x09\xff\xfe"),
        (2, b"\x50\x00\x00\x09\x00\x01"),  # clear tamper with a field
    ):
        error = raises(RangeError, decode, token_of_body(token_class, body, EA11), EA11)

        assert error.code == 7


def test_values_that_fit_no_field_are_refused_when_they_are_made():
    for kind, args in (
        (TransferCredit, (4, 0, 0, 0)),
        (TransferCredit, (0, 16, 0, 0)),
        (TransferCredit, (0, -1, 0, 0)),
        (TransferCredit, (0, 0, 1 << 24, 0)),
        (TransferCredit, (0, 0, 0, -1)),
        (TransferCredit, (0, 0, 0, fields.UNITS_MAX + 1)),
        (CurrencyCredit, (3, 0, 0)),
        (CurrencyCredit, (8, 0, 0)),
        (CurrencyCredit, (4, 0, 10**37)),
        (CurrencyCredit, (4, 0, -(10**37))),
        (MeterTest, (2, 0)),
        (MeterTest, (0, 1 << 36)),
        (MeterTest, (1, 1 << 28)),
        (MeterTest, (0, 0, 256)),
        (fields.ExtendedRead, (64,)),
        (fields.ExtendedSet, (0, 0, 64, 0)),
        (fields.ExtendedSet, (0, 0, 0, 1024)),
        (fields.ClearCredit, (0, 0, 8)),
        (fields.SetMaximumPowerLimit, (0, 0, fields.UNITS_MAX + 1)),
    ):
        raises(RangeError, kind, *args)


def test_a_value_shows_its_fields():
    assert repr(TransferCredit(1, 5, 7, 10)) == "TransferCredit(subclass=1, rnd=5, tid=7, amount=10)"
