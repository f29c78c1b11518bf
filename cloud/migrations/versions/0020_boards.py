"""The kind of board of a gateway, as its device says it when it is enrolled, and when a gateway had a whole image."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("gateway", "enrolment_challenge"):
        op.add_column(table, sa.Column("board", sa.String(length=32)))
    op.add_column("rollout_gateway", sa.Column("loaded_at", sa.BigInteger()))
    op.execute("UPDATE gateway SET board = (SELECT board FROM gateway_firmware WHERE gateway_id = gateway.id)")
    op.drop_column("gateway_firmware", "board")


def downgrade() -> None:
    op.add_column("gateway_firmware", sa.Column("board", sa.String(length=32)))
    op.execute("UPDATE gateway_firmware SET board = (SELECT board FROM gateway WHERE id = gateway_firmware.gateway_id)")
    op.execute("UPDATE rollout_gateway SET state = 'skipped' WHERE state IN ('unknown', 'stopping')")
    op.drop_column("rollout_gateway", "loaded_at")
    for table in ("gateway", "enrolment_challenge"):
        op.drop_column(table, "board")
