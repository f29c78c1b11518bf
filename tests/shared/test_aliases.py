"""Aliases: a town's habits are found, and nothing of the table can be taken for a token."""

from shared import aliases
from shared.errors import WireError
from tests.helpers import raises

TOWN = aliases.encode([(1, "007"), (0, "65#"), (14, "801"), (40, "#99#")])


def test_what_was_typed_is_found_with_or_without_its_hash_in_the_table():
    assert aliases.find(TOWN, "007") == 1
    assert aliases.find(TOWN, "65") == 0
    assert aliases.find(TOWN, "801") == 14


def test_an_alias_that_begins_with_a_hash_stands_for_the_query_only():
    assert (aliases.find(TOWN, "#99"), aliases.find(TOWN, "99")) == (40, -1)


def test_leading_zeros_count():
    assert (aliases.find(TOWN, "7"), aliases.find(TOWN, "07"), aliases.find(TOWN, "0007")) == (-1, -1, -1)


def test_an_empty_table_knows_nothing():
    assert aliases.find(b"", "1") == -1
    aliases.check(b"")


def test_a_row_is_code_length_and_characters():
    assert aliases.encode([(40, "65#")]) == bytes((40, 3)) + b"65#"


def test_no_alias_is_as_long_as_a_token():
    aliases.encode([(1, "#" + "1" * 19 + "#")])

    assert "row 0 has 20 digits, 19 is the most" in str(raises(WireError, aliases.encode, [(1, "1" * 20)]))


def test_a_table_that_nobody_could_type_is_refused():
    for text in ("", "#", "##", "1*2", "1#2", "##1", "1##", "a", "é"):
        assert "row 0" in str(raises(WireError, aliases.encode, [(1, text)])), text


def test_one_entry_has_one_meaning():
    assert "row 1 is there twice" in str(raises(WireError, aliases.encode, [(1, "65#"), (2, "65")]))


def test_a_table_that_is_cut_off_is_refused():
    for cut in (1, 2, 4, len(TOWN) - 1):
        assert "cut off" in str(raises(WireError, aliases.check, TOWN[:cut])), cut
