"""The verifier's own role in PostgreSQL: it reads what was sold and writes none of it.

Who takes ledgers in, by `serve --services ingest` under this role, cannot make a sale that explains a token. Of a vend
it writes only which entry used it; else what follows from an entry: verdicts, cases, entries of the books, messages.
"""

import base64
import hashlib
import hmac
import re
import secrets

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from cloud.config import ConfigError
from cloud.tables import METADATA

ADDED = (
    "audit_entry",
    "book_account",
    "book_entry",
    "book_posting",
    "command_counter",
    "gateway_epoch",
    "gateway_firmware",
    "hourly_reading",
    "ledger_case",
    "ledger_entry",
    "ledger_head",
    "message",
    "meter_opening",
    "quarantine",
    "reading_day",
    "verdict",
)
"""Tables that the verifier adds to and changes."""
CHANGED = ("agent", "agent_sale", "command", "gateway", "key_change", "meter", "rollout_gateway")
"""Tables whose rows an entry of a ledger moves on; the verifier adds none."""
COLUMNS = {"vend": ("consumed_at", "consumed_by", "voided_at")}
"""All that is written of what was sold."""
HIDDEN = ("api_key", "operator", "operator_recovery_code", "operator_second_factor", "operator_session")
"""Tables that the verifier does not even read."""
_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
_ITERATIONS = 4096
_SEQUENCES = "SELECT sequencename FROM pg_sequences WHERE schemaname = 'public' AND sequencename = ANY(:names)"


async def grant(engine: AsyncEngine, role: str, password: str) -> None:
    """Make the role, or give it a new password; its rights are set anew. ConfigError where there can be none."""
    if engine.dialect.name != "postgresql":
        raise ConfigError("PENSTOCK_DATABASE_URL: only PostgreSQL has roles")
    if not _NAME.fullmatch(role):
        raise ConfigError("a role's name has small letters, digits and _, and begins with a letter")
    async with engine.begin() as connection:
        there = await connection.scalar(text("SELECT 1 FROM pg_roles WHERE rolname = :role"), {"role": role})
        verb = "ALTER" if there else "CREATE"
        await _run(connection, f"{verb} ROLE {role} LOGIN PASSWORD '{_verifier(password)}'")
        await _run(connection, f"REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {role}")
        await _run(connection, f"REVOKE ALL ON ALL SEQUENCES IN SCHEMA public FROM {role}")
        await _run(connection, f"GRANT USAGE ON SCHEMA public TO {role}")
        for statement in statements(role):
            await _run(connection, statement)
        for sequence in await connection.scalars(text(_SEQUENCES), {"names": [f"{name}_id_seq" for name in ADDED]}):
            await _run(connection, f"GRANT USAGE ON SEQUENCE {sequence} TO {role}")


def statements(role: str) -> list[str]:
    """Return what is granted on the tables that there are."""
    there = sorted(METADATA.tables)
    read = [name for name in there if name not in HIDDEN]
    made = [f"GRANT SELECT ON {name} TO {role}" for name in [*read, "alembic_version"]]
    made += [f"GRANT INSERT, UPDATE ON {name} TO {role}" for name in ADDED if name in there]
    made += [f"GRANT UPDATE ON {name} TO {role}" for name in CHANGED if name in there]
    return made + [f"GRANT UPDATE ({', '.join(columns)}) ON {name} TO {role}" for name, columns in COLUMNS.items()]


async def _run(connection: AsyncConnection, statement: str) -> None:
    await connection.exec_driver_sql(statement)


def _verifier(password: str) -> str:
    """What PostgreSQL keeps of a password (RFC 5802, SCRAM-SHA-256), so that itself it is in no statement or log."""
    salt = secrets.token_bytes(16)
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, _ITERATIONS)
    stored = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server = hmac.digest(salted, b"Server Key", "sha256")
    shown = [base64.b64encode(part).decode() for part in (salt, stored, server)]
    return f"SCRAM-SHA-256${_ITERATIONS}:{shown[0]}${shown[1]}:{shown[2]}"
