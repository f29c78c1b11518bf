"""Our Ed25519, X25519, HMAC, HKDF and SHA-512 against pyca/cryptography (OpenSSL) and hashlib, on random input."""

import hashlib
import hmac
import random
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from shared import ed25519, x25519
from shared.edwards25519 import L
from shared.hkdf import hkdf_sha256
from shared.hmac import hmac_sha256
from shared.sha512_plain import sha512_plain
from tests.helpers import load_vectors
from tools import make_comb

ROUNDS = 100


def library_accepts(public: bytes, message: bytes, signature: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def test_random_keys_and_signatures_are_those_of_the_library(chance: random.Random) -> None:
    for _ in range(ROUNDS):
        seed, message = chance.randbytes(32), chance.randbytes(chance.randrange(400))
        library = Ed25519PrivateKey.from_private_bytes(seed)

        signature = ed25519.sign(seed, message)

        assert ed25519.public_key(seed) == library.public_key().public_bytes_raw()
        assert signature == library.sign(message)
        assert ed25519.verify(ed25519.public_key(seed), message, signature)


def test_a_random_change_gets_the_verdict_of_the_library(chance: random.Random) -> None:
    for _ in range(ROUNDS):
        seed, message = chance.randbytes(32), chance.randbytes(40)
        public = ed25519.public_key(seed)
        whole = bytearray(public + message + ed25519.sign(seed, message))
        whole[chance.randrange(len(whole))] ^= 1 << chance.randrange(8)

        changed = bytes(whole[:32]), bytes(whole[32:-64]), bytes(whole[-64:])

        assert ed25519.verify(*changed) is library_accepts(*changed) is False


def test_well_formed_and_the_library_together_are_our_verify() -> None:
    for case in load_vectors("ed25519")["edge"]:
        public, message, signature = (bytes.fromhex(case[name]) for name in ("public", "message", "signature"))

        both = ed25519.well_formed(public, signature) and library_accepts(public, message, signature)

        assert both is ed25519.verify(public, message, signature)


def test_a_signature_with_s_plus_l_is_refused_by_both(chance: random.Random) -> None:
    seed = chance.randbytes(32)
    signature = ed25519.sign(seed, b"m")
    larger = signature[:32] + (int.from_bytes(signature[32:], "little") + L).to_bytes(32, "little")

    assert not ed25519.verify(ed25519.public_key(seed), b"m", larger)
    assert not library_accepts(ed25519.public_key(seed), b"m", larger)


def test_random_agreements_are_those_of_the_library(chance: random.Random) -> None:
    for _ in range(ROUNDS):
        secret, u = chance.randbytes(32), chance.randbytes(32)
        library = X25519PrivateKey.from_private_bytes(secret)

        assert x25519.public_key(secret) == library.public_key().public_bytes_raw()
        assert x25519.x25519(secret, u) == library.exchange(X25519PublicKey.from_public_bytes(u))


def test_a_thousand_iterations_of_rfc_7748_give_its_output() -> None:
    scalar = u = bytes([9]) + bytes(31)
    for _ in range(1000):
        scalar, u = x25519.x25519(scalar, u), scalar

    assert scalar.hex() == load_vectors("x25519")["after_1000"]


def test_random_hashes_and_derived_keys_are_those_of_the_library(chance: random.Random) -> None:
    for _ in range(ROUNDS):
        key, salt, message = (chance.randbytes(chance.randrange(200)) for _ in range(3))
        length = chance.randrange(1, 300)
        library = HKDF(algorithm=hashes.SHA256(), length=length, salt=salt, info=message)

        assert sha512_plain(message) == hashlib.sha512(message).digest()
        assert hmac_sha256(key, message) == hmac.new(key, message, "sha256").digest()
        assert hkdf_sha256(key, salt, message, length) == library.derive(key)


def test_the_comb_that_is_shipped_is_the_comb_that_is_made() -> None:
    assert Path("shared/ed25519_comb.py").read_text() == make_comb.module_text()
