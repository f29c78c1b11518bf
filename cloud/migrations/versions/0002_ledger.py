"""The ledger: heads, entries and verdicts that refuse edits, what was set aside, cases, and commands."""

import sqlalchemy as sa
from alembic import op

from cloud.migrations.triggers import allow_edits, forbid_edits

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_ONLY_GROW = ("ledger_entry", "verdict")
_TABLES = ("ledger_head", "ledger_entry", "verdict", "quarantine", "ledger_case", "command", "command_counter")


def upgrade() -> None:
    _ledger()
    _verdicts()
    _set_aside()
    _commands()
    for table in _ONLY_GROW:
        forbid_edits(table)


def downgrade() -> None:
    for table in _ONLY_GROW:
        allow_edits(table)
    for table in reversed(_TABLES):
        op.drop_table(table)


def _ledger() -> None:
    op.create_table(
        "ledger_head",
        sa.Column("gateway_id", sa.BigInteger(), autoincrement=False),
        sa.Column("epoch", sa.Integer(), autoincrement=False),
        sa.Column("utility_id", sa.BigInteger(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("head", sa.LargeBinary(length=32), nullable=False),
        sa.Column("state", sa.LargeBinary(), nullable=False),
        sa.Column("frozen", sa.Boolean(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("gateway_id", "epoch", name="pk_ledger_head"),
    )
    op.create_index("ix_ledger_head_utility_id", "ledger_head", ["utility_id"])
    op.create_table(
        "ledger_entry",
        sa.Column("gateway_id", sa.BigInteger(), autoincrement=False),
        sa.Column("epoch", sa.Integer(), autoincrement=False),
        sa.Column("sequence", sa.BigInteger(), autoincrement=False),
        sa.Column("utility_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.SmallInteger(), nullable=False),
        sa.Column("channel", sa.SmallInteger(), nullable=False),
        sa.Column("time_s", sa.BigInteger(), nullable=False),
        sa.Column("delta", sa.BigInteger(), nullable=False),
        sa.Column("balance", sa.BigInteger(), nullable=False),
        sa.Column("register", sa.BigInteger(), nullable=False),
        sa.Column("arrived_at", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.LargeBinary(length=42), nullable=False),
        sa.Column("hash", sa.LargeBinary(length=32), nullable=False),
        sa.PrimaryKeyConstraint("gateway_id", "epoch", "sequence", name="pk_ledger_entry"),
        sqlite_with_rowid=False,
    )


def _verdicts() -> None:
    op.create_table(
        "verdict",
        sa.Column("id", _ID, nullable=False),
        sa.Column("utility_id", sa.BigInteger(), nullable=False),
        sa.Column("gateway_id", sa.BigInteger(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("channel", sa.SmallInteger(), nullable=False),
        sa.Column("kind", sa.SmallInteger(), nullable=False),
        sa.Column("verdict", sa.String(length=12), nullable=False),
        sa.Column("reason", sa.String(length=300), nullable=False),
        sa.Column("cause", sa.String(length=80)),
        sa.Column("vend_id", sa.BigInteger()),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_verdict"),
    )
    op.create_index("ix_verdict_entry", "verdict", ["gateway_id", "epoch", "sequence"])
    op.create_index("uq_verdict_vend", "verdict", ["vend_id"], unique=True)


def _set_aside() -> None:
    op.create_table(
        "quarantine",
        sa.Column("id", _ID, nullable=False),
        sa.Column("utility_id", sa.BigInteger()),
        sa.Column("gateway_id", sa.BigInteger(), nullable=False),
        sa.Column("code", sa.String(length=20), nullable=False),
        sa.Column("reason", sa.String(length=300), nullable=False),
        sa.Column("sha256", sa.LargeBinary(length=32), nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.Column("first_at", sa.BigInteger(), nullable=False),
        sa.Column("last_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_quarantine"),
        sa.UniqueConstraint("gateway_id", "sha256", name="uq_quarantine_gateway_id_sha256"),
    )
    op.create_index("ix_quarantine_utility_id", "quarantine", ["utility_id"])
    op.create_table(
        "ledger_case",
        sa.Column("id", _ID, nullable=False),
        sa.Column("utility_id", sa.BigInteger()),
        sa.Column("gateway_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("channel", sa.SmallInteger()),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("quarantine_id", sa.BigInteger()),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.Column("opened_at", sa.BigInteger(), nullable=False),
        sa.Column("closed_at", sa.BigInteger()),
        sa.Column("closed_by", sa.String(length=200)),
        sa.Column("note", sa.Text()),
        sa.PrimaryKeyConstraint("id", name="pk_ledger_case"),
    )
    op.create_index("ix_ledger_case_utility_id", "ledger_case", ["utility_id"])
    op.create_index(
        "uq_ledger_case_open",
        "ledger_case",
        ["gateway_id", "kind", "epoch", "sequence"],
        unique=True,
        sqlite_where=sa.text("state = 'open'"),
        postgresql_where=sa.text("state = 'open'"),
    )


def _commands() -> None:
    op.create_table(
        "command",
        sa.Column("id", _ID, nullable=False),
        sa.Column("utility_id", sa.BigInteger(), nullable=False),
        sa.Column("gateway_id", sa.BigInteger(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("counter", sa.BigInteger(), nullable=False),
        sa.Column("previous", sa.BigInteger()),
        sa.Column("kind", sa.SmallInteger(), nullable=False),
        sa.Column("channel", sa.SmallInteger()),
        sa.Column("drn", sa.String(length=13)),
        sa.Column("vend_id", sa.BigInteger()),
        sa.Column("payload", sa.LargeBinary()),
        sa.Column("issued_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.String(length=12), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("sent_at", sa.BigInteger()),
        sa.Column("sent_times", sa.Integer(), nullable=False),
        sa.Column("result", sa.SmallInteger()),
        sa.Column("sequence", sa.BigInteger()),
        sa.Column("finished_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("id", name="pk_command"),
        sa.UniqueConstraint("gateway_id", "epoch", "counter", name="uq_command_gateway_id_epoch_counter"),
        sa.UniqueConstraint("vend_id", name="uq_command_vend_id"),
    )
    op.create_index("ix_command_utility_id", "command", ["utility_id"])
    op.create_index("ix_command_due", "command", ["status", "due_at"])
    op.create_table(
        "command_counter",
        sa.Column("gateway_id", sa.BigInteger(), autoincrement=False),
        sa.Column("epoch", sa.Integer(), autoincrement=False),
        sa.Column("issued", sa.BigInteger(), nullable=False),
        sa.Column("carried_out", sa.BigInteger(), nullable=False),
        sa.Column("boot_nonce", sa.LargeBinary(length=8)),
        sa.Column("heard_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("gateway_id", "epoch", name="pk_command_counter"),
    )
