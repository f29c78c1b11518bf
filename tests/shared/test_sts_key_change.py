"""Key-change tokens: sets of two, three and four sections, in any order, under the old key."""

from shared.sts.cipher import make_cipher
from shared.sts.errors import FunctionError, IdentityError, KeyTypeError, RangeError
from shared.sts.key_change import DCTK, DDTK, DITK, DUTK, KeyChange, NewKey, check_key_type, sections_of
from shared.sts.sample_tables import sample_tables
from shared.sts.token import decode, encode
from tests.helpers import raises
from tests.shared.test_sts_token import token_of_body

LONG = make_cipher(11, bytes(range(16)))
SHORT = make_cipher(7, bytes(range(8)), sample_tables())
NEW_LONG = bytes.fromhex("39FA45A353CB729549DC515A68A25C98")


def entered(new, cipher, order=None):
    """Return the key change of a meter that was given the tokens of a new key, in an order of indices."""
    tokens = [encode(section, cipher) for section in sections_of(new)]
    change = KeyChange(cipher.ea == 11)
    for i in order or range(len(tokens)):
        change.add(decode(tokens[i], cipher))
    return change


def same(a, b):
    return a.__dict__ == b.__dict__


def test_a_long_key_takes_four_sections_in_any_order():
    new = NewKey(NEW_LONG, 255, 6, DUTK, 2, "203557", True)

    for order in ((0, 1, 2, 3), (3, 2, 1, 0), (2, 0, 3, 1), (0, 0, 1, 2, 3, 1)):
        assert same(entered(new, LONG, order).new_key(), new)


def test_a_short_key_takes_two_sections_or_three_with_its_supply_group():
    pair = NewKey(NEW_LONG[:8], 200, 1, DDTK, 99, None, False)
    triple = NewKey(NEW_LONG[:8], 200, 1, DDTK, 99, "999999", True)

    assert len(sections_of(pair)) == 2 and len(sections_of(triple)) == 3
    assert same(entered(pair, SHORT).new_key(), pair)
    for order in ((0, 1, 2), (2, 1, 0), (2, 0, 1)):
        assert same(entered(triple, SHORT, order).new_key(), triple)


def test_what_is_missing_is_known_section_by_section():
    long_tokens = NewKey(NEW_LONG, 255, 6, DUTK, 2, "203557", True)
    triple = NewKey(NEW_LONG[:8], 255, 6, DUTK, 2, "203557", True)

    assert entered(long_tokens, LONG, (2,)).missing() == [1, 2, 4]
    assert entered(long_tokens, LONG).missing() == []
    assert entered(triple, SHORT, (1,)).missing() == [1]
    assert entered(triple, SHORT, (0,)).missing() == [2, 3]
    raises(AssertionError, entered(triple, SHORT, (0, 1)).new_key)


def test_the_same_change_always_gives_the_same_tokens():
    new = NewKey(NEW_LONG, 255, 6, DUTK, 2, "203557", True)

    assert [encode(s, LONG) for s in sections_of(new)] == [encode(s, LONG) for s in sections_of(new)]


def test_no_part_of_the_key_is_shown():
    for section in sections_of(NewKey(b"\xa5" * 16, 255, 6, DUTK, 2, "203557", True)):
        shown = repr(section)

        assert "a5" not in shown.lower() and "165" not in shown and "key_part" not in shown


def test_sections_that_differ_in_the_key_alone_differ():
    first = sections_of(NewKey(b"\x01" * 16, 255, 6, DUTK, 2, "203557", True))
    second = sections_of(NewKey(b"\x02" * 16, 255, 6, DUTK, 2, "203557", True))

    for i in range(4):
        assert first[i] == first[i] and first[i] != second[i]


def test_sections_with_impossible_fields_are_a_range_error():
    for cipher, body in (
        (LONG, b"\x3f\x02\x00\x00\x00\x00"),  # KRN 0
        (LONG, b"\x3f\xa2\x00\x00\x00\x00"),  # KRN 10
        (LONG, b"\x4f\x64\x00\x00\x00\x00"),  # TI 100
        (SHORT, b"\x8f\x42\x40\x00\x00\x00"),  # SGC 1000000
        (SHORT, b"\x80\x00\x01\x00\x00\x01"),  # not ended by zeros
    ):
        raises(RangeError, decode, token_of_body(2, body, cipher), cipher)


def test_a_fourth_section_has_no_meaning_for_a_short_key():
    raises(FunctionError, decode, token_of_body(2, b"\x90\x00\x00\x00\x00\x00", SHORT), SHORT)


def test_a_supply_group_that_two_sections_make_impossible_is_refused_when_the_set_is_complete():
    change = entered(NewKey(NEW_LONG, 255, 6, DUTK, 2, "203557", True), LONG)
    change.add(decode(token_of_body(2, b"\x9f\xff\x00\x00\x00\x00", LONG), LONG))

    raises(RangeError, change.new_key)


def test_a_long_key_without_a_supply_group_makes_no_sections():
    raises(IdentityError, sections_of, NewKey(NEW_LONG, 255, 6, DUTK, 2, None, True))
    raises(IdentityError, sections_of, NewKey(NEW_LONG, 255, 6, DUTK, 2, "20355", True))


def test_only_a_reachable_key_type_may_follow():
    allowed = [(old, new) for old in range(4) for new in range(4) if may_follow(old, new)]

    assert allowed == [(DITK, DITK), (DITK, DDTK), (DITK, DUTK), (DDTK, DDTK), (DDTK, DUTK), (DUTK, DDTK), (DUTK, DUTK)]
    assert raises(KeyTypeError, check_key_type, DUTK, DCTK).code == 5


def may_follow(old, new):
    try:
        check_key_type(old, new)
    except KeyTypeError:
        return False
    return True
