"""What meters hold by their ledgers, reconciliations and their differences, settlements, totals of closed months."""

import sqlalchemy as sa
from alembic import op

from cloud.migrations.triggers import allow_edits, forbid_edits

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
# What stands in the books cannot be taken out of them, so a downgrade keeps how far they go, for the next upgrade.
_KEPT = ("ledger_cursor", "meter_position", "meter_day")
_GROWING = ("settlement", "settlement_line", "book_month", "book_month_close")
_MOVES = ("token", "consumed", "fixed", "granted", "cleared", "carried", "unexplained")
_POTS = ("token_credit", "emergency_credit", "reserved_credit", "accumulated_debt")


def upgrade() -> None:
    if not _is_there(f"kept_{_KEPT[0]}"):
        _sub_ledger()
    else:
        for table in _KEPT:
            op.rename_table(f"kept_{table}", table)
    _reconciliations()
    _settlements()
    _months()
    for table in _GROWING:
        forbid_edits(table)


def downgrade() -> None:
    for table in _GROWING:
        allow_edits(table)
    for table in (
        "book_month_close",
        "book_month",
        "tender_proof",
        "settlement_line",
        "settlement",
        "reconciliation_item",
        "reconciliation",
    ):
        op.drop_table(table)
    used = op.get_bind().execute(sa.text("SELECT 1 FROM ledger_cursor LIMIT 1")).first() is not None
    for table in _KEPT:
        if used:
            op.rename_table(table, f"kept_{table}")
        else:
            op.drop_table(table)


def _is_there(table: str) -> bool:
    return sa.inspect(op.get_bind()).has_table(table)


def _number(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), nullable=False)


def _sub_ledger() -> None:
    op.create_table(
        "ledger_cursor",
        sa.Column("gateway_id", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("epoch", sa.Integer(), primary_key=True, autoincrement=False),
        _number("utility_id"),
        _number("sequence"),
    )
    op.create_table(
        "meter_position",
        sa.Column("meter_id", sa.BigInteger(), primary_key=True, autoincrement=False),
        _number("utility_id"),
        _number("gateway_id"),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("channel", sa.SmallInteger(), nullable=False),
        _number("sequence"),
        sa.Column("mode", sa.Integer(), nullable=False),
        *(_number(pot) for pot in _POTS),
        _number("register"),
        _number("moved"),
        _number("moved_money"),
        _number("handed_over"),
    )
    op.create_index("ix_meter_position_utility_id", "meter_position", ["utility_id"])
    op.create_index("ix_meter_position_gateway", "meter_position", ["gateway_id", "epoch"])
    op.create_table(
        "meter_day",
        sa.Column("meter_id", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("day", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("unit", sa.String(length=3), primary_key=True),
        _number("utility_id"),
        *(_number(move) for move in _MOVES),
        _number("volume_ml"),
        _number("free_ml"),
    )
    op.create_index("ix_meter_day_utility_id", "meter_day", ["utility_id", "day"])


def _reconciliations() -> None:
    op.create_table(
        "reconciliation",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("utility_id", sa.Integer(), sa.ForeignKey("utility.id"), nullable=False),
        sa.Column("day", sa.Integer(), nullable=False),
        _number("from_s"),
        _number("until_s"),
        sa.Column("runs", sa.Integer(), nullable=False),
        sa.Column("holds", sa.Boolean(), nullable=False),
        sa.Column("lines", sa.JSON(), nullable=False),
        sa.Column("actor", sa.String(length=200), nullable=False),
        _number("ran_at"),
        sa.UniqueConstraint("utility_id", "day"),
    )
    op.create_table(
        "reconciliation_item",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("utility_id", sa.Integer(), sa.ForeignKey("utility.id"), nullable=False),
        sa.Column("section", sa.String(length=20), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("subject", sa.String(length=120), nullable=False),
        sa.Column("unit", sa.String(length=3), nullable=False),
        _number("amount"),
        _number("since"),
        sa.Column("detail", sa.String(length=300), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("first_day", sa.Integer(), nullable=False),
        sa.Column("last_day", sa.Integer(), nullable=False),
        sa.Column("ended_day", sa.Integer()),
        sa.Column("settled_by", sa.String(length=200)),
        sa.Column("settled_at", sa.BigInteger()),
        sa.Column("note", sa.Text()),
        sa.CheckConstraint("state IN ('open', 'settled', 'ended')", name="state"),
    )
    op.create_index("ix_reconciliation_item_utility_id", "reconciliation_item", ["utility_id", "first_day"])
    standing = sa.text("state <> 'ended'")
    op.create_index(
        "uq_reconciliation_item_standing",
        "reconciliation_item",
        ["utility_id", "code", "subject", "unit"],
        unique=True,
        sqlite_where=standing,
        postgresql_where=standing,
    )


def _settlements() -> None:
    op.create_table(
        "settlement",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("utility_id", sa.Integer(), sa.ForeignKey("utility.id"), nullable=False),
        sa.Column("channel", sa.String(length=40), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("sha256", sa.LargeBinary(length=32), nullable=False),
        sa.Column("lines", sa.Integer(), nullable=False),
        _number("covers_until"),
        sa.Column("imported_by", sa.String(length=200), nullable=False),
        _number("imported_at"),
        sa.UniqueConstraint("channel", "sha256"),
    )
    op.create_index("ix_settlement_utility_id", "settlement", ["utility_id"])
    op.create_table(
        "settlement_line",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("utility_id", sa.Integer(), sa.ForeignKey("utility.id"), nullable=False),
        sa.Column("settlement_id", _ID, sa.ForeignKey("settlement.id"), nullable=False),
        sa.Column("channel", sa.String(length=40), nullable=False),
        sa.Column("provider", sa.String(length=20), nullable=False),
        sa.Column("tender_kind", sa.String(length=20), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("reference", sa.String(length=100), nullable=False),
        _number("amount_minor"),
        _number("fee_minor"),
        sa.Column("currency", sa.String(length=3), nullable=False),
        _number("at"),
        sa.UniqueConstraint("channel", "kind", "reference"),
        sa.CheckConstraint("kind IN ('payment', 'refund', 'payout', 'fee')", name="kind"),
    )
    op.create_index("ix_settlement_line_reference", "settlement_line", ["provider", "reference"])
    op.create_table(
        "tender_proof",
        sa.Column("purchase_id", sa.String(length=36), sa.ForeignKey("purchase.purchase_id"), primary_key=True),
        sa.Column("utility_id", sa.Integer(), sa.ForeignKey("utility.id"), nullable=False),
        sa.Column("provider", sa.String(length=20)),
        sa.Column("reference", sa.String(length=100)),
        sa.Column("reason", sa.String(length=300), nullable=False),
        sa.Column("actor", sa.String(length=200), nullable=False),
        _number("at"),
        sa.UniqueConstraint("utility_id", "provider", "reference"),
    )


def _months() -> None:
    op.create_table(
        "book_month",
        sa.Column("account_id", _ID, sa.ForeignKey("book_account.id"), primary_key=True, autoincrement=False),
        sa.Column("month", sa.Integer(), primary_key=True, autoincrement=False),
        _number("debit"),
        _number("credit"),
    )
    op.create_table(
        "book_month_close",
        sa.Column("utility_id", sa.Integer(), sa.ForeignKey("utility.id"), primary_key=True, autoincrement=False),
        sa.Column("month", sa.Integer(), primary_key=True, autoincrement=False),
        _number("ends_at"),
        _number("after_id"),
        _number("closed_at"),
    )
