"""Hourly readings, and what the ledger says of the records they came in."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "hourly_reading",
        sa.Column("meter_id", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("hour", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("utility_id", sa.BigInteger(), nullable=False),
        sa.Column("volume_ml", sa.BigInteger(), nullable=False),
        sa.Column("proof", sa.SmallInteger(), nullable=False),
        sa.Column("time_quality", sa.SmallInteger(), nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "reading_day",
        sa.Column("gateway_id", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("epoch", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("channel", sa.SmallInteger(), primary_key=True, autoincrement=False),
        sa.Column("day", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("utility_id", sa.BigInteger(), nullable=False),
        sa.Column("sequence", sa.BigInteger()),
        sa.Column("entry_check", sa.BigInteger()),
        sa.Column("entry_total", sa.BigInteger()),
        sa.Column("record_check", sa.BigInteger()),
        sa.Column("record_total", sa.BigInteger()),
        sa.Column("first_hour", sa.BigInteger()),
        sa.Column("hours", sa.SmallInteger()),
    )
    op.create_index("ix_reading_day_utility_id", "reading_day", ["utility_id"])


def downgrade() -> None:
    op.drop_table("reading_day")
    op.drop_table("hourly_reading")
