"""HKDF-SHA-256 against RFC 5869."""

from shared.hkdf import hkdf_sha256
from tests.helpers import load_vectors, raises


def test_every_sha_256_case_of_rfc_5869_gives_its_output():
    for case in load_vectors("hkdf")["cases"]:
        secret, salt, info = [bytes.fromhex(case[name]) for name in ("secret", "salt", "info")]

        output = hkdf_sha256(secret, salt, info, case["length"])

        assert output.hex() == case["output"]


def test_a_shorter_output_is_the_beginning_of_a_longer_one():
    longest = hkdf_sha256(b"secret", b"salt", b"info", 255 * 32)

    for length in (1, 31, 32, 33, 64):
        assert hkdf_sha256(b"secret", b"salt", b"info", length) == longest[:length]


def test_a_length_that_the_counter_cannot_reach_is_our_bug():
    for length in (0, -1, 255 * 32 + 1):
        raises(AssertionError, hkdf_sha256, b"secret", b"salt", b"info", length)
