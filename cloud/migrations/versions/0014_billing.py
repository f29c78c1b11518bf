"""Bills of meters in credit mode: policies, spans, runs, bills, what settled them, arrears, switches of the mode."""

import sqlalchemy as sa
from alembic import op

from cloud.migrations.triggers import allow_edits, forbid_edits

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_TABLES = (
    "switch_adjustment",
    "mode_switch",
    "arrears_order",
    "bill_notice",
    "bill_open",
    "bill_settlement",
    "bill_payment",
    "bill_credit_request",
    "bill",
    "bill_number",
    "bill_draft",
    "bill_run",
    "credit_span",
    "billing_policy",
)
_ONLY_ADDED = ("bill", "bill_payment", "bill_settlement", "bill_notice")
_DAYS = "kind IN (19, 20)"


def upgrade() -> None:
    _policies()
    _spans()
    _runs()
    _bills()
    _credits()
    _settled()
    _arrears()
    _switches()
    for table in _ONLY_ADDED:
        forbid_edits(table)
    op.create_index(
        "ix_ledger_entry_day",
        "ledger_entry",
        ["gateway_id", "channel", "time_s"],
        sqlite_where=sa.text(_DAYS),
        postgresql_where=sa.text(_DAYS),
    )


def downgrade() -> None:
    op.drop_index("ix_ledger_entry_day", "ledger_entry")
    for table in _ONLY_ADDED:
        allow_edits(table)
    for table in _TABLES:
        op.drop_table(table)


def _refers(name: str, table: str, *, empty: bool = False) -> sa.Column:  # type: ignore[type-arg]
    kind = sa.Integer() if table == "utility" else _ID
    return sa.Column(name, kind, sa.ForeignKey(f"{table}.id"), nullable=empty)


def _number(name: str, *, empty: bool = False) -> sa.Column:  # type: ignore[type-arg]
    return sa.Column(name, sa.BigInteger(), nullable=empty)


def _word(name: str, length: int, *, empty: bool = False) -> sa.Column:  # type: ignore[type-arg]
    return sa.Column(name, sa.String(length=length), nullable=empty)


def _count(name: str, *, empty: bool = False) -> sa.Column:  # type: ignore[type-arg]
    return sa.Column(name, sa.Integer(), nullable=empty)


def _small(name: str, *, empty: bool = False) -> sa.Column:  # type: ignore[type-arg]
    return sa.Column(name, sa.SmallInteger(), nullable=empty)


def _id() -> sa.Column:  # type: ignore[type-arg]
    return sa.Column("id", _ID, primary_key=True)


def _by(what: str, *, empty: bool) -> tuple[sa.Column, sa.Column]:  # type: ignore[type-arg]
    return _word(f"{what}_by", 200, empty=empty), _number(f"{what}_by_id", empty=empty)


def _policies() -> None:
    op.create_table(
        "billing_policy",
        _id(),
        _refers("utility_id", "utility"),
        _count("version"),
        _small("due_days"),
        sa.Column("reminder_days", sa.JSON(), nullable=False),
        _small("trickle_days", empty=True),
        _small("disconnect_days", empty=True),
        _number("floor_minor"),
        _word("reason", 300),
        _word("state", 10),
        *_by("submitted", empty=False),
        _number("created_at"),
        *_by("decided", empty=True),
        _number("decided_at", empty=True),
        sa.UniqueConstraint("utility_id", "version"),
        sa.CheckConstraint("state IN ('submitted', 'approved', 'declined')", name="state"),
    )


def _spans() -> None:
    op.create_table(
        "credit_span",
        _id(),
        _refers("utility_id", "utility"),
        _refers("meter_id", "meter"),
        _refers("customer_id", "customer"),
        _refers("tariff_id", "tariff"),
        _small("cycle"),
        _number("gateway_id"),
        _count("epoch"),
        _number("sequence"),
        _count("from_day"),
        _number("from_register_ml"),
        _number("carried_ml"),
        _count("until_day", empty=True),
        _number("until_register_ml", empty=True),
        _number("created_at"),
        sa.CheckConstraint("until_register_ml >= from_register_ml", name="registers"),
    )
    op.create_index("ix_credit_span_utility_id", "credit_span", ["utility_id"])
    op.create_index("ix_credit_span_meter_id", "credit_span", ["meter_id"])
    op.create_index("ix_credit_span_customer_id", "credit_span", ["customer_id"])
    _one_open("credit_span", "until_day IS NULL")


def _one_open(table: str, where: str, column: str = "meter_id") -> None:
    what = sa.text(where)
    op.create_index(f"uq_{table}_open", table, [column], unique=True, sqlite_where=what, postgresql_where=what)


def _runs() -> None:
    op.create_table(
        "bill_run",
        _id(),
        _refers("utility_id", "utility"),
        _small("cycle"),
        _count("through_day"),
        _word("state", 10),
        _number("cursor"),
        *_by("made", empty=False),
        _number("made_at"),
        *_by("released", empty=True),
        _number("released_at", empty=True),
        sa.UniqueConstraint("utility_id", "cycle", "through_day"),
        sa.CheckConstraint("state IN ('counting', 'draft', 'releasing', 'released')", name="state"),
    )
    op.create_table(
        "bill_draft",
        _id(),
        _refers("utility_id", "utility"),
        _refers("run_id", "bill_run"),
        _refers("meter_id", "meter"),
        _refers("span_id", "credit_span", empty=True),
        _word("code", 40, empty=True),
        _word("reason", 300, empty=True),
        _number("total_minor"),
        sa.Column("content", sa.JSON()),
        _number("issued_at", empty=True),
    )
    op.create_index("ix_bill_draft_run", "bill_draft", ["run_id", "id"])


