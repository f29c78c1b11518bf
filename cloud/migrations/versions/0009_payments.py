"""Payments with their events, which are only added, and requests to phones to pay, vouchers."""

import sqlalchemy as sa
from alembic import op

from cloud.migrations.triggers import allow_edits, forbid_edits

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_TIMES = ("verified_at", "vended_at", "refund_asked_by", "refunded_at", "alarmed_at")


def upgrade() -> None:
    _payments()
    _events()
    _pushes()
    _vouchers()
    forbid_edits("payment_event")


def downgrade() -> None:
    allow_edits("payment_event")
    for table in ("voucher_guess", "voucher", "voucher_batch", "push_request", "payment_event", "payment"):
        op.drop_table(table)


def _payments() -> None:
    op.create_table(
        "payment",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("utility_id", sa.Integer(), sa.ForeignKey("utility.id"), nullable=False),
        sa.Column("channel", sa.String(length=40), nullable=False),
        sa.Column("provider", sa.String(length=20), nullable=False),
        sa.Column("reference", sa.String(length=100), nullable=False),
        sa.Column("tender_kind", sa.String(length=20), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("account_reference", sa.String(length=60), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("code", sa.String(length=40)),
        sa.Column("reason", sa.String(length=300)),
        sa.Column("drn", sa.String(length=13)),
        sa.Column("purchase_id", sa.String(length=36), unique=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_attempt_at", sa.BigInteger(), nullable=False),
        sa.Column("paid_at", sa.BigInteger(), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("reversed_minor", sa.BigInteger(), nullable=False),
        sa.Column("refund_reference", sa.String(length=100)),
        *(sa.Column(name, sa.BigInteger()) for name in _TIMES),
        sa.UniqueConstraint("provider", "reference"),
        sa.CheckConstraint("amount_minor > 0", name="amount_minor"),
    )
    op.create_index("ix_payment_due", "payment", ["state", "next_attempt_at"])
    op.create_index("ix_payment_utility_id", "payment", ["utility_id", "id"])


def _events() -> None:
    op.create_table(
        "payment_event",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("utility_id", sa.Integer(), sa.ForeignKey("utility.id"), nullable=False),
        sa.Column("channel", sa.String(length=40), nullable=False),
        sa.Column("provider", sa.String(length=20), nullable=False),
        sa.Column("reference", sa.String(length=100), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("body_sha256", sa.LargeBinary(length=32), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.UniqueConstraint("channel", "body_sha256"),
    )
    op.create_index("ix_payment_event_reference", "payment_event", ["provider", "reference"])


def _pushes() -> None:
    op.create_table(
        "push_request",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("utility_id", sa.Integer(), sa.ForeignKey("utility.id"), nullable=False),
        sa.Column("channel", sa.String(length=40), nullable=False),
        sa.Column("checkout_id", sa.String(length=100)),
        sa.Column("drn", sa.String(length=13), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("reference", sa.String(length=100)),
        sa.Column("requested_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger()),
    )
    op.create_index("ix_push_request_utility_id", "push_request", ["utility_id"])


def _vouchers() -> None:
    op.create_table(
        "voucher_batch",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("utility_id", sa.Integer(), sa.ForeignKey("utility.id"), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("stopped_at", sa.BigInteger()),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("amount_minor > 0", name="amount_minor"),
    )
    op.create_index("ix_voucher_batch_utility_id", "voucher_batch", ["utility_id"])
    op.create_table(
        "voucher",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("utility_id", sa.Integer(), sa.ForeignKey("utility.id"), nullable=False),
        sa.Column("batch_id", _ID, sa.ForeignKey("voucher_batch.id"), nullable=False),
        sa.Column("serial", sa.Integer(), nullable=False),
        sa.Column("code_hmac", sa.LargeBinary(length=32), nullable=False),
        sa.Column("payment_id", _ID, sa.ForeignKey("payment.id"), unique=True),
        sa.UniqueConstraint("batch_id", "serial"),
        sa.UniqueConstraint("utility_id", "code_hmac"),
    )
    op.create_table(
        "voucher_guess",
        sa.Column("subject", sa.String(length=210), primary_key=True),
        sa.Column("day", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("guesses", sa.Integer(), nullable=False),
    )
