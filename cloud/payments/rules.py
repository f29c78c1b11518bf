"""What becomes of a payment, as pure functions: its states, its purchase id, whom it is for, and when to try again."""

import re
import uuid
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from shared.errors import SharedError
from shared.sts.identity import check_drn

RECEIVED, VERIFIED, VENDED, LISTED = "received", "verified", "vended", "listed"
REFUNDING, REFUNDED, DISPUTED, VOID = "refunding", "refunded", "disputed", "void"
USED = "used"
STATES = (RECEIVED, VERIFIED, VENDED, USED, LISTED, REFUNDING, REFUNDED, DISPUTED, VOID)
"""Told of; its money is there; tokens were made; it went to something else; waits for a person; its return is asked
for; returned; something came up after the end, such as money that the provider took back; there is no money."""
OPEN = (RECEIVED, VERIFIED)
WAITING_FOR_PERSON = (LISTED, REFUNDING, DISPUTED)

PAID, FAILED, REVERSED = "paid", "failed", "reversed"
"""What a message of a provider says of a payment."""

STUCK_S = {RECEIVED: 900, VERIFIED: 300}
"""How long a payment may stay in a state before it is an alarm."""
DOUBLE_WITHIN_S = 1800
"""A second payment of the same amount for a meter in this time, while the first is stuck, looks like a double."""
SILENT = ("flutterwave", "mpesa")
"""Providers that do not tell of money that they took back."""
LOOK_AGAIN_S = (3600, 86_400, 3 * 86_400, 7 * 86_400, 30 * 86_400)
"""How long after a sale its provider is asked whether the money was taken back, where it does not tell by itself."""
RETRY_FIRST_S = 5
RETRY_LONGEST_S = 900
_NAMESPACE = uuid.UUID("8d5b2e6c-3f0a-5a54-9d5e-7a1f0c3b9e21")
_DIGITS = re.compile(r"(?<![0-9])(?:[0-9]{11}|[0-9]{13})(?![0-9])")
_SPACES = re.compile(r"[\s\-./]+")


@dataclass(frozen=True)
class Notice:
    """What a provider says of one payment. `amount_minor` is in minor units of `currency`; times in seconds."""

    kind: str
    reference: str
    amount_minor: int
    currency: str
    account_reference: str
    paid_at: int


def purchase_id(provider: str, reference: str) -> str:
    """Return the UUID under which a payment buys (RFC 9562, version 5): the same payment can only repeat the sale."""
    return str(uuid.uuid5(_NAMESPACE, f"{provider}\n{reference}"))


def drn_of(account_reference: str) -> str | None:
    """Return the meter number that a payer typed, with separators or among words; None without one, or with two."""
    found = {
        text for text in [_SPACES.sub("", account_reference), *_DIGITS.findall(account_reference)] if _is_drn(text)
    }
    return found.pop() if len(found) == 1 else None


def _is_drn(text: str) -> bool:
    try:
        check_drn(text)
    except SharedError:
        return False
    return True


def retry_after_s(attempts: int) -> int:
    """Return the wait after this many attempts: 5 s, doubling up to 15 min."""
    return min(RETRY_FIRST_S << min(max(attempts - 1, 0), 20), RETRY_LONGEST_S)


def minor(amount: Decimal | str | int, digits: int) -> int:
    """Return an amount of major units in minor ones; ValueError if it is no amount, or has more decimals than that."""
    try:
        scaled = Decimal(amount).scaleb(digits)
    except InvalidOperation:
        raise ValueError(f"{amount!r} is no amount") from None
    if not scaled.is_finite() or scaled != scaled.to_integral_value() or abs(scaled) > 10**15:
        raise ValueError(f"{amount!r} is no amount with at most {digits} decimals")
    return int(scaled)


def next_look_at(sold_at: int, looks: int) -> int | None:
    """Return when a provider is asked again about a payment that was sold for; None after the last time."""
    return sold_at + LOOK_AGAIN_S[looks] if looks < len(LOOK_AGAIN_S) else None


def stuck_for_s(state: str, since: int, now: int) -> int:
    """Return for how many seconds a payment is stuck; 0 while it is in time or done."""
    limit = STUCK_S.get(state)
    waited = now - since
    return waited if limit is not None and waited > limit else 0
