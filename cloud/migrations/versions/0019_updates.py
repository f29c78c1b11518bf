"""Releases of firmware with their images, what runs on each gateway, and rollouts."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    _releases()
    op.create_table(
        "gateway_firmware",
        sa.Column("gateway_id", sa.Integer(), sa.ForeignKey("gateway.id"), primary_key=True, autoincrement=False),
        sa.Column("utility_id", sa.Integer(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("board", sa.String(length=32)),
        sa.Column("since", sa.BigInteger(), nullable=False),
    )
    op.create_index("ix_gateway_firmware_utility_id", "gateway_firmware", ["utility_id"])
    _rollouts()


def _releases() -> None:
    op.create_table(
        "firmware_release",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("board", sa.String(length=32), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("minimum", sa.BigInteger(), nullable=False),
        sa.Column("check_value", sa.BigInteger(), nullable=False),
        sa.Column("document", sa.LargeBinary(length=512), nullable=False),
        sa.Column("signature", sa.LargeBinary(length=64), nullable=False),
        sa.Column("notes", sa.String(length=300), nullable=False),
        sa.Column("added_by", sa.String(length=200), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("withdrawn_at", sa.BigInteger()),
        sa.UniqueConstraint("board", "version", "check_value"),
    )
    op.create_table(
        "firmware_image",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("release_id", _ID, sa.ForeignKey("firmware_release.id"), nullable=False),
        sa.Column("slot", sa.SmallInteger(), nullable=False),
        sa.Column("image_id", sa.LargeBinary(length=8), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.UniqueConstraint("release_id", "slot"),
    )
    op.create_index("ix_firmware_image_image_id", "firmware_image", ["image_id"])
    op.create_table(
        "firmware_block",
        sa.Column("image_row", _ID, sa.ForeignKey("firmware_image.id"), primary_key=True, autoincrement=False),
        sa.Column("number", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("data", sa.LargeBinary(length=8192), nullable=False),
    )


def _rollouts() -> None:
    op.create_table(
        "rollout",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("utility_id", sa.Integer(), sa.ForeignKey("utility.id"), nullable=False),
        sa.Column("release_id", _ID, sa.ForeignKey("firmware_release.id"), nullable=False),
        sa.Column("waves", sa.JSON(), nullable=False),
        sa.Column("wave", sa.SmallInteger(), nullable=False),
        sa.Column("wave_began_at", sa.BigInteger()),
        sa.Column("kept_percent", sa.SmallInteger(), nullable=False),
        sa.Column("failure_percent", sa.SmallInteger(), nullable=False),
        sa.Column("wave_s", sa.Integer(), nullable=False),
        sa.Column("soak_s", sa.Integer(), nullable=False),
        sa.Column("silent_s", sa.Integer(), nullable=False),
        sa.Column("outcome", sa.String(length=300)),
        sa.Column("ended_at", sa.BigInteger()),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("reason", sa.String(length=300), nullable=False),
        sa.Column("requested_by", sa.String(length=200), nullable=False),
        sa.Column("requested_person_id", sa.BigInteger()),
        sa.Column("requested_at", sa.BigInteger(), nullable=False),
        sa.Column("decided_by", sa.String(length=200)),
        sa.Column("decided_person_id", sa.BigInteger()),
        sa.Column("decided_at", sa.BigInteger()),
    )
    op.create_index("ix_rollout_utility_id", "rollout", ["utility_id", "id"])
    op.create_index("ix_rollout_state", "rollout", ["state"])
    op.create_table(
        "rollout_gateway",
        sa.Column("rollout_id", _ID, sa.ForeignKey("rollout.id"), primary_key=True, autoincrement=False),
        sa.Column("gateway_id", sa.Integer(), sa.ForeignKey("gateway.id"), primary_key=True, autoincrement=False),
        sa.Column("wave", sa.SmallInteger(), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("command_id", sa.BigInteger()),
        sa.Column("ordered_at", sa.BigInteger()),
        sa.Column("trial_at", sa.BigInteger()),
        sa.Column("ended_at", sa.BigInteger()),
        sa.Column("outcome", sa.String(length=300)),
    )
    op.create_index("ix_rollout_gateway_gateway_id", "rollout_gateway", ["gateway_id"])
    op.create_index("ix_rollout_gateway_state", "rollout_gateway", ["rollout_id", "state", "wave"])


def downgrade() -> None:
    for table in ("rollout_gateway", "rollout", "gateway_firmware", "firmware_block", "firmware_image"):
        op.drop_table(table)
    op.drop_table("firmware_release")
