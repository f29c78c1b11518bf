"""The double-entry books, which refuse what does not balance and every change; older sales become entries in them."""

import sqlalchemy as sa
from alembic import op

from cloud.migrations import book_history, book_triggers
from cloud.migrations.triggers import allow_edits, forbid_edits

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute(sa.schema.CreateSequence(sa.Sequence("book_entry_id_seq")))
    _accounts()
    _entries()
    _postings()
    book_history.carry_over(op.get_bind())
    book_triggers.create()
    allow_edits("account_posting")
    op.drop_table("account_posting")
    op.drop_table("customer_account")


def downgrade() -> None:
    _customer_accounts()
    book_history.carry_back(op.get_bind())
    forbid_edits("account_posting")
    book_triggers.drop()
    for table in ("book_posting", "book_entry", "book_account"):
        op.drop_table(table)
    if op.get_bind().dialect.name == "postgresql":
        op.execute(sa.schema.DropSequence(sa.Sequence("book_entry_id_seq")))


def _accounts() -> None:
    op.create_table(
        "book_account",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("utility_id", sa.Integer(), sa.ForeignKey("utility.id"), nullable=False),
        sa.Column("code", sa.String(length=60), nullable=False),
        sa.Column("unit", sa.String(length=3), nullable=False),
        sa.Column("kind", sa.String(length=9), nullable=False),
        sa.Column("floored", sa.Boolean(), nullable=False),
        sa.Column("held", sa.BigInteger(), nullable=False),
        sa.UniqueConstraint("utility_id", "code", "unit"),
        sa.CheckConstraint("kind IN ('asset', 'liability', 'income', 'expense')", name="kind"),
        sa.CheckConstraint("unit IN ('ml', 'mwh') OR (length(unit) = 3 AND unit = upper(unit))", name="unit"),
        sa.CheckConstraint("kind = 'liability' OR NOT floored", name="floored"),
        sa.CheckConstraint("held >= 0", name="held"),
    )


def _entries() -> None:
    op.create_table(
        "book_entry",
        sa.Column("id", _ID, primary_key=True, autoincrement=False),
        sa.Column("lines", sa.SmallInteger(), nullable=False),
        sa.Column("utility_id", sa.Integer(), sa.ForeignKey("utility.id"), nullable=False),
        sa.Column("key", sa.String(length=100), nullable=False),
        sa.Column("sha256", sa.LargeBinary(length=32), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("subject", sa.String(length=100), nullable=False),
        sa.Column("actor", sa.String(length=200), nullable=False),
        sa.Column("reason", sa.String(length=300), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.UniqueConstraint("utility_id", "key"),
        sa.UniqueConstraint("id", "lines"),
        sa.CheckConstraint("lines >= 2", name="lines"),
    )


def _postings() -> None:
    op.create_table(
        "book_posting",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("entry_id", sa.BigInteger(), nullable=False),
        sa.Column("line", sa.SmallInteger(), nullable=False),
        sa.Column("lines", sa.SmallInteger(), nullable=False),
        sa.Column("account_id", _ID, sa.ForeignKey("book_account.id"), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("what", sa.String(length=12), nullable=False),
        sa.UniqueConstraint("entry_id", "line"),
        sa.ForeignKeyConstraint(
            ["entry_id", "lines"], ["book_entry.id", "book_entry.lines"], deferrable=True, initially="DEFERRED"
        ),
        sa.CheckConstraint("line BETWEEN 1 AND lines", name="line"),
        sa.CheckConstraint("amount <> 0", name="amount"),
    )
    op.create_index("ix_book_posting_account", "book_posting", ["account_id", "id"])


def _customer_accounts() -> None:
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
