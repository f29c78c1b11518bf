"""Ed25519 against RFC 8032 and against signatures that are made to be accepted by some verifiers only."""

from shared import ed25519
from shared.edwards25519 import IDENTITY, L, add, decode_steps, double, encode_steps, prepared, times_base_steps
from shared.field25519 import P
from shared.slices import finish
from tests.helpers import load_vectors, raises

SEED = bytes(range(32))
PUBLIC = ed25519.public_key(SEED)
MESSAGE = b"ledger head"
SIGNATURE = ed25519.sign(SEED, MESSAGE)


def rfc_cases():
    for case in load_vectors("ed25519")["cases"]:
        yield [bytes.fromhex(case[name]) for name in ("seed", "public", "message", "signature")]


def test_every_case_of_rfc_8032_gives_its_key_and_its_signature_and_verifies():
    for seed, public, message, signature in rfc_cases():
        assert ed25519.public_key(seed) == public
        assert ed25519.sign(seed, message) == signature
        assert ed25519.verify(public, message, signature)


def test_messages_of_many_lengths_give_the_signatures_of_the_authors():
    for case in load_vectors("ed25519")["more"]:
        seed, message = bytes.fromhex(case["seed"]), bytes.fromhex(case["message"])

        assert ed25519.sign(seed, message).hex() == case["signature"]


def test_signatures_on_which_verifiers_differ_get_our_verdict():
    for case in load_vectors("ed25519")["edge"]:
        public, message, signature = [bytes.fromhex(case[name]) for name in ("public", "message", "signature")]

        assert ed25519.verify(public, message, signature) is case["accepted"], case["name"]


def test_any_flipped_bit_of_the_signature_is_refused():
    for bit in range(0, 512, 23):
        assert not ed25519.verify(PUBLIC, MESSAGE, flipped(SIGNATURE, bit))


def test_a_flipped_bit_of_the_message_or_the_key_is_refused():
    for bit in range(0, 256, 37):
        assert not ed25519.verify(flipped(PUBLIC, bit), MESSAGE, SIGNATURE)
    for bit in range(0, 8 * len(MESSAGE), 19):
        assert not ed25519.verify(PUBLIC, flipped(MESSAGE, bit), SIGNATURE)


def test_a_scalar_of_l_or_more_is_refused():
    scalar = int.from_bytes(SIGNATURE[32:], "little")
    for too_large in (scalar + L, L, 2**256 - 1):
        assert not ed25519.verify(PUBLIC, MESSAGE, SIGNATURE[:32] + too_large.to_bytes(32, "little"))


def test_wrong_lengths_are_refused_without_an_error():
    for public in (b"", PUBLIC[:31], PUBLIC + b"\x00"):
        assert ed25519.verify(public, MESSAGE, SIGNATURE) is False
    for signature in (b"", SIGNATURE[:63], SIGNATURE + b"\x00"):
        assert ed25519.verify(PUBLIC, MESSAGE, signature) is False


def test_an_encoding_with_y_of_p_or_more_is_no_point():
    for y in (P, P + 1, 2**255 - 1):
        for sign in (0, 1 << 255):
            encoding = (y | sign).to_bytes(32, "little")

            assert finish(decode_steps(encoding)) is None
            assert not ed25519.verify(encoding, MESSAGE, SIGNATURE)


def test_an_encoding_with_x_of_zero_and_the_sign_bit_is_no_point():
    for y in (1, P - 1):
        assert finish(decode_steps(y.to_bytes(32, "little"))) is not None
        assert finish(decode_steps((y | 1 << 255).to_bytes(32, "little"))) is None


def test_each_of_the_eight_points_of_small_order_is_refused_as_key_and_as_commitment():
    small = small_order_encodings()
    assert len(small) == 8
    for encoding in small:
        assert not ed25519.well_formed(encoding, SIGNATURE)
        assert not ed25519.well_formed(PUBLIC, encoding + SIGNATURE[32:])
        assert not ed25519.verify(encoding, MESSAGE, SIGNATURE)


def test_a_point_off_the_curve_is_refused():
    encodings = [y.to_bytes(32, "little") for y in range(2, 20)]
    off_curve = [encoding for encoding in encodings if finish(decode_steps(encoding)) is None]

    assert off_curve
    for encoding in off_curve:
        assert not ed25519.verify(encoding, MESSAGE, SIGNATURE)


def test_the_comb_gives_the_multiples_that_additions_give():
    base = finish(times_base_steps(1))
    point = IDENTITY
    for scalar in range(20):
        assert encoded(finish(times_base_steps(scalar))) == encoded(point)
        point = add(point, prepared(base))
    assert encoded(add(finish(times_base_steps(L - 1)), prepared(base))) == encoded(IDENTITY)


def test_signing_and_verifying_pause_many_times():
    signing = sum([1 for _ in ed25519.sign_steps(SEED, PUBLIC, MESSAGE)])
    verifying = sum([1 for _ in ed25519.verify_steps(PUBLIC, MESSAGE, SIGNATURE)])

    assert signing >= 12
    assert verifying >= 80


def test_a_seed_or_key_of_wrong_length_is_our_bug():
    raises(AssertionError, ed25519.public_key, SEED[:31])
    raises(AssertionError, ed25519.sign, SEED + b"\x00", MESSAGE)
    raises(AssertionError, finish, ed25519.sign_steps(SEED, PUBLIC[:31], MESSAGE))


def small_order_encodings():
    """Return the encodings of L times every point with y below 40: only the eight points of small order are left."""
    found = set()
    for y in range(40):
        point = finish(decode_steps(y.to_bytes(32, "little")))
        if point is not None:
            multiple = IDENTITY
            for i in range(252, -1, -1):
                multiple = double(multiple)
                if L >> i & 1:
                    multiple = add(multiple, prepared(point))
            found.add(encoded(multiple))
    return found


def encoded(point):
    return finish(encode_steps(point))


def flipped(data, bit):
    changed = bytearray(data)
    changed[bit >> 3] ^= 1 << (bit & 7)
    return bytes(changed)