def _bills() -> None:
    op.create_table(
        "bill_number",
        sa.Column("utility_id", sa.Integer(), sa.ForeignKey("utility.id"), primary_key=True, autoincrement=False),
        _number("last"),
    )
    op.create_table(
        "bill",
        _id(),
        _refers("utility_id", "utility"),
        _number("number"),
        _refers("run_id", "bill_run", empty=True),
        _refers("span_id", "credit_span"),
        _count("part"),
        _refers("corrects_id", "bill", empty=True),
        _refers("meter_id", "meter"),
        _refers("customer_id", "customer"),
        _word("currency", 3),
        _count("from_day"),
        _count("until_day"),
        _number("from_register_ml"),
        _number("until_register_ml"),
        _number("volume_ml"),
        _number("total_minor"),
        sa.Column("content", sa.JSON(), nullable=False),
        _number("issued_at"),
        _count("due_day"),
        sa.UniqueConstraint("utility_id", "number"),
        sa.UniqueConstraint("span_id", "part"),
        sa.UniqueConstraint("corrects_id"),
    )
    op.create_index("ix_bill_customer", "bill", ["customer_id", "id"])
    op.create_index("ix_bill_meter_id", "bill", ["meter_id"])


def _credits() -> None:
    op.create_table(
        "bill_credit_request",
        _id(),
        _refers("utility_id", "utility"),
        _refers("bill_id", "bill"),
        _word("reason", 300),
        _word("state", 10),
        *_by("requested", empty=False),
        _number("requested_at"),
        *_by("decided", empty=True),
        _number("decided_at", empty=True),
        _refers("note_id", "bill", empty=True),
        sa.CheckConstraint("state IN ('waiting', 'approved', 'declined')", name="state"),
    )
    op.create_index("ix_bill_credit_request_utility_id", "bill_credit_request", ["utility_id"])
    _one_open("bill_credit_request", "state = 'waiting'", "bill_id")


def _settled() -> None:
    op.create_table(
        "bill_payment",
        _id(),
        _refers("utility_id", "utility"),
        _word("key", 60),
        sa.Column("request_sha256", sa.LargeBinary(length=32), nullable=False),
        _refers("customer_id", "customer"),
        _word("tender_kind", 20),
        _number("amount_minor"),
        _number("kept_minor"),
        _word("currency", 3),
        _word("actor", 200),
        _number("at"),
        sa.UniqueConstraint("utility_id", "key"),
        sa.CheckConstraint("amount_minor > 0", name="amount_minor"),
    )
    op.create_index("ix_bill_payment_customer_id", "bill_payment", ["customer_id"])
    op.create_table(
        "bill_settlement",
        _id(),
        _refers("utility_id", "utility"),
        _refers("bill_id", "bill"),
        _word("source", 60),
        _number("amount_minor"),
        _number("at"),
        sa.CheckConstraint("amount_minor > 0", name="amount_minor"),
    )
    op.create_index("ix_bill_settlement_bill", "bill_settlement", ["bill_id"])
    op.create_table(
        "bill_open",
        sa.Column("bill_id", _ID, sa.ForeignKey("bill.id"), primary_key=True, autoincrement=False),
        _refers("utility_id", "utility"),
        _refers("customer_id", "customer"),
        _number("left_minor"),
        sa.CheckConstraint("left_minor > 0", name="left_minor"),
    )
    op.create_index("ix_bill_open_customer", "bill_open", ["customer_id"])
    op.create_table(
        "bill_notice",
        sa.Column("bill_id", _ID, sa.ForeignKey("bill.id"), primary_key=True, autoincrement=False),
        sa.Column("step", sa.String(length=30), primary_key=True),
        _refers("utility_id", "utility"),
        _number("at"),
    )


def _arrears() -> None:
    op.create_table(
        "arrears_order",
        _id(),
        _refers("utility_id", "utility"),
        _refers("meter_id", "meter"),
        _refers("policy_id", "billing_policy"),
        _word("level", 10),
        _number("overdue_minor"),
        _refers("command_id", "command"),
        _number("at"),
    )
    op.create_index("ix_arrears_order_meter_id", "arrears_order", ["meter_id"])


def _switches() -> None:
    op.create_table(
        "mode_switch",
        _id(),
        _refers("utility_id", "utility"),
        _refers("meter_id", "meter"),
        _word("payment", 10),
        _refers("tariff_id", "tariff"),
        _small("cycle"),
        _word("reason", 300),
        _word("state", 10),
        *_by("requested", empty=False),
        _number("requested_at"),
        *_by("decided", empty=True),
        _number("decided_at", empty=True),
        _refers("command_id", "command", empty=True),
        _number("credit_ml"),
        _number("value_minor"),
        _word("note", 300, empty=True),
        _number("finished_at", empty=True),
        sa.CheckConstraint("payment IN ('prepayment', 'credit')", name="payment"),
    )
    op.create_index("ix_mode_switch_utility_id", "mode_switch", ["utility_id"])
    _one_open("mode_switch", "state IN ('waiting', 'ordered', 'settling')")
    op.create_table(
        "switch_adjustment",
        _id(),
        _refers("utility_id", "utility"),
        _refers("switch_id", "mode_switch"),
        _small("pot"),
        _number("delta"),
        _refers("command_id", "command"),
        _number("value_minor", empty=True),
        _number("applied_at", empty=True),
    )
    op.create_index("ix_switch_adjustment_switch_id", "switch_adjustment", ["switch_id"])
