"""The sealed box: it opens for its key and context, and for nothing else."""

from shared.compat import aes256_cbc_decrypt, aes256_cbc_encrypt
from shared.errors import SharedError
from shared.seal import SEALED_LENGTH_MIN, SealError, open_sealed, open_steps, seal
from shared.x25519 import PublicKeyError, public_key
from tests.helpers import raises

SECRET = bytes(range(1, 33))
PUBLIC = public_key(SECRET)
EPHEMERAL = bytes(range(100, 132))
IV = bytes(range(16))
CONTEXT = b"PSEN\x00\x00\x00\x07"
BOX = seal(PUBLIC, EPHEMERAL, IV, CONTEXT, b"meter keys of gateway 7")


def test_aes_256_cbc_gives_the_blocks_of_nist():
    key = bytes.fromhex("603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4")
    plaintext = bytes.fromhex("6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51")
    ciphertext = bytes.fromhex("f58c4c04d6e5f1ba779eabfb5f7bfbd69cfc4e967edb808d679f777bc6702c7d")

    assert aes256_cbc_encrypt(key, IV, plaintext) == ciphertext
    assert aes256_cbc_decrypt(key, IV, ciphertext) == plaintext


def test_aes_with_a_wrong_length_is_our_bug():
    for key, iv, data in ((bytes(16), IV, bytes(16)), (bytes(32), IV[:15], bytes(16)), (bytes(32), IV, bytes(15))):
        raises(AssertionError, aes256_cbc_encrypt, key, iv, data)
        raises(AssertionError, aes256_cbc_decrypt, key, iv, data)


def test_a_box_opens_to_what_was_sealed_at_every_length_around_a_block():
    for length in (0, 1, 15, 16, 17, 31, 32, 200):
        plaintext = bytes([i & 0xFF for i in range(length)])

        box = seal(PUBLIC, EPHEMERAL, IV, CONTEXT, plaintext)

        assert open_sealed(SECRET, PUBLIC, CONTEXT, box) == plaintext
        assert len(box) == SEALED_LENGTH_MIN + length // 16 * 16


def test_a_box_has_its_layout():
    assert BOX[0] == 1
    assert BOX[1:33] == public_key(EPHEMERAL)
    assert BOX[33:49] == IV
    assert len(BOX) == 49 + 32 + 32


def test_a_box_is_the_same_bytes_on_every_interpreter():
    assert BOX.hex() == (
        "017d9c24316539825c1896e57f28197746793ce60cbee3ad47da9d07b85fa55e2a000102030405060708090a0b0c0d0e"
        "0f8436112d4324d8e3c3552e52d55f64c1de7948ea5a8c4c4474d1da2d68192cea32be1ce24cd6a145d92cc8dc89d941"
        "95bb467919149da6c9085068f637555d59"
    )


def test_a_change_of_any_byte_is_refused():
    for position in range(0, len(BOX), 5):
        changed = bytearray(BOX)
        changed[position] ^= 0x40

        raises(SealError, open_sealed, SECRET, PUBLIC, CONTEXT, bytes(changed))


def test_another_context_is_refused():
    for context in (b"", CONTEXT + b"\x00", CONTEXT[:-1], b"PSEN\x00\x00\x00\x08"):
        raises(SealError, open_sealed, SECRET, PUBLIC, context, BOX)


def test_another_key_is_refused():
    other = bytes(range(2, 34))

    raises(SealError, open_sealed, other, public_key(other), CONTEXT, BOX)
    raises(SealError, open_sealed, SECRET, public_key(other), CONTEXT, BOX)


def test_a_box_that_was_cut_or_grew_is_refused():
    for box in (b"", BOX[:1], BOX[:96], BOX[:-1], BOX[:-16], BOX + b"\x00", BOX + bytes(16)):
        raises(SealError, open_sealed, SECRET, PUBLIC, CONTEXT, box)


def test_an_unknown_version_is_named_in_the_error():
    error = raises(SealError, open_sealed, SECRET, PUBLIC, CONTEXT, b"\x02" + BOX[1:])

    assert "version 2" in str(error)
    assert isinstance(error, SharedError)


def test_an_ephemeral_key_of_small_order_is_refused():
    raises(SealError, open_sealed, SECRET, PUBLIC, CONTEXT, BOX[:1] + bytes(32) + BOX[33:])


def test_sealing_to_a_key_of_small_order_is_refused():
    raises(PublicKeyError, seal, bytes(32), EPHEMERAL, IV, CONTEXT, b"secret")


def test_opening_pauses_many_times():
    assert sum([1 for _ in open_steps(SECRET, PUBLIC, CONTEXT, BOX)]) >= 60
