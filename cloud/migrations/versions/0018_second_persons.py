"""Who decided, on every change alike; batches of vouchers that wait for a second person; what runs of bills were seen
as; the calendar of billing cycles; bills that are open again; money on meters that come to be billed."""

import sqlalchemy as sa
from alembic import op

from cloud.migrations.triggers import allow_edits, forbid_edits

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_RENAMED = (("requested_by_id", "requested_person_id"), ("decided_by_id", "decided_person_id"))
_BILLING = ("bill_credit_request", "mode_switch")
_ACCOUNTS = ("meter_swap", "account_closing", "refund_order", "write_off")
_RUN = ("bills", "left_out", "totals", "content_sha256")
_BATCH = (
    "state",
    "reason",
    "requested_by",
    "requested_person_id",
    "requested_at",
    "decided_by",
    "decided_person_id",
    "decided_at",
)
_REOPENED, _KEPT = "bill_reopening", "kept_bill_reopening"


def upgrade() -> None:
    for table in _BILLING:
        for old, new in _RENAMED:
            op.execute(f"ALTER TABLE {table} RENAME COLUMN {old} TO {new}")
    for table in _ACCOUNTS:
        op.add_column(table, sa.Column("decided_person_id", sa.BigInteger()))
    op.add_column("meter_swap", sa.Column("month_volume_ml", sa.BigInteger()))
    op.add_column("credit_span", sa.Column("carried_minor", sa.BigInteger(), nullable=False, server_default="0"))
    op.add_column("mode_switch", sa.Column("credit_money", sa.BigInteger(), nullable=False, server_default="0"))
    op.add_column("debt_settlement", sa.Column("month", sa.Integer()))
    _runs()
    _batches()
    _cycles()
    _reopenings()


def _runs() -> None:
    with op.batch_alter_table("bill_run") as batch:
        batch.alter_column("made_by_id", existing_type=sa.BigInteger(), nullable=True)
        batch.add_column(sa.Column("bills", sa.Integer(), nullable=False, server_default="0"))
        batch.add_column(sa.Column("left_out", sa.Integer(), nullable=False, server_default="0"))
        batch.add_column(sa.Column("totals", sa.JSON(), nullable=False, server_default="{}"))
        batch.add_column(sa.Column("content_sha256", sa.String(length=64), nullable=False, server_default=""))
    # What a draft of the older form says was not summed up, so it is counted once more before it is released.
    op.execute("UPDATE bill_run SET state = 'counting', cursor = 0 WHERE state = 'draft'")
    again = "SELECT id FROM bill_run WHERE state = 'counting'"
    op.execute(f"DELETE FROM bill_draft WHERE issued_at IS NULL AND run_id IN ({again})")  # noqa: S608  # no input


def _batches() -> None:
    with op.batch_alter_table("voucher_batch") as batch:
        batch.add_column(sa.Column("state", sa.String(length=10), nullable=False, server_default="done"))
        batch.add_column(sa.Column("reason", sa.String(length=300), nullable=False, server_default=""))
        batch.add_column(sa.Column("requested_by", sa.String(length=200), nullable=False, server_default="history"))
        batch.add_column(sa.Column("requested_person_id", sa.BigInteger()))
        batch.add_column(sa.Column("requested_at", sa.BigInteger(), nullable=False, server_default="0"))
        batch.add_column(sa.Column("decided_by", sa.String(length=200)))
        batch.add_column(sa.Column("decided_person_id", sa.BigInteger()))
        batch.add_column(sa.Column("decided_at", sa.BigInteger()))
    op.execute("UPDATE voucher_batch SET requested_at = created_at")


def _cycles() -> None:
    op.create_table(
        "billing_cycle",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("utility_id", sa.Integer(), sa.ForeignKey("utility.id"), nullable=False),
        sa.Column("cycle", sa.SmallInteger(), nullable=False),
        sa.Column("day", sa.SmallInteger()),
        sa.Column("from_day", sa.Integer(), nullable=False),
        sa.Column("set_by", sa.String(length=200), nullable=False),
        sa.Column("set_at", sa.BigInteger(), nullable=False),
        sa.UniqueConstraint("utility_id", "cycle"),
        sa.CheckConstraint("day BETWEEN 1 AND 28", name="day"),
    )


def _reopenings() -> None:
    if sa.inspect(op.get_bind()).has_table(_KEPT):
        op.rename_table(_KEPT, _REOPENED)
    else:
        op.create_table(
            _REOPENED,
            sa.Column("id", _ID, primary_key=True),
            sa.Column("utility_id", sa.Integer(), sa.ForeignKey("utility.id"), nullable=False),
            sa.Column("bill_id", _ID, sa.ForeignKey("bill.id"), nullable=False),
            sa.Column("settlement_id", _ID, sa.ForeignKey("bill_settlement.id"), nullable=False),
            sa.Column("source", sa.String(length=60), nullable=False),
            sa.Column("amount_minor", sa.BigInteger(), nullable=False),
            sa.Column("at", sa.BigInteger(), nullable=False),
            sa.CheckConstraint("amount_minor > 0", name="amount_minor"),
        )
        op.create_index("ix_bill_reopening_bill_id", _REOPENED, ["bill_id"])
        op.create_index("ix_bill_reopening_settlement_id", _REOPENED, ["settlement_id"])
    forbid_edits(_REOPENED)


def downgrade() -> None:
    allow_edits(_REOPENED)
    # Bills that are open again stay so; what says why waits for the newer form.
    if op.get_bind().execute(sa.text(f"SELECT 1 FROM {_REOPENED} LIMIT 1")).first() is None:  # noqa: S608  # no input
        op.drop_table(_REOPENED)
    else:
        op.rename_table(_REOPENED, _KEPT)
    op.drop_table("billing_cycle")
    # A batch that nobody approved has no vouchers; it must not be sold.
    op.execute("UPDATE voucher_batch SET stopped_at = created_at WHERE state <> 'done' AND stopped_at IS NULL")
    with op.batch_alter_table("voucher_batch") as batch:
        for name in _BATCH:
            batch.drop_column(name)
    op.execute("UPDATE bill_run SET made_by_id = 0 WHERE made_by_id IS NULL")
    with op.batch_alter_table("bill_run") as batch:
        batch.alter_column("made_by_id", existing_type=sa.BigInteger(), nullable=False)
        for name in _RUN:
            batch.drop_column(name)
    op.drop_column("debt_settlement", "month")
    op.drop_column("mode_switch", "credit_money")
    op.drop_column("credit_span", "carried_minor")
    op.drop_column("meter_swap", "month_volume_ml")
    for table in _ACCOUNTS:
        op.drop_column(table, "decided_person_id")
    for table in _BILLING:
        for old, new in _RENAMED:
            op.execute(f"ALTER TABLE {table} RENAME COLUMN {new} TO {old}")
