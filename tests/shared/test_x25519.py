"""X25519 against RFC 7748, and keys that make no secret."""

from shared.field25519 import P
from shared.slices import finish
from shared.x25519 import PublicKeyError, public_key, x25519, x25519_steps
from tests.helpers import load_vectors, raises

SECRET = bytes(range(32))


def test_both_cases_of_rfc_7748_give_their_output():
    for case in load_vectors("x25519")["cases"]:
        assert x25519(bytes.fromhex(case["scalar"]), bytes.fromhex(case["u"])).hex() == case["output"]


def test_one_iteration_of_rfc_7748_gives_its_output():
    nine = bytes([9]) + bytes(31)

    assert x25519(nine, nine).hex() == load_vectors("x25519")["after_1"]


def test_alice_and_bob_of_rfc_7748_agree():
    case = load_vectors("x25519")["agreement"]
    alice, bob = bytes.fromhex(case["alice_secret"]), bytes.fromhex(case["bob_secret"])

    assert public_key(alice).hex() == case["alice_public"]
    assert public_key(bob).hex() == case["bob_public"]
    assert x25519(alice, public_key(bob)).hex() == x25519(bob, public_key(alice)).hex() == case["shared"]


def test_the_top_bit_of_a_public_key_is_ignored():
    public = public_key(bytes(32))

    assert x25519(SECRET, public[:31] + bytes([public[31] | 0x80])) == x25519(SECRET, public)


def test_a_public_key_of_p_or_more_counts_modulo_p():
    assert x25519(SECRET, (P + 9).to_bytes(32, "little")) == public_key(SECRET)


def test_public_keys_of_small_order_are_refused():
    for u in (0, 1, P - 1, P, P + 1, ORDER_8, OTHER_ORDER_8):
        error = raises(PublicKeyError, x25519, SECRET, u.to_bytes(32, "little"))

        assert "small order" in str(error)


def test_a_public_key_of_wrong_length_is_refused():
    for length in (0, 31, 33):
        error = raises(PublicKeyError, x25519, SECRET, bytes(length))

        assert "32 bytes" in str(error)


def test_a_secret_key_of_wrong_length_is_our_bug():
    raises(AssertionError, x25519, SECRET[:31], public_key(SECRET))


def test_the_agreement_pauses_many_times():
    steps = x25519_steps(SECRET, public_key(SECRET))

    assert sum([1 for _ in steps]) >= 60
    assert finish(x25519_steps(SECRET, public_key(bytes(32)))) == x25519(SECRET, public_key(bytes(32)))


# The two u of points of order 8 (RFC 7748 section 7 points to the list at cr.yp.to/ecdh.html).
ORDER_8 = 325606250916557431795983626356110631294008115727848805560023387167927233504
OTHER_ORDER_8 = 39382357235489614581723060781553021112529911719440698176882885853963445705823
