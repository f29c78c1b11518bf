"""Operators, their sessions, second factors and API keys.

Passwords, session tokens, recovery codes and keys are kept as hashes only; the secret of a second factor is sealed
under the key-encryption key.
"""

from sqlalchemy import JSON, BigInteger, ForeignKey, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from cloud.db import Base, BigId


class Operator(Base):
    """A person who works with the cloud; of one utility, or of all when utility_id is empty.

    Who has an `agent_id` sells for that agent, from its float alone.
    """

    __tablename__ = "operator"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    utility_id: Mapped[int | None] = mapped_column(ForeignKey("utility.id"))
    email: Mapped[str] = mapped_column(String(254), unique=True)
    role: Mapped[str] = mapped_column(String(20))
    password_hash: Mapped[str] = mapped_column(String(200))
    active: Mapped[bool] = mapped_column(default=True)
    failed_logins: Mapped[int] = mapped_column(default=0)
    locked_until: Mapped[int] = mapped_column(BigInteger, default=0)
    agent_id: Mapped[int | None] = mapped_column(ForeignKey("agent.id"), index=True)
    created_at: Mapped[int] = mapped_column(BigInteger)


class OperatorSession(Base):
    """A login; opaque to the browser and ended by setting revoked_at."""

    __tablename__ = "operator_session"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    operator_id: Mapped[int] = mapped_column(ForeignKey("operator.id"), index=True)
    token_sha256: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    created_at: Mapped[int] = mapped_column(BigInteger)
    used_at: Mapped[int] = mapped_column(BigInteger)
    expires_at: Mapped[int] = mapped_column(BigInteger)
    revoked_at: Mapped[int | None] = mapped_column(BigInteger)


class SecondFactor(Base):
    """An operator's TOTP secret; in use when `confirmed_at` is set. `step_used` is that of the last code taken."""

    __tablename__ = "operator_second_factor"

    operator_id: Mapped[int] = mapped_column(ForeignKey("operator.id"), primary_key=True, autoincrement=False)
    kek_id: Mapped[str] = mapped_column(String(16))
    nonce: Mapped[bytes] = mapped_column(LargeBinary(12))
    ciphertext: Mapped[bytes] = mapped_column(LargeBinary(128))
    step_used: Mapped[int] = mapped_column(BigInteger, default=0)
    created_at: Mapped[int] = mapped_column(BigInteger)
    confirmed_at: Mapped[int | None] = mapped_column(BigInteger)


class RecoveryCode(Base):
    """A code that stands once for the second factor."""

    __tablename__ = "operator_recovery_code"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    operator_id: Mapped[int] = mapped_column(ForeignKey("operator.id"), index=True)
    code_sha256: Mapped[bytes] = mapped_column(LargeBinary(32))
    used_at: Mapped[int | None] = mapped_column(BigInteger)


class ApiKey(Base):
    """A program's key with its scopes; of one utility, or of all when utility_id is empty.

    `operator_id` is the person that it belongs to: it ends with that operator and never does more than they may. It
    sells for the agent of that person, or, where there is none, for `agent_id`.
    """

    __tablename__ = "api_key"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    utility_id: Mapped[int | None] = mapped_column(ForeignKey("utility.id"))
    name: Mapped[str] = mapped_column(String(100))
    key_sha256: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    scopes: Mapped[list[str]] = mapped_column(JSON)
    operator_id: Mapped[int | None] = mapped_column(ForeignKey("operator.id"), index=True)
    agent_id: Mapped[int | None] = mapped_column(ForeignKey("agent.id"), index=True)
    created_at: Mapped[int] = mapped_column(BigInteger)
    expires_at: Mapped[int | None] = mapped_column(BigInteger)
    revoked_at: Mapped[int | None] = mapped_column(BigInteger)
