"""Agents with their sales and floats, tills of cashiers, sales of voucher batches; who sells for which agent."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_SELLERS = ("operator", "api_key")


def upgrade() -> None:
    _agents()
    _requests()
    _tills()
    _batch_sales()
    for table in _SELLERS:
        with op.batch_alter_table(table) as batch:
            batch.add_column(sa.Column("agent_id", _ID))
            batch.create_foreign_key(f"fk_{table}_agent_id_agent", "agent", ["agent_id"], ["id"])
            batch.create_index(f"ix_{table}_agent_id", ["agent_id"])
    op.add_column("payment", sa.Column("used_for", sa.String(length=60)))
    op.add_column("payment", sa.Column("used_at", sa.BigInteger()))


def downgrade() -> None:
    op.execute("UPDATE payment SET state = 'disputed', code = 'used', reason = used_for WHERE state = 'used'")
    with op.batch_alter_table("payment") as batch:
        batch.drop_column("used_at")
        batch.drop_column("used_for")
    op.execute("UPDATE operator SET role = 'support', active = false WHERE role = 'agent'")
    for table in _SELLERS:
        with op.batch_alter_table(table) as batch:
            batch.drop_index(f"ix_{table}_agent_id")
            batch.drop_constraint(f"fk_{table}_agent_id_agent", type_="foreignkey")
            batch.drop_column("agent_id")
    for table in ("voucher_batch_sale", "till_shift", "float_request", "agent_sale", "agent"):
        op.drop_table(table)


def _agents() -> None:
    op.create_table(
        "agent",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("utility_id", sa.Integer(), sa.ForeignKey("utility.id"), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("commission_numerator", sa.Integer(), nullable=False),
        sa.Column("commission_denominator", sa.Integer(), nullable=False),
        sa.Column("commission_rest", sa.BigInteger(), nullable=False),
        sa.Column("asked_numerator", sa.Integer()),
        sa.Column("asked_denominator", sa.Integer()),
        sa.Column("asked_by", sa.BigInteger()),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.UniqueConstraint("utility_id", "name"),
        sa.CheckConstraint("state IN ('active', 'suspended', 'closed')", name="state"),
        sa.CheckConstraint(
            "commission_numerator >= 0 AND commission_numerator < commission_denominator", name="commission"
        ),
    )
    op.create_table(
        "agent_sale",
        sa.Column("purchase_id", sa.String(length=36), sa.ForeignKey("purchase.purchase_id"), primary_key=True),
        sa.Column("agent_id", _ID, sa.ForeignKey("agent.id"), nullable=False),
        sa.Column("base_minor", sa.BigInteger(), nullable=False),
        sa.Column("commission_numerator", sa.Integer(), nullable=False),
        sa.Column("commission_denominator", sa.Integer(), nullable=False),
        sa.Column("commission_minor", sa.BigInteger(), nullable=False),
        sa.Column("reversed_minor", sa.BigInteger(), nullable=False),
        sa.Column("sold_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("reversed_minor >= 0 AND reversed_minor <= base_minor", name="reversed_minor"),
    )
    op.create_index("ix_agent_sale_agent_id", "agent_sale", ["agent_id", "sold_at"])


def _requests() -> None:
    op.create_table(
        "float_request",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("utility_id", sa.Integer(), sa.ForeignKey("utility.id"), nullable=False),
        sa.Column("agent_id", _ID, sa.ForeignKey("agent.id"), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.String(length=10), nullable=False),
        sa.Column("reference", sa.String(length=100), nullable=False),
        sa.Column("reason", sa.String(length=300), nullable=False),
        *_asked(),
        sa.UniqueConstraint("utility_id", "kind", "source", "reference"),
        sa.CheckConstraint("kind IN ('top_up', 'withdrawal')", name="kind"),
        sa.CheckConstraint("source IN ('bank', 'cash')", name="source"),
        sa.CheckConstraint("amount_minor > 0", name="amount_minor"),
    )
    op.create_index("ix_float_request_agent_id", "float_request", ["agent_id", "id"])


def _tills() -> None:
    op.create_table(
        "till_shift",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("utility_id", sa.Integer(), sa.ForeignKey("utility.id"), nullable=False),
        sa.Column("person_id", _ID, sa.ForeignKey("operator.id"), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("opening_minor", sa.BigInteger(), nullable=False),
        sa.Column("opened_at", sa.BigInteger(), nullable=False),
        sa.Column("counted_minor", sa.BigInteger()),
        sa.Column("difference_minor", sa.BigInteger()),
        sa.Column("note", sa.String(length=300)),
        sa.Column("closed_at", sa.BigInteger()),
        sa.Column("handovers", sa.Integer(), nullable=False),
        sa.Column("settled_by", sa.BigInteger()),
        sa.Column("settled_at", sa.BigInteger()),
        sa.CheckConstraint("opening_minor >= 0", name="opening_minor"),
    )
    op.create_index("ix_till_shift_utility_id", "till_shift", ["utility_id", "id"])
    _unique_where("uq_till_shift_open", "till_shift", ["person_id", "currency"], "closed_at IS NULL")


def _batch_sales() -> None:
    op.create_table(
        "voucher_batch_sale",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("utility_id", sa.Integer(), sa.ForeignKey("utility.id"), nullable=False),
        sa.Column("batch_id", _ID, sa.ForeignKey("voucher_batch.id"), nullable=False),
        sa.Column("sold_to", sa.String(length=100), nullable=False),
        sa.Column("agent_id", _ID, sa.ForeignKey("agent.id")),
        sa.Column("paid_by", sa.String(length=10), nullable=False),
        sa.Column("face_minor", sa.BigInteger(), nullable=False),
        sa.Column("price_minor", sa.BigInteger(), nullable=False),
        sa.Column("returned_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("reference", sa.String(length=100), nullable=False),
        *_asked(),
        sa.CheckConstraint("price_minor >= 0 AND price_minor <= face_minor", name="price_minor"),
        sa.CheckConstraint("returned_minor >= 0 AND returned_minor <= price_minor", name="returned_minor"),
    )
    op.create_index("ix_voucher_batch_sale_utility_id", "voucher_batch_sale", ["utility_id"])
    _unique_where("uq_voucher_batch_sale_open", "voucher_batch_sale", ["batch_id"], "state <> 'declined'")


def _asked() -> tuple[sa.Column[int | str], ...]:
    return (
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("asked_by", sa.BigInteger(), nullable=False),
        sa.Column("asked_at", sa.BigInteger(), nullable=False),
        sa.Column("decided_by", sa.BigInteger()),
        sa.Column("decided_at", sa.BigInteger()),
    )


def _unique_where(name: str, table: str, columns: list[str], where: str) -> None:
    chosen = sa.text(where)
    op.create_index(name, table, columns, unique=True, sqlite_where=chosen, postgresql_where=chosen)
