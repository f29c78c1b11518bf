"""Service points with their accounts and meters, contacts, swaps, closings, refund orders and agreements on debts."""

import sqlalchemy as sa
from alembic import op

from cloud.migrations import account_history
from cloud.migrations.triggers import allow_edits, forbid_edits

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_ONLY_ADDED = ("reissue", "debt_instalment", "debt_settlement")
_CHANGES = ("account_closing", "refund_order", "reissue", "meter_swap")
_TABLES = ("write_off", "debt_settlement", "debt_instalment", *_CHANGES, "meter_stay", "account", "service_point")


def upgrade() -> None:
    _columns()
    _places()
    _swaps()
    _refunds()
    _debts()
    for table in _ONLY_ADDED:
        forbid_edits(table)
    allow_edits("sale")
    account_history.carry_over(op.get_bind())
    forbid_edits("sale")


def downgrade() -> None:
    account_history.carry_back(op.get_bind())
    for table in _ONLY_ADDED:
        allow_edits(table)
    for table in _TABLES:
        op.drop_table(table)
    op.drop_index("ix_sale_account_month", "sale")
    op.drop_column("sale", "account_id")
    for column in ("closed_at", "opening_balance", "account_id"):
        op.drop_column("meter", column)
    op.drop_column("customer", "contacts")
    op.drop_column("utility", "move_credit")


def _columns() -> None:
    op.add_column("utility", sa.Column("move_credit", sa.String(length=10), server_default="place", nullable=False))
    op.add_column("customer", sa.Column("contacts", sa.JSON()))
    op.add_column("meter", sa.Column("account_id", sa.BigInteger()))
    op.add_column("meter", sa.Column("opening_balance", sa.BigInteger(), server_default="0", nullable=False))
    op.add_column("meter", sa.Column("closed_at", sa.BigInteger()))
    op.add_column("sale", sa.Column("account_id", sa.BigInteger()))
    op.create_index("ix_sale_account_month", "sale", ["account_id", "month"])


