"""Audit tables: the entries, and one head per chain that serialises who seals it."""

from typing import Any

from sqlalchemy import JSON, BigInteger, CheckConstraint, Index, LargeBinary, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from cloud.db import Base, BigId


class AuditEntry(Base):
    """One change. `chain` is the utility's number, 0 for what concerns no single utility.

    `sequence` and `hash` are its place in the chain, empty until it is sealed. Triggers refuse every other edit.
    """

    __tablename__ = "audit_entry"
    __table_args__ = (
        UniqueConstraint("chain", "sequence"),
        CheckConstraint("(sequence IS NULL) = (hash IS NULL)", name="sealed"),
        Index(
            "ix_audit_entry_unsealed",
            "chain",
            "id",
            sqlite_where=text("sequence IS NULL"),
            postgresql_where=text("sequence IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    chain: Mapped[int] = mapped_column(BigInteger)
    sequence: Mapped[int | None] = mapped_column(BigInteger)
    at: Mapped[int] = mapped_column(BigInteger)
    actor: Mapped[str] = mapped_column(String(200))
    action: Mapped[str] = mapped_column(String(100))
    subject: Mapped[str] = mapped_column(String(200))
    detail: Mapped[dict[str, Any]] = mapped_column(JSON)
    hash: Mapped[bytes | None] = mapped_column(LargeBinary(32))


class AuditHead(Base):
    """The last sealed entry of a chain; locked by whoever seals, so that a chain has no branches."""

    __tablename__ = "audit_head"

    chain: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    sequence: Mapped[int] = mapped_column(BigInteger)
    hash: Mapped[bytes] = mapped_column(LargeBinary(32))
