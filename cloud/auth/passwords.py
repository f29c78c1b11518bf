"""Password hashing with argon2id, in a thread and a few at a time, so that logins cannot starve the service."""

import asyncio

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

_MEMORY_KIB = 19456  # OWASP Password Storage Cheat Sheet: 19 MiB, two passes, one lane
_PASSES = 2
_LANES = 1
_AT_ONCE = 2

PASSWORD_LENGTH_MIN = 12
PASSWORD_LENGTH_MAX = 200


class Passwords:
    """Hashes and checks passwords."""

    def __init__(self) -> None:
        self._hasher = PasswordHasher(time_cost=_PASSES, memory_cost=_MEMORY_KIB, parallelism=_LANES)
        self._places = asyncio.Semaphore(_AT_ONCE)
        self._nobody: str | None = None

    async def hash(self, password: str) -> str:
        """Return the argon2id hash, with its parameters and salt, as text."""
        async with self._places:
            return await asyncio.to_thread(self._hasher.hash, password)

    async def matches(self, password_hash: str | None, password: str) -> bool:
        """Tell whether the password fits; for None, an unknown account, take the same time and say no."""
        if password_hash is None:
            await self._check(await self._nobodys_hash(), password)
            return False
        return await self._check(password_hash, password)

    async def _nobodys_hash(self) -> str:
        if self._nobody is None:
            self._nobody = await self.hash("the password of nobody")
        return self._nobody

    async def _check(self, password_hash: str, password: str) -> bool:
        async with self._places:
            return await asyncio.to_thread(self._verify, password_hash, password)

    def _verify(self, password_hash: str, password: str) -> bool:
        try:
            return self._hasher.verify(password_hash, password)
        except (VerificationError, InvalidHashError):
            return False
