"""The void token: the identifier to burn travels as minutes before the token's own, in the 20 bits of RND and field."""

from shared.sts.cipher import make_cipher
from shared.sts.errors import FunctionError, RangeError
from shared.sts.token import decode, encode, read_block
from shared.sts.void import BACK_MAX_MIN, OWN_READERS, Void
from tests.helpers import raises

CIPHER = make_cipher(11, bytes(range(16)))


def test_every_distance_comes_back():
    for back_min in (1, 2, 0xFFFF, 0x10000, 0x12345, BACK_MAX_MIN - 1, BACK_MAX_MIN):
        for tid in (back_min, 0xFFFFFF):
            token = encode(Void(tid, tid - back_min), CIPHER)

            value = decode(token, CIPHER, 0, OWN_READERS)

            assert isinstance(value, Void) and (value.tid, value.target_tid) == (tid, tid - back_min)


def test_the_bits_are_the_upper_four_of_the_distance_then_the_identifier_then_the_lower_sixteen():
    assert Void(0x600000, 0x600000 - 0x54321).body() == b"\xb5\x60\x00\x00\x43\x21"


def test_a_target_that_is_itself_later_or_too_far_back_is_refused():
    for tid, target in ((5, 5), (5, 6), (0x200000, 0x200000 - BACK_MAX_MIN - 1), (0, 0)):
        raises(RangeError, Void, tid, target)


def test_a_body_with_an_impossible_target_is_refused():
    from shared.sts.crc import token_crc

    for body in (b"\xb0\x60\x00\x00\x00\x00", b"\xb0\x00\x00\x04\x00\x05"):
        block = body + token_crc(2, body, False).to_bytes(2, "big")

        raises(RangeError, read_block, 2, block, True, OWN_READERS)


def test_a_decoder_that_is_not_told_of_it_refuses_the_proprietary_subclass():
    raises(FunctionError, decode, encode(Void(500, 400), CIPHER), CIPHER)
