"""SHA-512 (FIPS 180-4): hashlib's where the interpreter has it, else our own, which runs in slices."""

import hashlib

from shared.compat import VIPER
from shared.slices import finish

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Generator

if VIPER and not TYPE_CHECKING:
    from shared.sha512_viper import digest_steps
else:
    from shared.sha512_plain import digest_steps


def sha512(*parts: bytes) -> bytes:
    """Return the 64-byte SHA-512 of the parts joined."""
    return finish(sha512_steps(*parts))


def sha512_steps(*parts: bytes) -> "Generator[None, None, bytes]":
    """Return the 64-byte SHA-512 of the parts joined; yields only where hashlib lacks it."""
    if not hasattr(hashlib, "sha512"):
        return (yield from digest_steps(b"".join(parts)))
    state = hashlib.sha512()
    for part in parts:
        state.update(part)
    return state.digest()
