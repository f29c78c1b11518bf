"""HMAC-SHA-256 against RFC 4231, and the comparison of secrets."""

from shared.hmac import hmac_sha256, same
from tests.helpers import load_vectors


def test_every_case_of_rfc_4231_gives_its_mac():
    for case in load_vectors("hmac")["cases"]:
        expected = bytes.fromhex(case["mac"])

        mac = hmac_sha256(bytes.fromhex(case["key"]), bytes.fromhex(case["message"]))

        assert mac[: len(expected)] == expected


def test_a_message_in_parts_gives_the_mac_of_the_whole():
    assert hmac_sha256(b"key", b"ab", b"", b"c") == hmac_sha256(b"key", b"abc")


def test_a_key_of_exactly_one_block_is_used_as_it_is():
    key = bytes(range(64))

    assert hmac_sha256(key, b"m") != hmac_sha256(key + b"\x00", b"m")
    assert hmac_sha256(key[:63], b"m") == hmac_sha256(key[:63] + b"\x00", b"m")


def test_only_equal_bytes_are_the_same():
    assert same(b"", b"")
    assert same(b"abc", bytearray(b"abc"))
    for other in (b"abd", b"bbc", b"ab", b"abcd", b""):
        assert not same(b"abc", other)
