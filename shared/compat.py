"""The only place in shared/ where the two interpreters are told apart: constants and AES-256-CBC."""

try:
    import cryptolib  # type: ignore[import-not-found]

    _ON_MICROPYTHON = True
except ImportError:
    _ON_MICROPYTHON = False

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeVar

    T = TypeVar("T")

_MODE_CBC = 2  # cryptolib's number for it
_BLOCK_LENGTH = 16
_KEY_LENGTH = 32


def _has_viper() -> bool:
    try:
        exec("@micropython.viper\ndef probe(): pass", {})  # noqa: S102 - the compiler is asked, with a fixed text
    except (SyntaxError, NameError):  # a port without native code; CPython
        return False
    return True


VIPER = _has_viper()
"""Whether modules whose name ends in _viper can be compiled here; each has a twin ending in _plain."""


def const(value: "T") -> "T":
    """Mark a constant. MicroPython's compiler folds the bare word const away before this could be called."""
    return value


def aes256_cbc_encrypt(key: bytes, iv: bytes, data: bytes) -> bytes:
    """Encrypt data, whole 16-byte blocks and no padding, with a 32-byte key and a 16-byte iv (NIST SP 800-38A)."""
    _check(key, iv, data)
    if _ON_MICROPYTHON:
        return bytes(cryptolib.aes(key, _MODE_CBC, iv).encrypt(data))
    encryptor = _library_cipher(key, iv).encryptor()
    return bytes(encryptor.update(data) + encryptor.finalize())


def aes256_cbc_decrypt(key: bytes, iv: bytes, data: bytes) -> bytes:
    """Decrypt data, whole 16-byte blocks and no padding, with a 32-byte key and a 16-byte iv (NIST SP 800-38A)."""
    _check(key, iv, data)
    if _ON_MICROPYTHON:
        return bytes(cryptolib.aes(key, _MODE_CBC, iv).decrypt(data))
    decryptor = _library_cipher(key, iv).decryptor()
    return bytes(decryptor.update(data) + decryptor.finalize())


def _check(key: bytes, iv: bytes, data: bytes) -> None:
    assert len(key) == _KEY_LENGTH, "an AES-256 key has 32 bytes"
    assert len(iv) == _BLOCK_LENGTH, "an AES iv has 16 bytes"
    assert len(data) % _BLOCK_LENGTH == 0, "AES-CBC takes whole blocks of 16 bytes"


def _library_cipher(key: bytes, iv: bytes):  # type: ignore[no-untyped-def]
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes  # late: only CPython has it

    return Cipher(algorithms.AES(key), modes.CBC(iv))
