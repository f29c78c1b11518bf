"""What watches over sales, payments and messages: late purchases, providers of messages, payments looked at again."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_OUTSTANDING = sa.text("status IN ('queued', 'sent')")
_MESSAGE = ("provider", "previous_id", "sent_at")
_PAYMENT = ("look_again_at", "looks", "double_of")
_PUSH = ("look_again_at", "looks")


def upgrade() -> None:
    _watched()
    _messages()
    _payments()
    with op.batch_alter_table("command") as batch:
        batch.drop_constraint("uq_command_vend_id", type_="unique")
    op.create_index(
        "uq_command_vend_outstanding", "command", ["vend_id"], unique=True,
        sqlite_where=_OUTSTANDING, postgresql_where=_OUTSTANDING,
    )  # fmt: skip
    op.create_index("ix_command_vend_id", "command", ["vend_id"])


def _watched() -> None:
    times = ("told_again_at", "commanded_at", "alarmed_at", "ended_at", "next_look_at")
    op.create_table(
        "watched_purchase",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("purchase_id", sa.String(length=36), sa.ForeignKey("purchase.purchase_id"), nullable=False),
        sa.Column("utility_id", sa.Integer(), sa.ForeignKey("utility.id"), nullable=False),
        sa.Column("meter_id", _ID, sa.ForeignKey("meter.id"), nullable=False),
        sa.Column("vend_id", _ID, sa.ForeignKey("vend.id"), nullable=False),
        sa.Column("vended_at", sa.BigInteger(), nullable=False),
        sa.Column("told_again", sa.SmallInteger(), nullable=False),
        sa.Column("commanded", sa.SmallInteger(), nullable=False),
        sa.Column("code", sa.String(length=20)),
        sa.Column("reason", sa.String(length=300)),
        *(sa.Column(name, sa.BigInteger()) for name in times),
        sa.UniqueConstraint("purchase_id"),
    )
    op.create_index("ix_watched_purchase_next_look_at", "watched_purchase", ["next_look_at"])
    op.create_index("ix_watched_purchase_utility_id", "watched_purchase", ["utility_id", "id"])
    op.create_table(
        "watch_cursor",
        sa.Column("id", sa.SmallInteger(), primary_key=True, autoincrement=False),
        sa.Column("vend_id", sa.BigInteger(), nullable=False),
    )


def _messages() -> None:
    op.add_column("message", sa.Column("channel", sa.String(length=5), nullable=False, server_default="sms"))
    op.execute("UPDATE message SET channel = 'email' WHERE address LIKE '%@%'")
    op.add_column("message", sa.Column("tried", sa.SmallInteger(), nullable=False, server_default="0"))
    op.add_column("message", sa.Column("provider", sa.String(length=40)))
    op.add_column("message", sa.Column("previous_id", sa.BigInteger()))
    op.add_column("message", sa.Column("sent_at", sa.BigInteger()))
    op.create_index("ix_message_vend_id", "message", ["vend_id"])
    _without_default("message", "channel", "tried")


def _payments() -> None:
    for table in ("payment", "push_request"):
        op.add_column(table, sa.Column("look_again_at", sa.BigInteger()))
        op.add_column(table, sa.Column("looks", sa.SmallInteger(), nullable=False, server_default="0"))
        op.create_index(f"ix_{table}_look_again_at", table, ["look_again_at"])
        _without_default(table, "looks")
    op.add_column("payment", sa.Column("double_of", sa.BigInteger()))
    op.create_index("ix_payment_drn", "payment", ["drn", "received_at"])


def _without_default(table: str, *columns: str) -> None:
    with op.batch_alter_table(table) as batch:
        for column in columns:
            batch.alter_column(column, server_default=None)


def downgrade() -> None:
    op.drop_index("ix_command_vend_id", "command")
    op.drop_index("uq_command_vend_outstanding", "command")
    # A token that was commanded again keeps its last command; the earlier ones are of no token any more.
    op.execute(
        "UPDATE command SET vend_id = NULL WHERE vend_id IS NOT NULL AND id <>"
        " (SELECT max(other.id) FROM command AS other WHERE other.vend_id = command.vend_id)"
    )
    with op.batch_alter_table("command") as batch:
        batch.create_unique_constraint("uq_command_vend_id", ["vend_id"])
    op.execute("UPDATE message SET state = 'delivered', delivered_at = sent_at WHERE state = 'sent'")
    op.drop_index("ix_payment_drn", "payment")
    for table, columns in (("payment", _PAYMENT), ("push_request", _PUSH)):
        op.drop_index(f"ix_{table}_look_again_at", table)
        _drop(table, *columns)
    op.drop_index("ix_message_vend_id", "message")
    _drop("message", *_MESSAGE, "tried", "channel")
    op.drop_table("watch_cursor")
    op.drop_table("watched_purchase")


def _drop(table: str, *columns: str) -> None:
    with op.batch_alter_table(table) as batch:
        for column in columns:
            batch.drop_column(column)
