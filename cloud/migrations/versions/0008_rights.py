"""Eight roles, owners and ends of API keys, second factors, people behind command requests, answers kept by key."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_RENAMED = {"admin": "administrator", "engineer": "operator"}


def upgrade() -> None:
    for before, now in _RENAMED.items():
        op.execute(f"UPDATE operator SET role = '{now}' WHERE role = '{before}'")  # noqa: S608  # our own constants
    with op.batch_alter_table("api_key") as batch:
        batch.add_column(sa.Column("operator_id", _ID))
        batch.add_column(sa.Column("expires_at", sa.BigInteger()))
        batch.create_foreign_key("fk_api_key_operator_id_operator", "operator", ["operator_id"], ["id"])
        batch.create_index("ix_api_key_operator_id", ["operator_id"])
    with op.batch_alter_table("command_request") as batch:
        batch.add_column(sa.Column("requested_person_id", sa.BigInteger()))
        batch.add_column(sa.Column("decided_person_id", sa.BigInteger()))
    # Who signed in is known by the label; the owner of a key was not kept.
    number = "CAST(substr(requested_by, 10) AS BIGINT)"
    op.execute(
        f"UPDATE command_request SET requested_person_id = {number} WHERE requested_by LIKE 'operator:%'"  # noqa: S608
    )
    _second_factors()
    _answers()


def _second_factors() -> None:
    op.create_table(
        "operator_second_factor",
        sa.Column("operator_id", _ID, sa.ForeignKey("operator.id"), primary_key=True, autoincrement=False),
        sa.Column("kek_id", sa.String(length=16), nullable=False),
        sa.Column("nonce", sa.LargeBinary(length=12), nullable=False),
        sa.Column("ciphertext", sa.LargeBinary(length=128), nullable=False),
        sa.Column("step_used", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("confirmed_at", sa.BigInteger()),
    )
    op.create_table(
        "operator_recovery_code",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("operator_id", _ID, sa.ForeignKey("operator.id"), nullable=False),
        sa.Column("code_sha256", sa.LargeBinary(length=32), nullable=False),
        sa.Column("used_at", sa.BigInteger()),
    )
    op.create_index("ix_operator_recovery_code_operator_id", "operator_recovery_code", ["operator_id"])


def _answers() -> None:
    op.create_table(
        "kept_answer",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("caller", sa.String(length=200), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("request_sha256", sa.LargeBinary(length=32), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.UniqueConstraint("caller", "key"),
    )


def downgrade() -> None:
    for table in ("kept_answer", "operator_recovery_code", "operator_second_factor"):
        op.drop_table(table)
    with op.batch_alter_table("command_request") as batch:
        batch.drop_column("decided_person_id")
        batch.drop_column("requested_person_id")
    with op.batch_alter_table("api_key") as batch:
        batch.drop_index("ix_api_key_operator_id")
        batch.drop_constraint("fk_api_key_operator_id_operator", type_="foreignkey")
        batch.drop_column("expires_at")
        batch.drop_column("operator_id")
    for before, now in _RENAMED.items():
        op.execute(f"UPDATE operator SET role = '{before}' WHERE role = '{now}'")  # noqa: S608  # our own constants
