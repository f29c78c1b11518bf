"""Audit entries get their place in the chain after they are committed, so that no change waits for another.

What concerns sales alone: the index that finds what is not sealed.
"""

import hashlib
import json

import sqlalchemy as sa
from alembic import op

from cloud.migrations.triggers import allow_edits, forbid_edits

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_FIXED = ("id", "chain", "at", "actor", "action", "subject")
_REFUSED = "audit_entry is append-only"
_ENTRY = "SELECT id, chain, at, actor, action, subject, detail FROM audit_entry WHERE sequence IS NULL ORDER BY id"


def upgrade() -> None:
    allow_edits("audit_entry")
    _nullable(True)
    op.create_index(
        "ix_audit_entry_unsealed",
        "audit_entry",
        ["chain", "id"],
        sqlite_where=sa.text("sequence IS NULL"),
        postgresql_where=sa.text("sequence IS NULL"),
    )
    if op.get_bind().dialect.name == "sqlite":
        _forbid_on_sqlite()
    else:
        _forbid_on_postgresql()


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        allow_edits("audit_entry")
    else:
        op.execute("DROP TRIGGER audit_entry_no_update ON audit_entry")
        allow_edits("audit_entry")
    _seal(op.get_bind())
    op.drop_index("ix_audit_entry_unsealed", "audit_entry")
    _nullable(False)
    forbid_edits("audit_entry")


def _nullable(nullable: bool) -> None:
    with op.batch_alter_table("audit_entry") as table:
        if not nullable:
            table.drop_constraint(op.f("ck_audit_entry_sealed"), type_="check")
        table.alter_column("sequence", existing_type=sa.BigInteger(), nullable=nullable)
        table.alter_column("hash", existing_type=sa.LargeBinary(length=32), nullable=nullable)
        if nullable:
            table.create_check_constraint("sealed", "(sequence IS NULL) = (hash IS NULL)")


def _unchanged(detail: str) -> str:
    """The one step that an entry takes: from no place in its chain to one, with all else as it is."""
    same = " AND ".join(f"NEW.{name} = OLD.{name}" for name in _FIXED)
    step = "OLD.sequence IS NULL AND NEW.sequence IS NOT NULL AND NEW.hash IS NOT NULL"
    return f"{step} AND {same} AND {detail}"


def _forbid_on_sqlite() -> None:
    sealing = _unchanged("NEW.detail = OLD.detail")
    op.execute(
        f"CREATE TRIGGER audit_entry_no_update BEFORE UPDATE ON audit_entry WHEN NOT ({sealing}) "
        f"BEGIN SELECT RAISE(ABORT, '{_REFUSED}'); END"
    )
    op.execute(
        "CREATE TRIGGER audit_entry_no_delete BEFORE DELETE ON audit_entry "
        f"BEGIN SELECT RAISE(ABORT, '{_REFUSED}'); END"
    )


def _forbid_on_postgresql() -> None:
    op.execute(
        "CREATE FUNCTION audit_entry_refuse() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{_REFUSED}'; END $$"
    )
    op.execute(
        "CREATE TRIGGER audit_entry_no_edit BEFORE DELETE OR TRUNCATE ON audit_entry "
        "FOR EACH STATEMENT EXECUTE FUNCTION audit_entry_refuse()"
    )
    sealing = _unchanged("NEW.detail::text = OLD.detail::text")
    op.execute(
        "CREATE TRIGGER audit_entry_no_update BEFORE UPDATE ON audit_entry "
        f"FOR EACH ROW WHEN (NOT ({sealing})) EXECUTE FUNCTION audit_entry_refuse()"
    )


def _seal(connection: sa.Connection) -> None:
    """Give every entry its place, as the older form has no entry without one."""
    heads = {row.chain: (row.sequence, row.hash) for row in connection.execute(sa.text("SELECT * FROM audit_head"))}
    for row in connection.execute(sa.text(_ENTRY)).all():
        sequence, previous = heads.get(row.chain, (0, bytes(32)))
        detail = json.loads(row.detail) if isinstance(row.detail, str) else row.detail
        fields = [row.chain, sequence + 1, row.at, row.actor, row.action, row.subject, detail]
        said = json.dumps(fields, sort_keys=True, separators=(",", ":"))
        digest = hashlib.sha256(bytes(previous) + said.encode()).digest()
        place = {"id": row.id, "chain": row.chain, "sequence": sequence + 1, "hash": digest}
        connection.execute(sa.text("UPDATE audit_entry SET sequence = :sequence, hash = :hash WHERE id = :id"), place)
        known = row.chain in heads
        connection.execute(sa.text(_HEAD_MOVES if known else _HEAD_BEGINS), place)
        heads[row.chain] = (sequence + 1, digest)


_HEAD_MOVES = "UPDATE audit_head SET sequence = :sequence, hash = :hash WHERE chain = :chain"
_HEAD_BEGINS = "INSERT INTO audit_head (chain, sequence, hash) VALUES (:chain, :sequence, :hash)"
