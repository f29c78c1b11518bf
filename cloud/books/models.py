"""Tables of the books. Their triggers are made by migration 0006; without those the rules below do not hold."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    Sequence,
    SmallInteger,
    String,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column

from cloud.db import Base, BigId

ENTRY_IDS = Sequence("book_entry_id_seq", metadata=Base.metadata)
"""Numbers entries on PostgreSQL, where the postings need the number before the entry is there."""


class BookAccount(Base):
    """An account of one utility in one unit: an ISO currency (minor units), or `ml`, `mwh` of a commodity.

    Its balance is the sum of its postings. Where `floored`, it is owed by the utility and never below zero: `held` is
    then that balance with its sign turned, kept by the trigger of each entry; else it stays 0.
    """

    __tablename__ = "book_account"
    __table_args__ = (
        UniqueConstraint("utility_id", "code", "unit"),
        CheckConstraint("kind IN ('asset', 'liability', 'income', 'expense')", name="kind"),
        CheckConstraint("unit IN ('ml', 'mwh') OR (length(unit) = 3 AND unit = upper(unit))", name="unit"),
        CheckConstraint("kind = 'liability' OR NOT floored", name="floored"),
        CheckConstraint("held >= 0", name="held"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    utility_id: Mapped[int] = mapped_column(ForeignKey("utility.id"))
    code: Mapped[str] = mapped_column(String(60))
    unit: Mapped[str] = mapped_column(String(3))
    kind: Mapped[str] = mapped_column(String(9))
    floored: Mapped[bool]
    held: Mapped[int] = mapped_column(BigInteger)


class BookEntry(Base):
    """One event of the business. `key` makes it happen once for a utility; `sha256` is of what it says.

    It is inserted after its postings, of which it states the number, and its trigger refuses it unless those are there,
    are of this utility, and sum to zero in each unit.
    """

    __tablename__ = "book_entry"
    __table_args__ = (
        UniqueConstraint("utility_id", "key"),
        UniqueConstraint("id", "lines"),
        CheckConstraint("lines >= 2", name="lines"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    lines: Mapped[int] = mapped_column(SmallInteger)
    utility_id: Mapped[int] = mapped_column(ForeignKey("utility.id"))
    key: Mapped[str] = mapped_column(String(100))
    sha256: Mapped[bytes] = mapped_column(LargeBinary(32))
    kind: Mapped[str] = mapped_column(String(20))
    subject: Mapped[str] = mapped_column(String(100))
    actor: Mapped[str] = mapped_column(String(200))
    reason: Mapped[str] = mapped_column(String(300))
    at: Mapped[int] = mapped_column(BigInteger)


class BookPosting(Base):
    """One line of an entry: a debit above zero, a credit below.

    It is there before its entry, so the reference is checked at commit. Line 1 to `lines`, each once, and `lines` as
    the entry says: together they leave no place for a further posting once an entry stands.
    """

    __tablename__ = "book_posting"
    __table_args__ = (
        UniqueConstraint("entry_id", "line"),
        ForeignKeyConstraint(
            ["entry_id", "lines"], ["book_entry.id", "book_entry.lines"], deferrable=True, initially="DEFERRED"
        ),
        CheckConstraint("line BETWEEN 1 AND lines", name="line"),
        CheckConstraint("amount <> 0", name="amount"),
        Index("ix_book_posting_account", "account_id", "id"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    entry_id: Mapped[int] = mapped_column(BigInteger)
    line: Mapped[int] = mapped_column(SmallInteger)
    lines: Mapped[int] = mapped_column(SmallInteger)
    account_id: Mapped[int] = mapped_column(ForeignKey("book_account.id"))
    amount: Mapped[int] = mapped_column(BigInteger)
    what: Mapped[str] = mapped_column(String(12))


class BookMonth(Base):
    """What an account moved in a civil month of its utility that is closed; written once, never changed."""

    __tablename__ = "book_month"

    account_id: Mapped[int] = mapped_column(ForeignKey("book_account.id"), primary_key=True, autoincrement=False)
    month: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    debit: Mapped[int] = mapped_column(BigInteger)
    credit: Mapped[int] = mapped_column(BigInteger)


class BookMonthClose(Base):
    """A month (year * 12 + month - 1) that is closed: it ended at `ends_at`; later postings are above `after_id`."""

    __tablename__ = "book_month_close"

    utility_id: Mapped[int] = mapped_column(ForeignKey("utility.id"), primary_key=True, autoincrement=False)
    month: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    ends_at: Mapped[int] = mapped_column(BigInteger)
    after_id: Mapped[int] = mapped_column(BigInteger)
    closed_at: Mapped[int] = mapped_column(BigInteger)
