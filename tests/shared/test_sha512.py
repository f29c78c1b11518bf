"""SHA-512 against NIST's examples: plain integers, and the fastest form here (hashlib's, or viper on a board)."""

from shared.sha512 import sha512, sha512_steps
from shared.sha512_plain import digest_steps, sha512_plain
from shared.slices import finish
from tests.helpers import load_vectors


def test_our_own_gives_every_digest_of_nist():
    for case in load_vectors("sha512")["cases"]:
        assert sha512_plain(bytes.fromhex(case["message"])).hex() == case["digest"]


def test_the_fastest_on_this_interpreter_gives_every_digest_of_nist():
    for case in load_vectors("sha512")["cases"]:
        assert sha512(bytes.fromhex(case["message"])).hex() == case["digest"]


def test_every_length_around_the_padding_agrees_with_the_whole_message_in_parts():
    for length in range(100, 270, 7):
        message = bytes([i * 7 & 0xFF for i in range(length)])

        digest = sha512_plain(message[:99], b"", message[99:])

        assert digest == sha512_plain(message) == sha512(message) == finish(sha512_steps(message))


def test_our_own_yields_five_times_in_a_block():
    slices = sum([1 for _ in digest_steps(bytes(200))])

    assert slices == 10
