"""The base: people, gateways and meters, keys, tariffs, sales, messages, and an audit that refuses edits."""

import sqlalchemy as sa
from alembic import op

from cloud.migrations.triggers import allow_edits, forbid_edits

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_TABLES = (
    "audit_entry",
    "audit_head",
    "utility",
    "operator",
    "operator_session",
    "api_key",
    "customer",
    "sealed_secret",
    "vending_key",
    "tariff",
    "policy_document",
    "gateway",
    "gateway_epoch",
    "enrolment_challenge",
    "meter",
    "meter_opening",
    "purchase",
    "vend",
    "message",
)


def upgrade() -> None:
    _audit()
    _utilities_and_customers()
    _people()
    _keys()
    _tariffs_and_policies()
    _gateways()
    _meters()
    _sales()
    _messages()
    forbid_edits("audit_entry")


def downgrade() -> None:
    allow_edits("audit_entry")
    for table in reversed(_TABLES):
        op.drop_table(table)


def _audit() -> None:
    op.create_table(
        "audit_entry",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("chain", sa.BigInteger(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.String(length=200), nullable=False),
        sa.Column("action", sa.String(length=100), nullable=False),
        sa.Column("subject", sa.String(length=200), nullable=False),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.Column("hash", sa.LargeBinary(length=32), nullable=False),
        sa.UniqueConstraint("chain", "sequence"),
    )
    op.create_table(
        "audit_head",
        sa.Column("chain", sa.BigInteger(), autoincrement=False, primary_key=True),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.LargeBinary(length=32), nullable=False),
    )


