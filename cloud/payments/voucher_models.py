"""Tables of vouchers. A code is nowhere: only its HMAC under a key of the utility that is sealed elsewhere."""

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from cloud.db import Base, BigId
from cloud.decided import Decided


class VoucherBatch(Decided, Base):
    """Vouchers that are made together: `count` of them, worth `amount_minor` each, until they end or are stopped.

    `state`: waiting for another person, approved, done once its codes were made, declined.
    """

    __tablename__ = "voucher_batch"
    __table_args__ = (CheckConstraint("amount_minor > 0", name="amount_minor"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    utility_id: Mapped[int] = mapped_column(ForeignKey("utility.id"), index=True)
    count: Mapped[int]
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(String(3))
    expires_at: Mapped[int] = mapped_column(BigInteger)
    stopped_at: Mapped[int | None] = mapped_column(BigInteger)
    created_at: Mapped[int] = mapped_column(BigInteger)


class Voucher(Base):
    """One voucher; `payment_id` is what it was redeemed as, and there can be only one."""

    __tablename__ = "voucher"
    __table_args__ = (UniqueConstraint("batch_id", "serial"), UniqueConstraint("utility_id", "code_hmac"))

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    utility_id: Mapped[int] = mapped_column(ForeignKey("utility.id"))
    batch_id: Mapped[int] = mapped_column(ForeignKey("voucher_batch.id"))
    serial: Mapped[int]
    code_hmac: Mapped[bytes] = mapped_column(LargeBinary(32))
    payment_id: Mapped[int | None] = mapped_column(ForeignKey("payment.id"), unique=True)


class VoucherGuess(Base):
    """How many codes did not fit on a day of UTC, for a meter or a caller; counted before a code is looked up."""

    __tablename__ = "voucher_guess"

    subject: Mapped[str] = mapped_column(String(210), primary_key=True)
    day: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    guesses: Mapped[int]
