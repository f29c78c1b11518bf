"""Versions of tariffs, what sales came to, and debts paid in instalments; a flat price becomes a version in force."""

import sqlalchemy as sa
from alembic import op

from cloud.migrations.triggers import allow_edits, forbid_edits

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_SAID = ("id", "utility_id", "tariff_id", "version", "effective_from_s", "terms", "reason", "created_at")
_ONLY_ADDED = ("sale", "debt_payment")


def upgrade() -> None:
    _versions()
    _sales()
    _debts()
    _flat_prices()
    with op.batch_alter_table("tariff") as batch:
        batch.alter_column("price_minor_per_m3", existing_type=sa.BigInteger(), nullable=True)
    for table in _ONLY_ADDED:
        forbid_edits(table)
    _keep_terms()


def _versions() -> None:
    op.create_table(
        "tariff_version",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("utility_id", sa.Integer(), sa.ForeignKey("utility.id"), nullable=False),
        sa.Column("tariff_id", _ID, sa.ForeignKey("tariff.id"), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("effective_from_s", sa.BigInteger(), nullable=False),
        sa.Column("terms", sa.JSON(), nullable=False),
        sa.Column("reason", sa.String(length=300), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("submitted_by", sa.String(length=200)),
        sa.Column("submitted_by_id", sa.BigInteger()),
        sa.Column("submitted_at", sa.BigInteger()),
        sa.Column("decided_by", sa.String(length=200)),
        sa.Column("decided_by_id", sa.BigInteger()),
        sa.Column("decided_at", sa.BigInteger()),
        sa.UniqueConstraint("tariff_id", "version"),
        sa.CheckConstraint("state IN ('draft', 'submitted', 'approved', 'withdrawn')", name="state"),
    )


def _sales() -> None:
    op.create_table(
        "sale",
        sa.Column("purchase_id", sa.String(length=36), sa.ForeignKey("purchase.purchase_id"), primary_key=True),
        sa.Column("utility_id", sa.Integer(), sa.ForeignKey("utility.id"), nullable=False),
        sa.Column("meter_id", _ID, sa.ForeignKey("meter.id"), nullable=False),
        sa.Column("tariff_version_id", _ID, sa.ForeignKey("tariff_version.id"), nullable=False),
        sa.Column("month", sa.Integer(), nullable=False),
        sa.Column("fixed_minor", sa.BigInteger(), nullable=False),
        sa.Column("fixed_taxed_minor", sa.BigInteger(), nullable=False),
        sa.Column("debt_minor", sa.BigInteger(), nullable=False),
        sa.Column("statement", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
    )
    op.create_index("ix_sale_meter_month", "sale", ["meter_id", "month"])


def _debts() -> None:
    op.create_table(
        "payment_debt",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("utility_id", sa.Integer(), sa.ForeignKey("utility.id"), nullable=False),
        sa.Column("customer_id", _ID, sa.ForeignKey("customer.id"), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("reason", sa.String(length=300), nullable=False),
        sa.Column("principal_minor", sa.BigInteger(), nullable=False),
        sa.Column("paid_minor", sa.BigInteger(), nullable=False),
        sa.Column("percent", sa.SmallInteger(), nullable=False),
        sa.Column("month_cap_minor", sa.BigInteger()),
        sa.Column("created_by", sa.String(length=200), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("closed_at", sa.BigInteger()),
        sa.CheckConstraint("paid_minor >= 0 AND paid_minor <= principal_minor", name="paid_minor"),
        sa.CheckConstraint("percent BETWEEN 1 AND 100", name="percent"),
    )
    op.create_index("ix_payment_debt_utility_id", "payment_debt", ["utility_id"])
    is_open = sa.text("closed_at IS NULL")
    op.create_index(
        "uq_payment_debt_open", "payment_debt", ["customer_id", "currency"], unique=True,
        sqlite_where=is_open, postgresql_where=is_open,
    )  # fmt: skip
    op.create_table(
        "debt_payment",
        sa.Column("purchase_id", sa.String(length=36), sa.ForeignKey("purchase.purchase_id"), primary_key=True),
        sa.Column("debt_id", _ID, sa.ForeignKey("payment_debt.id"), nullable=False),
        sa.Column("month", sa.Integer(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("owed_after_minor", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("amount_minor > 0", name="amount_minor"),
    )
    op.create_index("ix_debt_payment_month", "debt_payment", ["debt_id", "month"])


def _flat_prices() -> None:
    """The prices that are there go on, each as version 1 of its class, in force since ever."""
    connection = op.get_bind()
    found = connection.execute(sa.text("SELECT id, utility_id, price_minor_per_m3, created_at FROM tariff")).all()
    add = sa.text(
        "INSERT INTO tariff_version"
        " (utility_id, tariff_id, version, effective_from_s, terms, reason, created_at, state)"
        " VALUES (:utility, :tariff, 1, 0, :terms, 'flat price', :at, 'approved')"
    ).bindparams(sa.bindparam("terms", type_=sa.JSON()))
    for tariff, utility, price, at in found:
        connection.execute(add, {"utility": utility, "tariff": tariff, "at": at, "terms": _flat(price)})


def _flat(price_minor: int) -> dict[str, object]:
    nothing_else = {"fixed_month_minor": 0, "taxes": [], "free_month_ml": 0, "minimum_minor": 0}
    return {"basis": "purchase", "blocks": [[None, price_minor * 1000]], **nothing_else}


def _keep_terms() -> None:
    words = "the terms of a tariff version never change"
    update = f"CREATE TRIGGER tariff_version_no_update BEFORE UPDATE OF {', '.join(_SAID)} ON tariff_version "
    delete = "CREATE TRIGGER tariff_version_no_delete BEFORE DELETE{} ON tariff_version "
    if op.get_bind().dialect.name == "sqlite":
        refuse = f"BEGIN SELECT RAISE(ABORT, '{words}'); END"
        op.execute(update + refuse)
        op.execute(delete.format("") + refuse)
        return
    op.execute(
        "CREATE FUNCTION tariff_version_refuse() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{words}'; END $$"
    )
    refuse = "FOR EACH STATEMENT EXECUTE FUNCTION tariff_version_refuse()"
    op.execute(update + refuse)
    op.execute(delete.format(" OR TRUNCATE") + refuse)


def downgrade() -> None:
    for table in _ONLY_ADDED:
        allow_edits(table)
    with op.batch_alter_table("tariff") as batch:
        # A class that began without a flat price has none to go back to: its sales stop until it is given one.
        op.execute("UPDATE tariff SET price_minor_per_m3 = 0 WHERE price_minor_per_m3 IS NULL")
        batch.alter_column("price_minor_per_m3", existing_type=sa.BigInteger(), nullable=False)
    on = "" if op.get_bind().dialect.name == "sqlite" else " ON tariff_version"
    for verb in ("update", "delete"):
        op.execute(f"DROP TRIGGER tariff_version_no_{verb}{on}")
    if on:
        op.execute("DROP FUNCTION tariff_version_refuse()")
    for table in ("debt_payment", "payment_debt", "sale", "tariff_version"):
        op.drop_table(table)
