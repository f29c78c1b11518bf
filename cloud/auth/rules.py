"""Who may do what, and when a login must wait: scopes, roles and the lock-out as pure functions."""

import hashlib

SCOPES = frozenset(
    {
        "accounts:approve",
        "accounts:read",
        "accounts:write",
        "agents:approve",
        "agents:read",
        "agents:write",
        "api-keys:write",
        "audit:read",
        "billing:approve",
        "billing:read",
        "billing:write",
        "bills:pay",
        "books:read",
        "cases:read",
        "cases:write",
        "commands:approve",
        "commands:read",
        "commands:write",
        "customers:read",
        "customers:write",
        "debts:approve",
        "debts:read",
        "debts:write",
        "enrolment",
        "free-tokens:write",
        "key-changes:read",
        "key-changes:write",
        "ledger:read",
        "messages:read",
        "meters:read",
        "meters:swap",
        "meters:write",
        "operators:read",
        "operators:write",
        "payments:approve",
        "payments:read",
        "payments:write",
        "policies:read",
        "policies:write",
        "reconciliation:read",
        "reconciliation:write",
        "refunds:approve",
        "refunds:pay",
        "refunds:read",
        "refunds:write",
        "releases:read",
        "releases:write",
        "rollouts:approve",
        "rollouts:read",
        "rollouts:write",
        "support",
        "tariffs:approve",
        "tariffs:read",
        "tariffs:write",
        "tenders:prove",
        "tills:approve",
        "tills:read",
        "tills:write",
        "token-requests:read",
        "tokens:approve",
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
    | {"accounts:read", "accounts:write", "meters:swap", "refunds:read", "refunds:write"}
    | {"debts:read", "debts:write", "billing:read", "billing:write"}
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
    | {"policies:read", "policies:write", "support"}
    | {"releases:read", "rollouts:read", "rollouts:write"}
    | {"agents:read", "agents:write", "tills:read", "tills:write", "free-tokens:write", "token-requests:read"}
    | {"reconciliation:read", "reconciliation:write", "tenders:prove"},
    "cashier": _OVERVIEW
    | {"vouchers:redeem", "debts:read", "vend", "vends:read", "customers:write"}
    | {"tills:write", "bills:pay", "billing:read"}
    | {"accounts:read", "refunds:read", "refunds:pay"},
    "agent": frozenset({"vend", "vends:read", "agents:read"}),
    "tariff_manager": _OVERVIEW | {"tariffs:write", "policies:read", "policies:write"},
    "approver": _APPROVALS
    | _OVERVIEW
    | {
        "token-requests:read",
        "payments:read",
        "vends:read",
        "commands:read",
        "policies:read",
        "cases:read",
        "agents:read",
        "tills:read",
        "billing:read",
        "reconciliation:read",
        "tenders:prove",
        "accounts:read",
        "refunds:read",
        "debts:read",
        "releases:read",
        "rollouts:read",
    },
    "auditor": _READS,
    "installer": frozenset(
        {"accounts:read", "meters:swap", "meters:read", "meters:write", "enrolment", "ledger:read", "utilities:read"}
    ),
    "support": _OVERVIEW
    | {
        "accounts:read",
        "billing:read",
        "debts:read",
        "refunds:read",
        "support",
        "vends:read",
        "vends:void",
        "ledger:read",
        "cases:read",
        "cases:write",
        "commands:read",
    }
    | {"messages:read", "free-tokens:write", "token-requests:read"},
}

AGENT = "agent"

SESSION_LIFE_S = 12 * 3600
SESSION_IDLE_S = 3600
_FREE_FAILURES = 5
_LOCK_FIRST_S = 30
_LOCK_LONGEST_S = 900


def scopes_of(role: str, agent_id: int | None) -> frozenset[str]:
    """Return what an operator may do; an agent's seller may nothing until bound to one, whose sales alone they see."""
    return frozenset() if role == AGENT and agent_id is None else ROLES.get(role, frozenset())


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
