"""Failed log-ins in the audit: an account's first since it was last signed in to, and each that locks it.

So somebody who guesses writes few entries, and leaves some. Of addresses that no account has, the first in a minute is
written, without the address: people type their password there.
"""

from cloud.audit import service as audit
from cloud.auth.actor import system
from cloud.auth.limiter import Limiter
from cloud.auth.models import Operator
from cloud.db import Database
from cloud.errors import TooManyRequests

PASSWORD, SECOND_FACTOR = "password", "second factor"
_MINUTE_S = 60
_ANYBODY = ""


class Failures:
    """Writes failures, each in a transaction of its own, as that of the attempt is undone."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._unknown = Limiter(1, _MINUTE_S)

    async def of(self, operator: Operator, what: str, remote: str, now: int) -> None:
        """Write that a password or a code of an account was wrong, if this failure is one to be written."""
        locked_s = max(0, operator.locked_until - now)
        if operator.failed_logins != 1 and not locked_s:
            return
        detail = {"wrong": what, "failures": operator.failed_logins, "locked_s": locked_s, "remote": remote}
        await self._write(f"operator:{operator.id}", detail, operator.utility_id, now)

    async def of_nobody(self, remote: str, now: int) -> None:
        """Write that somebody tried an address that no account has, if none was written in the last minute."""
        try:
            self._unknown.count(_ANYBODY, now)
        except TooManyRequests:
            return
        await self._write("operator:unknown", {"remote": remote}, None, now)

    async def _write(self, subject: str, detail: dict[str, object], utility_id: int | None, now: int) -> None:
        async with self._database.begin() as session:
            await audit.record(
                session, system("login"), "login.failed", subject, detail, utility_id=utility_id, now=now
            )
