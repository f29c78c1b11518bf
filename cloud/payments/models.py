"""Tables of payments. A payment is stored once by provider and reference; what providers told of it is only added."""

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from cloud.db import Base, BigId


class Payment(Base):
    """Money that somebody paid, with the time of each stage. `state` is one of rules.STATES.

    `account_reference` is what the payer typed; `purchase_id` follows from provider and reference, so that a payment
    can only buy once. `code` and `reason` say why it waits for a person, or why the last attempt failed.
    """

    __tablename__ = "payment"
    __table_args__ = (
        UniqueConstraint("provider", "reference"),
        CheckConstraint("amount_minor > 0", name="amount_minor"),
        Index("ix_payment_due", "state", "next_attempt_at"),
        Index("ix_payment_utility_id", "utility_id", "id"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    utility_id: Mapped[int] = mapped_column(ForeignKey("utility.id"))
    channel: Mapped[str] = mapped_column(String(40))
    provider: Mapped[str] = mapped_column(String(20))
    reference: Mapped[str] = mapped_column(String(100))
    tender_kind: Mapped[str] = mapped_column(String(20))
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(String(3))
    account_reference: Mapped[str] = mapped_column(String(60))
    state: Mapped[str] = mapped_column(String(10))
    code: Mapped[str | None] = mapped_column(String(40))
    reason: Mapped[str | None] = mapped_column(String(300))
    drn: Mapped[str | None] = mapped_column(String(13))
    purchase_id: Mapped[str | None] = mapped_column(String(36), unique=True)
    attempts: Mapped[int] = mapped_column(default=0)
    next_attempt_at: Mapped[int] = mapped_column(BigInteger)
    paid_at: Mapped[int] = mapped_column(BigInteger)
    received_at: Mapped[int] = mapped_column(BigInteger)
    verified_at: Mapped[int | None] = mapped_column(BigInteger)
    vended_at: Mapped[int | None] = mapped_column(BigInteger)
    reversed_minor: Mapped[int] = mapped_column(BigInteger, default=0)
    """What the provider took back by itself."""
    refund_asked_by: Mapped[int | None] = mapped_column(BigInteger)
    refund_reference: Mapped[str | None] = mapped_column(String(100))
    refunded_at: Mapped[int | None] = mapped_column(BigInteger)
    alarmed_at: Mapped[int | None] = mapped_column(BigInteger)

    @property
    def left_minor(self) -> int:
        """What of the money is here to be sold for or returned."""
        return self.amount_minor - self.reversed_minor


class PaymentEvent(Base):
    """One message of a provider that passed its check; the same bytes again are no second event."""

    __tablename__ = "payment_event"
    __table_args__ = (
        UniqueConstraint("channel", "body_sha256"),
        Index("ix_payment_event_reference", "provider", "reference"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    utility_id: Mapped[int] = mapped_column(ForeignKey("utility.id"))
    channel: Mapped[str] = mapped_column(String(40))
    provider: Mapped[str] = mapped_column(String(20))
    reference: Mapped[str] = mapped_column(String(100))
    kind: Mapped[str] = mapped_column(String(10))
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(String(3))
    body_sha256: Mapped[bytes] = mapped_column(LargeBinary(32))
    received_at: Mapped[int] = mapped_column(BigInteger)


class PushRequest(Base):
    """A request to a customer's phone to pay: asked, sent, then paid, ended or failed."""

    __tablename__ = "push_request"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    utility_id: Mapped[int] = mapped_column(ForeignKey("utility.id"), index=True)
    channel: Mapped[str] = mapped_column(String(40))
    checkout_id: Mapped[str | None] = mapped_column(String(100))
    drn: Mapped[str] = mapped_column(String(13))
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(String(3))
    state: Mapped[str] = mapped_column(String(10))
    reference: Mapped[str | None] = mapped_column(String(100))
    requested_at: Mapped[int] = mapped_column(BigInteger)
    ended_at: Mapped[int | None] = mapped_column(BigInteger)