def _utilities_and_customers() -> None:
    op.create_table(
        "utility",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("name", sa.String(length=100), nullable=False, unique=True),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("command_public", sa.LargeBinary(length=32), nullable=False),
        sa.Column("floor_public", sa.LargeBinary(length=32), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
    )
    op.create_table(
        "customer",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("utility_id", sa.Integer(), sa.ForeignKey("utility.id"), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("phone", sa.String(length=16), nullable=True),
        sa.Column("email", sa.String(length=254), nullable=True),
        sa.Column("language", sa.String(length=2), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
    )
    op.create_index("ix_customer_utility_id", "customer", ["utility_id"])


def _people() -> None:
    op.create_table(
        "operator",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("utility_id", sa.Integer(), sa.ForeignKey("utility.id"), nullable=True),
        sa.Column("email", sa.String(length=254), nullable=False, unique=True),
        sa.Column("role", sa.String(length=20), nullable=False),
        sa.Column("password_hash", sa.String(length=200), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("failed_logins", sa.Integer(), nullable=False),
        sa.Column("locked_until", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
    )
    op.create_table(
        "operator_session",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("operator_id", _ID, sa.ForeignKey("operator.id"), nullable=False),
        sa.Column("token_sha256", sa.LargeBinary(length=32), nullable=False, unique=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("used_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
    )
    op.create_index("ix_operator_session_operator_id", "operator_session", ["operator_id"])
    op.create_table(
        "api_key",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("utility_id", sa.Integer(), sa.ForeignKey("utility.id"), nullable=True),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("key_sha256", sa.LargeBinary(length=32), nullable=False, unique=True),
        sa.Column("scopes", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
    )


def _keys() -> None:
    op.create_table(
        "sealed_secret",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("utility_id", sa.Integer(), sa.ForeignKey("utility.id"), nullable=False),
        sa.Column("purpose", sa.String(length=20), nullable=False),
        sa.Column("subject", sa.String(length=100), nullable=False),
        sa.Column("kek_id", sa.String(length=16), nullable=False),
        sa.Column("nonce", sa.LargeBinary(length=12), nullable=False),
        sa.Column("ciphertext", sa.LargeBinary(length=128), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.UniqueConstraint("purpose", "subject"),
    )
    op.create_index("ix_sealed_secret_utility_id", "sealed_secret", ["utility_id"])
    op.create_table(
        "vending_key",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("utility_id", sa.Integer(), sa.ForeignKey("utility.id"), nullable=False),
        sa.Column("sgc", sa.String(length=6), nullable=False),
        sa.Column("krn", sa.Integer(), nullable=False),
        sa.Column("kt", sa.Integer(), nullable=False),
        sa.Column("base_year", sa.Integer(), nullable=False),
        sa.Column("ken", sa.Integer(), nullable=False),
        sa.Column("dkga", sa.Integer(), nullable=False),
        sa.Column("ea", sa.Integer(), nullable=False),
        sa.Column("check_value", sa.String(length=8), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.UniqueConstraint("utility_id", "sgc", "krn", "kt"),
    )


def _tariffs_and_policies() -> None:
    op.create_table(
        "tariff",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("utility_id", sa.Integer(), sa.ForeignKey("utility.id"), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("commodity", sa.String(length=20), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("price_minor_per_m3", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.UniqueConstraint("utility_id", "name"),
    )
    op.create_table(
        "policy_document",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("utility_id", sa.Integer(), sa.ForeignKey("utility.id"), nullable=False),
        sa.Column("meter_group", sa.Integer(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("check_value", sa.BigInteger(), nullable=False),
        sa.Column("document", sa.LargeBinary(length=4096), nullable=False),
        sa.Column("signature", sa.LargeBinary(length=64), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.UniqueConstraint(
            "utility_id", "meter_group", "version", name="uq_policy_document_utility_id_meter_group_version"
        ),
    )


def _gateways() -> None:
    op.create_table(
        "gateway",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("utility_id", sa.Integer(), sa.ForeignKey("utility.id"), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("hardware_id", sa.String(length=64), nullable=True, unique=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
    )
    op.create_index("ix_gateway_utility_id", "gateway", ["utility_id"])
    op.create_table(
        "gateway_epoch",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("utility_id", sa.Integer(), sa.ForeignKey("utility.id"), nullable=False),
        sa.Column("gateway_id", sa.Integer(), sa.ForeignKey("gateway.id"), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("hardware_id", sa.String(length=64), nullable=False),
        sa.Column("device_public", sa.LargeBinary(length=32), nullable=False, unique=True),
        sa.Column("seal_public", sa.LargeBinary(length=32), nullable=False),
        sa.Column("mqtt_password_sha256", sa.LargeBinary(length=32), nullable=False),
        sa.Column("opened_at", sa.BigInteger(), nullable=False),
        sa.UniqueConstraint("gateway_id", "epoch"),
    )
    op.create_table(
        "enrolment_challenge",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("utility_id", sa.Integer(), sa.ForeignKey("utility.id"), nullable=False),
        sa.Column("gateway_id", sa.Integer(), sa.ForeignKey("gateway.id"), nullable=False),
        sa.Column("challenge", sa.LargeBinary(length=32), nullable=False, unique=True),
        sa.Column("device_public", sa.LargeBinary(length=32), nullable=False),
        sa.Column("seal_public", sa.LargeBinary(length=32), nullable=False),
        sa.Column("hardware_id", sa.String(length=64), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("used_at", sa.BigInteger(), nullable=True),
    )
    op.create_index("ix_enrolment_challenge_gateway_id", "enrolment_challenge", ["gateway_id"])


def _meters() -> None:
    op.create_table(
        "meter",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("utility_id", sa.Integer(), sa.ForeignKey("utility.id"), nullable=False),
        sa.Column("gateway_id", sa.Integer(), sa.ForeignKey("gateway.id"), nullable=False),
        sa.Column("channel", sa.Integer(), nullable=False),
        sa.Column("drn", sa.String(length=13), nullable=False, unique=True),
        sa.Column("commodity", sa.String(length=20), nullable=False),
        sa.Column("pulse_volume_ml", sa.BigInteger(), nullable=False),
        sa.Column("opening_register_ml", sa.BigInteger(), nullable=False),
        sa.Column("customer_id", _ID, sa.ForeignKey("customer.id"), nullable=True),
        sa.Column("tariff_id", _ID, sa.ForeignKey("tariff.id"), nullable=False),
        sa.Column("vending_key_id", _ID, sa.ForeignKey("vending_key.id"), nullable=False),
        sa.Column("ti", sa.Integer(), nullable=False),
        sa.Column("key_check", sa.BigInteger(), nullable=False),
        sa.Column("last_tid", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("channel >= 0 AND channel < 8", name="channel"),
        sa.CheckConstraint("pulse_volume_ml > 0", name="pulse_volume_ml"),
        sa.UniqueConstraint("gateway_id", "channel"),
    )
    op.create_index("ix_meter_utility_id", "meter", ["utility_id"])
    op.create_table(
        "meter_opening",
        sa.Column("meter_id", _ID, sa.ForeignKey("meter.id"), autoincrement=False, primary_key=True),
        sa.Column("epoch", sa.Integer(), autoincrement=False, primary_key=True),
        sa.Column("utility_id", sa.Integer(), sa.ForeignKey("utility.id"), nullable=False),
        sa.Column("gateway_id", sa.Integer(), sa.ForeignKey("gateway.id"), nullable=False),
        sa.Column("channel", sa.Integer(), nullable=False),
        sa.Column("balance_ml", sa.BigInteger(), nullable=False),
        sa.Column("register_ml", sa.BigInteger(), nullable=False),
        sa.Column("tid_minimum", sa.Integer(), nullable=False),
        sa.Column("krn", sa.Integer(), nullable=False),
        sa.Column("ti", sa.Integer(), nullable=False),
        sa.Column("key_check", sa.BigInteger(), nullable=False),
        sa.Column("opened_at", sa.BigInteger(), nullable=False),
    )
    op.create_index("ix_meter_opening_gateway_id", "meter_opening", ["gateway_id"])


def _sales() -> None:
    op.create_table(
        "purchase",
        sa.Column("purchase_id", sa.String(length=36), primary_key=True),
        sa.Column("request_sha256", sa.LargeBinary(length=32), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
    )
    op.create_table(
        "vend",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("utility_id", sa.Integer(), sa.ForeignKey("utility.id"), nullable=False),
        sa.Column(
            "purchase_id", sa.String(length=36), sa.ForeignKey("purchase.purchase_id"), nullable=False, unique=True
        ),
        sa.Column("meter_id", _ID, sa.ForeignKey("meter.id"), nullable=False),
        sa.Column("customer_id", _ID, sa.ForeignKey("customer.id"), nullable=True),
        sa.Column("vending_key_id", _ID, sa.ForeignKey("vending_key.id"), nullable=False),
        sa.Column("ti", sa.Integer(), nullable=False),
        sa.Column("key_check", sa.BigInteger(), nullable=False),
        sa.Column("tid", sa.Integer(), nullable=False),
        sa.Column("rnd", sa.Integer(), nullable=False),
        sa.Column("units", sa.Integer(), nullable=False),
        sa.Column("volume_ml", sa.BigInteger(), nullable=False),
        sa.Column("tariff_id", _ID, sa.ForeignKey("tariff.id"), nullable=False),
        sa.Column("price_minor_per_m3", sa.BigInteger(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("tender_kind", sa.String(length=20), nullable=False),
        sa.Column("tender_minor", sa.BigInteger(), nullable=False),
        sa.Column("change_minor", sa.BigInteger(), nullable=False),
        sa.Column("delivery", sa.String(length=10), nullable=False),
        sa.Column("actor", sa.String(length=200), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("consumed_by", sa.BigInteger(), nullable=True, unique=True),
        sa.Column("consumed_at", sa.BigInteger(), nullable=True),
        sa.UniqueConstraint("meter_id", "tid"),
    )
    op.create_index("ix_vend_utility_id", "vend", ["utility_id"])


def _messages() -> None:
    op.create_table(
        "message",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("utility_id", sa.Integer(), sa.ForeignKey("utility.id"), nullable=False),
        sa.Column("customer_id", _ID, sa.ForeignKey("customer.id"), nullable=False),
        sa.Column("vend_id", _ID, sa.ForeignKey("vend.id"), nullable=True),
        sa.Column("kind", sa.String(length=30), nullable=False),
        sa.Column("address", sa.String(length=254), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_attempt_at", sa.BigInteger(), nullable=False),
        sa.Column("last_error", sa.String(length=200), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("delivered_at", sa.BigInteger(), nullable=True),
    )
    op.create_index("ix_message_due", "message", ["state", "next_attempt_at"])
    op.create_index("ix_message_utility_id", "message", ["utility_id"])
