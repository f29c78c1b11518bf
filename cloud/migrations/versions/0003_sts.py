"""Sales of several tokens, customers' accounts that only grow, key changes, voids, and a limit for one token."""

import sqlalchemy as sa
from alembic import op

from cloud.migrations.triggers import allow_edits, forbid_edits

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_OPEN = sa.text("state IN ('planned', 'issued')")


def upgrade() -> None:
    _key_changes()
    _accounts()
    _several_tokens()
    op.add_column("utility", sa.Column("token_max_ml", sa.BigInteger()))
    op.add_column("command", sa.Column("key_change_id", sa.BigInteger()))
    op.add_column("command", sa.Column("section", sa.SmallInteger()))
    op.add_column("command", sa.Column("void_vend_id", sa.BigInteger()))
    forbid_edits("account_posting")


def downgrade() -> None:
    """Only from a database whose sales have one token each: the older form cannot hold another."""
    allow_edits("account_posting")
    with op.batch_alter_table("command") as command:
        command.drop_column("void_vend_id")
        command.drop_column("section")
        command.drop_column("key_change_id")
    with op.batch_alter_table("utility") as utility:
        utility.drop_column("token_max_ml")
    with op.batch_alter_table("vend") as vend:
        vend.drop_constraint("uq_vend_meter_id_key_check_tid", type_="unique")
        vend.drop_constraint("uq_vend_purchase_id_part", type_="unique")
        vend.drop_constraint("fk_vend_key_change_id_key_change", type_="foreignkey")
        vend.create_unique_constraint("uq_vend_purchase_id", ["purchase_id"])
        vend.create_unique_constraint("uq_vend_meter_id_tid", ["meter_id", "tid"])
        for column in ("voided_at", "void_ordered_at", "void_tid", "key_change_id"):
            vend.drop_column(column)
        vend.drop_column("part")
    for table in ("account_posting", "customer_account", "key_change"):
        op.drop_table(table)


def _key_changes() -> None:
    op.create_table(
        "key_change",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("utility_id", sa.Integer(), sa.ForeignKey("utility.id"), nullable=False),
        sa.Column("meter_id", _ID, sa.ForeignKey("meter.id"), nullable=False),
        sa.Column("old_vending_key_id", _ID, sa.ForeignKey("vending_key.id"), nullable=False),
        sa.Column("old_ti", sa.Integer(), nullable=False),
        sa.Column("old_key_check", sa.BigInteger(), nullable=False),
        sa.Column("new_vending_key_id", _ID, sa.ForeignKey("vending_key.id"), nullable=False),
        sa.Column("new_ti", sa.Integer(), nullable=False),
        sa.Column("new_key_check", sa.BigInteger(), nullable=False),
        sa.Column("roll_over", sa.Boolean(), nullable=False),
        sa.Column("last_tid", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("planned_at", sa.BigInteger(), nullable=False),
        sa.Column("issued_at", sa.BigInteger()),
        sa.Column("applied_at", sa.BigInteger()),
        sa.Column("cancelled_at", sa.BigInteger()),
    )
    op.create_index("ix_key_change_utility_id", "key_change", ["utility_id"])
    op.create_index("ix_key_change_meter_id", "key_change", ["meter_id"])
    op.create_index(
        "uq_key_change_open", "key_change", ["meter_id"], unique=True, sqlite_where=_OPEN, postgresql_where=_OPEN
    )


def _accounts() -> None:
    op.create_table(
        "customer_account",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("utility_id", sa.Integer(), sa.ForeignKey("utility.id"), nullable=False),
        sa.Column("customer_id", _ID, sa.ForeignKey("customer.id"), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("balance_minor", sa.BigInteger(), nullable=False),
        sa.Column("postings", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("balance_minor >= 0", name="balance_minor"),
        sa.UniqueConstraint("customer_id", "currency"),
    )
    op.create_index("ix_customer_account_utility_id", "customer_account", ["utility_id"])
    op.create_table(
        "account_posting",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("account_id", _ID, sa.ForeignKey("customer_account.id"), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("purchase_id", sa.String(length=36), sa.ForeignKey("purchase.purchase_id"), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("balance_minor", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("balance_minor >= 0", name="balance_minor"),
        sa.UniqueConstraint("account_id", "sequence"),
    )
    op.create_index("ix_account_posting_purchase_id", "account_posting", ["purchase_id"])


def _several_tokens() -> None:
    with op.batch_alter_table("vend") as vend:
        vend.add_column(sa.Column("part", sa.SmallInteger(), nullable=False, server_default="1"))
        vend.add_column(sa.Column("key_change_id", _ID))
        vend.add_column(sa.Column("void_tid", sa.Integer()))
        vend.add_column(sa.Column("void_ordered_at", sa.BigInteger()))
        vend.add_column(sa.Column("voided_at", sa.BigInteger()))
        vend.create_foreign_key("fk_vend_key_change_id_key_change", "key_change", ["key_change_id"], ["id"])
        vend.drop_constraint("uq_vend_purchase_id", type_="unique")
        vend.drop_constraint("uq_vend_meter_id_tid", type_="unique")
        vend.create_unique_constraint("uq_vend_purchase_id_part", ["purchase_id", "part"])
        vend.create_unique_constraint("uq_vend_meter_id_key_check_tid", ["meter_id", "key_check", "tid"])
    with op.batch_alter_table("vend") as vend:
        vend.alter_column("part", server_default=None)
