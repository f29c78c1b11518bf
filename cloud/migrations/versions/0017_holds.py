"""Purchases in two phases: what is held until the point of sale confirms it."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_OPEN = sa.text("released_at IS NULL AND cancelled_at IS NULL")
_KEPT = "kept_sale_hold"
_INDEX = "ix_sale_hold_open"


def upgrade() -> None:
    op.add_column("vend", sa.Column("held_until", sa.BigInteger()))
    if sa.inspect(op.get_bind()).has_table(_KEPT):
        op.rename_table(_KEPT, "sale_hold")
        op.execute(
            "UPDATE vend SET held_until = (SELECT expires_at FROM sale_hold WHERE sale_hold.purchase_id ="
            " vend.purchase_id) WHERE purchase_id IN (SELECT purchase_id FROM sale_hold WHERE cancelled_at IS NOT NULL)"
        )
        return
    times = ("released_at", "cancelled_at")
    op.create_table(
        "sale_hold",
        sa.Column("purchase_id", sa.String(length=36), sa.ForeignKey("purchase.purchase_id"), primary_key=True),
        sa.Column("utility_id", sa.Integer(), sa.ForeignKey("utility.id"), nullable=False),
        sa.Column("meter_id", _ID, sa.ForeignKey("meter.id"), nullable=False),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in ("kept_minor", "held_at", "expires_at")),
        *(sa.Column(name, sa.BigInteger()) for name in times),
        sa.Column("ended_by", sa.String(length=200)),
        sa.Column("reason", sa.String(length=300)),
    )
    op.create_index(_INDEX, "sale_hold", ["expires_at"], sqlite_where=_OPEN, postgresql_where=_OPEN)
    op.create_index("ix_sale_hold_meter_id", "sale_hold", ["meter_id"])


def downgrade() -> None:
    count = op.get_bind().execute(sa.text(f"SELECT count(*) FROM sale_hold WHERE {_OPEN}")).scalar()  # noqa: S608  # no input
    if count:
        # Without the table their tokens would be given out on the next look.
        raise RuntimeError(f"{count} purchases are held; confirm or cancel them, then migrate down.")
    used = op.get_bind().execute(sa.text("SELECT 1 FROM sale_hold LIMIT 1")).first() is not None
    if used:
        op.rename_table("sale_hold", _KEPT)
    else:
        op.drop_table("sale_hold")
    op.drop_column("vend", "held_until")