def _places() -> None:
    op.create_table(
        "service_point",
        sa.Column("id", _ID, primary_key=True),
        _utility(),
        sa.Column("place", sa.String(length=100), nullable=False),
        sa.Column("address", sa.String(length=200)),
        sa.Column("latitude_e6", sa.Integer()),
        sa.Column("longitude_e6", sa.Integer()),
        sa.Column("commodity", sa.String(length=20), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
    )
    op.create_index("ix_service_point_utility_id", "service_point", ["utility_id"])
    op.create_table(
        "account",
        sa.Column("id", _ID, primary_key=True),
        _utility(),
        _reference("customer"),
        _reference("service_point"),
        sa.Column("persons", sa.SmallInteger()),
        sa.Column("opened_at", sa.BigInteger(), nullable=False),
        *(sa.Column(name, sa.BigInteger()) for name in ("opening_register_ml", "closed_at")),
        *(sa.Column(name, sa.BigInteger()) for name in ("final_register_ml", "final_balance")),
    )
    op.create_index("ix_account_utility_id", "account", ["utility_id"])
    op.create_index("ix_account_customer_id", "account", ["customer_id"])
    _unique_where("uq_account_open", "account", "service_point_id", "closed_at IS NULL")
    op.create_table(
        "meter_stay",
        sa.Column("id", _ID, primary_key=True),
        _utility(),
        _reference("service_point"),
        _reference("meter"),
        sa.Column("from_at", sa.BigInteger(), nullable=False),
        *(sa.Column(name, sa.BigInteger()) for name in ("opening_register_ml", "to_at", "final_register_ml")),
    )
    _unique_where("uq_meter_stay_meter", "meter_stay", "meter_id", "to_at IS NULL")
    _unique_where("uq_meter_stay_point", "meter_stay", "service_point_id", "to_at IS NULL")


def _swaps() -> None:
    op.create_table(
        "meter_swap",
        sa.Column("id", _ID, primary_key=True),
        _utility(),
        _reference("service_point"),
        _reference("account", nullable=True),
        _reference("meter", "old_meter_id"),
        _reference("meter", "new_meter_id"),
        _reference("command", nullable=True),
        *_final(),
        *_decided(),
    )
    op.create_index("ix_meter_swap_utility_id", "meter_swap", ["utility_id"])
    for which in ("old", "new"):
        _unique_where(f"uq_meter_swap_{which}", "meter_swap", f"{which}_meter_id", "state <> 'declined'")
    op.create_table(
        "reissue",
        sa.Column("old_vend_id", _ID, sa.ForeignKey("vend.id"), primary_key=True, autoincrement=False),
        sa.Column("new_vend_id", _ID, sa.ForeignKey("vend.id"), nullable=False, unique=True),
        _reference("meter_swap", "swap_id"),
        _utility(),
    )
    op.create_index("ix_reissue_swap_id", "reissue", ["swap_id"])


def _refunds() -> None:
    op.create_table(
        "refund_order",
        sa.Column("id", _ID, primary_key=True),
        _utility(),
        _reference("customer"),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.String(length=10)),
        sa.Column("reference", sa.String(length=100)),
        sa.Column("paid_at", sa.BigInteger()),
        *_decided(),
        sa.CheckConstraint("amount_minor > 0", name="amount_minor"),
    )
    op.create_index("ix_refund_order_utility_id", "refund_order", ["utility_id"])
    op.create_index("ix_refund_order_customer_id", "refund_order", ["customer_id"])
    op.create_table(
        "account_closing",
        sa.Column("id", _ID, primary_key=True),
        _utility(),
        _reference("account"),
        _reference("meter"),
        sa.Column("credit", sa.String(length=6), nullable=False),
        sa.Column("bars_meter", sa.Boolean(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("value_minor", sa.BigInteger(), nullable=False),
        sa.Column("debts_minor", sa.BigInteger(), nullable=False),
        _reference("refund_order", nullable=True),
        sa.Column("proven_tid", sa.Integer()),
        *_final(),
        *_decided(),
        sa.CheckConstraint("credit IN ('place', 'refund')", name="credit"),
    )
    op.create_index("ix_account_closing_utility_id", "account_closing", ["utility_id"])
    _unique_where("uq_account_closing_account", "account_closing", "account_id", "state <> 'declined'")


def _debts() -> None:
    op.create_table(
        "debt_instalment",
        sa.Column("debt_id", _ID, sa.ForeignKey("payment_debt.id"), primary_key=True, autoincrement=False),
        sa.Column("number", sa.SmallInteger(), primary_key=True, autoincrement=False),
        _utility(),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
    )
    op.create_table(
        "debt_settlement",
        sa.Column("id", _ID, primary_key=True),
        _utility(),
        _reference("payment_debt", "debt_id"),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("owed_after_minor", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.String(length=60), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("amount_minor > 0", name="amount_minor"),
    )
    op.create_index("ix_debt_settlement_debt_id", "debt_settlement", ["debt_id"])
    op.create_table(
        "write_off",
        sa.Column("id", _ID, primary_key=True),
        _utility(),
        _reference("payment_debt", "debt_id"),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        *_decided(),
        sa.CheckConstraint("amount_minor > 0", name="amount_minor"),
    )
    op.create_index("ix_write_off_utility_id", "write_off", ["utility_id"])
    _unique_where("uq_write_off_debt", "write_off", "debt_id", "state = 'waiting'")


def _utility() -> sa.Column[int]:
    return sa.Column("utility_id", sa.Integer(), sa.ForeignKey("utility.id"), nullable=False)


def _reference(table: str, name: str = "", *, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(name or f"{table}_id", _ID, sa.ForeignKey(f"{table}.id"), nullable=nullable)


def _unique_where(name: str, table: str, column: str, condition: str) -> None:
    where = sa.text(condition)
    op.create_index(name, table, [column], unique=True, sqlite_where=where, postgresql_where=where)


def _final() -> list[sa.Column[object]]:
    return [
        sa.Column("proof", sa.String(length=14), nullable=False),
        sa.Column("epoch", sa.Integer()),
        sa.Column("sequence", sa.BigInteger()),
        sa.Column("head", sa.LargeBinary(length=32)),
        sa.Column("register_ml", sa.BigInteger()),
        sa.Column("balance", sa.BigInteger(), nullable=False),
    ]


def _decided() -> list[sa.Column[object]]:
    return [
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("reason", sa.String(length=300), nullable=False),
        sa.Column("requested_by", sa.String(length=200), nullable=False),
        sa.Column("requested_person_id", sa.BigInteger()),
        sa.Column("requested_at", sa.BigInteger(), nullable=False),
        sa.Column("decided_by", sa.String(length=200)),
        sa.Column("decided_at", sa.BigInteger()),
    ]
