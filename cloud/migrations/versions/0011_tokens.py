"""Tokens of money, and what two people must want: tokens that nobody pays for, and large voids."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_INDEXES = {"meter": "customer_id", "customer": "phone", "payment": "reference"}  # what look-ups ask by
_WAITING = sa.text("state = 'waiting'")


def upgrade() -> None:
    op.add_column("vend", sa.Column("money", sa.BigInteger()))
    op.add_column("vend", sa.Column("void_proved_at", sa.BigInteger()))
    op.create_table(
        "token_request",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("utility_id", sa.Integer(), sa.ForeignKey("utility.id"), nullable=False),
        sa.Column("kind", sa.String(length=4), nullable=False),
        sa.Column("purchase_id", sa.String(length=36), nullable=False),
        sa.Column("part", sa.SmallInteger(), nullable=False),
        sa.Column("drn", sa.String(length=13), nullable=False),
        sa.Column("delivery", sa.String(length=10), nullable=False),
        sa.Column("volume_ml", sa.BigInteger()),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(length=300), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("requested_by", sa.String(length=200), nullable=False),
        sa.Column("requested_person_id", sa.BigInteger(), nullable=False),
        sa.Column("requested_at", sa.BigInteger(), nullable=False),
        sa.Column("decided_by", sa.String(length=200)),
        sa.Column("decided_person_id", sa.BigInteger()),
        sa.Column("decided_at", sa.BigInteger()),
        sa.CheckConstraint("kind IN ('free', 'void')", name="kind"),
    )
    for table, column in _INDEXES.items():
        op.create_index(f"ix_{table}_{column}", table, [column])
    op.create_index("ix_token_request_utility_id", "token_request", ["utility_id"])
    op.create_index(
        "uq_token_request_waiting",
        "token_request",
        ["kind", "purchase_id", "part"],
        unique=True,
        sqlite_where=_WAITING,
        postgresql_where=_WAITING,
    )


def downgrade() -> None:
    op.drop_table("token_request")
    for table, column in _INDEXES.items():
        op.drop_index(f"ix_{table}_{column}", table)
    op.drop_column("vend", "void_proved_at")
    op.drop_column("vend", "money")
