"""How much one gateway may send: a burst, and a rate. What is above waits at the gateway, and delays nobody else.

A signature says who sent an entry, not that there is a reason for it. The burst is more than a gateway's flash holds:
one that comes back after a year is taken in at once. It is kept in memory, so another process counts anew.
"""

from collections import OrderedDict
from dataclasses import dataclass

_GATEWAYS_KEPT = 50_000
_HOUR_S = 3600


@dataclass(frozen=True)
class Allowance:
    """In units of one entry: what a gateway may send at once, and how much of that comes back in an hour."""

    burst: int = 50_000
    per_hour: int = 2_000


@dataclass
class _Account:
    """What a gateway has spent, in units * _HOUR_S so that the rate divides without rest, as of `at`."""

    spent: int
    at: int
    told_at: int


class Pace:
    """The accounts of the gateways that were heard last; one that is forgotten begins with the whole burst."""

    def __init__(self, allowance: Allowance | None = None) -> None:
        self._allowance = allowance or Allowance()
        self._accounts: OrderedDict[int, _Account] = OrderedDict()

    def has_room(self, gateway: int, now: int) -> bool:
        """Tell whether the next message of a gateway may be taken in."""
        account = self._accounts.get(gateway)
        return account is None or self._left(account, now) >= _HOUR_S

    def spend(self, gateway: int, units: int, now: int) -> None:
        """Count what a gateway has sent; the last message may go below zero, which later time pays back."""
        account = self._accounts.setdefault(gateway, _Account(0, now, -_HOUR_S))
        self._left(account, now)
        account.spent += units * _HOUR_S
        self._accounts.move_to_end(gateway)
        if len(self._accounts) > _GATEWAYS_KEPT:
            self._accounts.popitem(last=False)

    def is_news(self, gateway: int, now: int) -> bool:
        """Tell, once an hour, that a gateway without room is to be reported."""
        account = self._accounts[gateway]
        if 0 <= now - account.told_at < _HOUR_S:
            return False
        account.told_at = now
        return True

    def _left(self, account: _Account, now: int) -> int:
        """Bring an account up to date; return what may be sent, below zero if too much was."""
        passed_s = max(0, now - account.at)  # a clock that is set back gives nothing and takes nothing
        account.spent = max(0, account.spent - passed_s * self._allowance.per_hour)
        account.at = now
        return self._allowance.burst * _HOUR_S - account.spent
