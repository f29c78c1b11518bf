"""Modes and groups of meters, floors, tariffs on the device, commands that two people give, guesses of return codes."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_OPENED = ("entry_sequence", "group_end")


def upgrade() -> None:
    for table in ("meter", "meter_opening"):
        _add(table, sa.Column("mode", sa.Integer(), nullable=False, server_default="0"))
        _add(table, sa.Column("meter_group", sa.Integer(), nullable=False, server_default="0"))
    _add("meter_opening", sa.Column("pulse_volume_ml", sa.BigInteger(), nullable=False, server_default="0"))
    for column in _OPENED:
        op.add_column("meter_opening", sa.Column(column, sa.BigInteger()))
    for column in ("group_end", "used_by"):
        op.add_column("command", sa.Column(column, sa.BigInteger()))
    op.add_column("command", sa.Column("reason", sa.String(length=300)))
    op.create_index("ix_ledger_case_meter", "ledger_case", ["gateway_id", "channel"])
    _documents()
    _requests()
    op.create_table(
        "return_code_guess",
        sa.Column("meter_id", _ID, sa.ForeignKey("meter.id"), primary_key=True, autoincrement=False),
        sa.Column("day", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("utility_id", sa.BigInteger(), nullable=False),
        sa.Column("guesses", sa.Integer(), nullable=False),
    )


def _add(table: str, column: "sa.Column[int]") -> None:
    with op.batch_alter_table(table) as batch:
        batch.add_column(column)
    with op.batch_alter_table(table) as batch:
        batch.alter_column(column.name, server_default=None)


def _documents() -> None:
    op.create_table(
        "floor_document",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("utility_id", sa.Integer(), sa.ForeignKey("utility.id"), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("check_value", sa.BigInteger(), nullable=False),
        sa.Column("document", sa.LargeBinary(length=4096), nullable=False),
        sa.Column("signature", sa.LargeBinary(length=64), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.UniqueConstraint("utility_id", "version"),
    )
    op.create_table(
        "device_tariff",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("utility_id", sa.Integer(), sa.ForeignKey("utility.id"), nullable=False),
        sa.Column("meter_group", sa.Integer(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("effective_from_s", sa.BigInteger(), nullable=False),
        sa.Column("check_value", sa.BigInteger(), nullable=False),
        sa.Column("document", sa.LargeBinary(length=4096), nullable=False),
        sa.Column("signature", sa.LargeBinary(length=64), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.UniqueConstraint("utility_id", "version"),
    )


def _requests() -> None:
    op.create_table(
        "command_request",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("utility_id", sa.BigInteger(), nullable=False),
        sa.Column("gateway_id", sa.Integer(), sa.ForeignKey("gateway.id"), nullable=False),
        sa.Column("drn", sa.String(length=13), nullable=False),
        sa.Column("channel", sa.SmallInteger(), nullable=False),
        sa.Column("kind", sa.SmallInteger(), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("what", sa.String(length=200), nullable=False),
        sa.Column("reason", sa.String(length=300), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("requested_by", sa.String(length=200), nullable=False),
        sa.Column("requested_at", sa.BigInteger(), nullable=False),
        sa.Column("decided_by", sa.String(length=200)),
        sa.Column("decided_at", sa.BigInteger()),
        sa.Column("command_id", _ID, sa.ForeignKey("command.id")),
    )
    op.create_index("ix_command_request_utility_id", "command_request", ["utility_id", "state"])


def downgrade() -> None:
    for table in ("return_code_guess", "command_request", "device_tariff", "floor_document"):
        op.drop_table(table)
    op.drop_index("ix_ledger_case_meter", "ledger_case")
    _drop("command", "reason", "used_by", "group_end")
    _drop("meter_opening", *_OPENED, "pulse_volume_ml", "meter_group", "mode")
    _drop("meter", "meter_group", "mode")


def _drop(table: str, *columns: str) -> None:
    with op.batch_alter_table(table) as batch:
        for column in columns:
            batch.drop_column(column)
