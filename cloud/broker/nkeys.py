"""NATS account keys and the JWTs signed with them, as far as the auth callout needs (nats-architecture ADR-26, nkeys).

An nkey is an Ed25519 key in base32: a prefix byte that says what it is, the key, and a CRC-16/XMODEM, little-endian.
"""

import base64
import binascii
import hashlib
import json
import secrets
from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

_PREFIX_ACCOUNT = 0  # shown as "A"
_PREFIX_SEED = 18 << 3  # shown as "S"
_HEADER = {"typ": "JWT", "alg": "ed25519-nkey"}
_SEED_TEXT_LENGTH = 58


class NkeyError(ValueError):
    """Text that is not the nkey it should be; the message does not repeat it."""


class AccountKey:
    """A pair that signs for an account. `seed` is its secret as text, `public` its name ("A…")."""

    def __init__(self, seed: str) -> None:
        self.seed = seed
        self._key = Ed25519PrivateKey.from_private_bytes(_seed_bytes(seed))
        self.public = _text(bytes([_PREFIX_ACCOUNT]) + self._key.public_key().public_bytes_raw())

    @classmethod
    def generate(cls) -> "AccountKey":
        """Make a new pair."""
        prefix = bytes([_PREFIX_SEED | _PREFIX_ACCOUNT >> 5, (_PREFIX_ACCOUNT & 31) << 3])
        return cls(_text(prefix + secrets.token_bytes(32)))

    def sign(self, claims: Mapping[str, Any]) -> str:
        """The JWT of these claims, issued by this account; `iss` and `jti` are filled in."""
        whole = {**claims, "iss": self.public, "jti": ""}
        whole["jti"] = base64.b32encode(hashlib.sha256(_json(whole)).digest()).decode().rstrip("=")
        signed = f"{_url(_json(_HEADER))}.{_url(_json(whole))}"
        return f"{signed}.{_url(self._key.sign(signed.encode()))}"


def claims(token: str) -> dict[str, Any]:
    """The claims of a JWT that came over a trusted path; NkeyError when it is none. The signature is not checked."""
    parts = token.split(".")
    try:
        padded = parts[1] + "=" * (-len(parts[1]) % 4)
        found = json.loads(base64.urlsafe_b64decode(padded))
    except (IndexError, ValueError):
        raise NkeyError("the authorization request is no JWT") from None
    if not isinstance(found, dict):
        raise NkeyError("the authorization request holds no claims")
    return found


def _seed_bytes(seed: str) -> bytes:
    try:
        raw = base64.b32decode(seed + "=" * (-len(seed) % 8))
    except ValueError:
        raise NkeyError("the account seed is not base32") from None
    body, check = raw[:-2], raw[-2:]
    right_kind = len(seed) == _SEED_TEXT_LENGTH and body[0] & 0xF8 == _PREFIX_SEED
    if not right_kind or binascii.crc_hqx(body, 0).to_bytes(2, "little") != check:
        raise NkeyError("the account seed is damaged or of another kind")
    return body[2:]


def _text(raw: bytes) -> str:
    whole = raw + binascii.crc_hqx(raw, 0).to_bytes(2, "little")
    return base64.b32encode(whole).decode().rstrip("=")


def _json(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, separators=(",", ":"), sort_keys=True).encode()


def _url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
