"""Who may do what, and when a login must wait: scopes, roles and the lock-out as pure functions."""

import hashlib

SCOPES = frozenset(
    {
        "api-keys:write",
        "audit:read",
        "cases:read",
        "cases:write",
        "commands:read",
        "commands:write",
        "customers:read",
        "customers:write",
        "enrolment",
        "key-changes:read",
        "key-changes:write",
        "ledger:read",
        "messages:read",
        "meters:read",
        "meters:write",
        "operators:read",
        "operators:write",
        "policies:read",
        "policies:write",
        "support",
        "tariffs:read",
        "tariffs:write",
        "utilities:read",
        "utilities:write",
        "vend",
        "vending-keys:read",
        "vending-keys:write",
        "vends:read",
        "vends:void",
    }
)

_READS = frozenset(scope for scope in SCOPES if scope.endswith(":read"))

ROLES: dict[str, frozenset[str]] = {
    "admin": SCOPES,
    "cashier": frozenset(
        {"vend", "vends:read", "customers:read", "customers:write", "meters:read", "tariffs:read", "utilities:read"}
    ),
    "engineer": frozenset(
        {"meters:read", "meters:write", "enrolment", "ledger:read", "commands:read", "commands:write"}
        | {"cases:read", "cases:write", "tariffs:read", "utilities:read", "customers:read"}
        | {"key-changes:read", "key-changes:write", "policies:read", "policies:write", "support"}
    ),
    "auditor": _READS,
    "installer": frozenset({"meters:read", "meters:write", "enrolment", "ledger:read", "utilities:read"}),
}

SESSION_LIFE_S = 12 * 3600
SESSION_IDLE_S = 3600
_FREE_FAILURES = 5
_LOCK_FIRST_S = 30
_LOCK_LONGEST_S = 900


def lock_s(failed_logins: int) -> int:
    """Return for how many seconds an account is locked after this many failures in a row: 30 s doubling to 15 min."""
    if failed_logins < _FREE_FAILURES:
        return 0
    return min(_LOCK_FIRST_S << min(failed_logins - _FREE_FAILURES, 10), _LOCK_LONGEST_S)


def csrf_token(session_token: str) -> str:
    """Return the token that must come in a header beside the session cookie; it follows from the secret cookie."""
    return hashlib.sha256(b"penstock csrf " + session_token.encode(errors="surrogateescape")).hexdigest()


def secret_hash(secret: str) -> bytes:
    """Return the 32 bytes kept instead of a random secret; it has 256 bits, so one round of SHA-256 is enough."""
    return hashlib.sha256(secret.encode(errors="surrogateescape")).digest()
