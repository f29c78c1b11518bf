"""Secrets at rest: AES-256-GCM under a key-encryption key that comes from a file and never enters the database."""

import hashlib
import secrets
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from cloud.config import Config, ConfigError

_KEK_BYTES = 32
_NONCE_BYTES = 12  # NIST SP 800-38D, 8.2.2: random nonces of 96 bits
_ID_BYTES = 8


class SecretDamaged(Exception):
    """A ciphertext, its nonce or what it is bound to was changed since it was sealed."""


class SecretLocked(Exception):
    """A ciphertext was sealed under a key-encryption key that is not loaded."""


@dataclass(frozen=True)
class Sealed:
    """A ciphertext as it is stored; `kek_id` says which key-encryption key opens it."""

    kek_id: str
    nonce: bytes
    ciphertext: bytes


class Kek:
    """One key-encryption key."""

    def __init__(self, key: bytes) -> None:
        assert len(key) == _KEK_BYTES, "a key-encryption key has 32 bytes"
        self.id = hashlib.sha256(b"penstock kek id" + key).digest()[:_ID_BYTES].hex()
        self._cipher = AESGCM(key)

    def seal(self, secret: bytes, bound_to: str) -> Sealed:
        """Encrypt a secret so that it opens only together with the text that it is bound to."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return Sealed(self.id, nonce, self._cipher.encrypt(nonce, secret, bound_to.encode()))

    def open(self, sealed: Sealed, bound_to: str) -> bytes:
        """Return the secret; SecretDamaged if anything is not as it was sealed."""
        try:
            return self._cipher.decrypt(sealed.nonce, sealed.ciphertext, bound_to.encode())
        except InvalidTag:
            raise SecretDamaged(f"the stored secret of {bound_to} was changed; restore it from a backup") from None


class Keyring:
    """The present key-encryption key, which seals, and those before it, which still open."""

    def __init__(self, present: Kek, *previous: Kek) -> None:
        self.present = present
        self._by_id = {kek.id: kek for kek in (*previous, present)}

    def seal(self, secret: bytes, bound_to: str) -> Sealed:
        """Encrypt under the present key-encryption key."""
        return self.present.seal(secret, bound_to)

    def open(self, sealed: Sealed, bound_to: str) -> bytes:
        """Decrypt under whichever key sealed it; SecretLocked if that one is not loaded."""
        kek = self._by_id.get(sealed.kek_id)
        if kek is None:
            raise SecretLocked(f"key-encryption key {sealed.kek_id} is not loaded; set PENSTOCK_KEK_PREVIOUS_FILE")
        return kek.open(sealed, bound_to)


def keyring(config: Config) -> Keyring | None:
    """Return the configured keys, None when there is none; ConfigError when one is malformed."""
    if config.kek_file is not None:
        present = _from_file(config.kek_file, "PENSTOCK_KEK_FILE")
    elif config.kek is not None:
        present = _from_hex(config.kek.get_secret_value(), "PENSTOCK_KEK")
    else:
        return None
    if config.kek_previous_file is None:
        return Keyring(present)
    return Keyring(present, _from_file(config.kek_previous_file, "PENSTOCK_KEK_PREVIOUS_FILE"))


def write_new_kek(path: Path) -> None:
    """Write a fresh key-encryption key to a file that does not exist yet and that only its owner may read."""
    path.touch(mode=0o600, exist_ok=False)
    path.write_text(secrets.token_hex(_KEK_BYTES) + "\n")


def _from_file(path: Path, setting: str) -> Kek:
    try:
        return _from_hex(path.read_text(), setting)
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not text"
        raise ConfigError(f"{setting}: cannot read {path}: {reason}") from None


def _from_hex(text: str, setting: str) -> Kek:
    try:
        key = bytes.fromhex(text.strip())
    except ValueError:
        key = b""
    if len(key) != _KEK_BYTES:
        raise ConfigError(f"{setting}: expected 64 hex digits; make one with: python -m cloud keystore new-kek FILE")
    return Kek(key)
