"""Who may do what, and when a login must wait: scopes, roles and the lock-out as pure functions."""

import hashlib

SCOPES = frozenset(
    {
        "api-keys:write",
        "audit:read",
        "books:read",
        "cases:read",
        "cases:write",
        "commands:approve",
        "commands:read",
        "commands:write",
        "customers:read",
        "customers:write",
        "debts:read",
        "debts:write",
        "enrolment",
        "key-changes:read",
        "key-changes:write",
        "ledger:read",
        "messages:read",
        "meters:read",
        "meters:write",
        "operators:read",
        "operators:write",
        "payments:approve",
        "payments:read",
        "payments:write",
        "policies:read",
        "policies:write",
        "support",
        "tariffs:approve",
        "tariffs:read",
        "tariffs:write",
        "utilities:read",
        "utilities:write",
        "vend",
        "vending-keys:read",
        "vending-keys:write",
        "vends:read",
        "vends:void",
        "vouchers:read",
        "vouchers:redeem",
        "vouchers:write",
    }
)

_READS = frozenset(scope for scope in SCOPES if scope.endswith(":read"))
_APPROVALS = frozenset(scope for scope in SCOPES if scope.endswith(":approve"))
_OVERVIEW = frozenset({"utilities:read", "customers:read", "meters:read", "tariffs:read"})

# Each role has what its work needs, and nothing that would let one person both ask for and approve.
ROLES: dict[str, frozenset[str]] = {
    "administrator": SCOPES,
    "operator": _OVERVIEW
    | {"debts:read", "debts:write"}
    | {"customers:write", "meters:write", "enrolment", "ledger:read", "vends:read", "messages:read"}
    | {
        "payments:read",
        "payments:write",
        "cases:read",
        "cases:write",
        "commands:read",
        "commands:write",
        "key-changes:read",
        "key-changes:write",
    }
    | {"policies:read", "policies:write", "support"},
    "cashier": _OVERVIEW | {"vouchers:redeem", "debts:read", "vend", "vends:read", "customers:write"},
    "tariff_manager": _OVERVIEW | {"tariffs:write", "policies:read", "policies:write"},
    "approver": _APPROVALS
    | _OVERVIEW
    | {"payments:read", "vends:read", "commands:read", "policies:read", "cases:read"},
    "auditor": _READS,
    "installer": frozenset({"meters:read", "meters:write", "enrolment", "ledger:read", "utilities:read"}),
    "support": _OVERVIEW
    | {"debts:read", "support", "vends:read", "vends:void", "ledger:read", "cases:read", "cases:write", "commands:read"}
    | {"messages:read"},
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


def matrix() -> str:
    """Return the table of scopes and roles as Markdown, for the documents."""
    head = "| scope | " + " | ".join(ROLES) + " |"
    rows = [
        f"| `{scope}` | " + " | ".join("x" if scope in scopes else "" for scopes in ROLES.values()) + " |"
        for scope in sorted(SCOPES)
    ]
    return "\n".join([head, "|---|" + ":-:|" * len(ROLES), *rows])
