"""Tables of payments. A payment is stored once by provider and reference; what providers told of it is only added."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    LargeBinary,
    SmallInteger,
    String,
    UniqueConstraint,
)
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
        Index("ix_payment_reference", "reference"),
        Index("ix_payment_utility_id", "utility_id", "id"),
        Index("ix_payment_look_again_at", "look_again_at"),
        Index("ix_payment_drn", "drn", "received_at"),
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
    look_again_at: Mapped[int | None] = mapped_column(BigInteger)
    """When its provider is asked once more whether the money was taken back; None: never again."""
    looks: Mapped[int] = mapped_column(SmallInteger, default=0)
    double_of: Mapped[int | None] = mapped_column(BigInteger)
    """The payment shortly before, for the same meter, that this one looks like a double of."""
    used_for: Mapped[str | None] = mapped_column(String(60))
    """What it went to instead of tokens, e.g. `agent:3`; since `used_at`."""
    used_at: Mapped[int | None] = mapped_column(BigInteger)

    @property
    def has_ended(self) -> bool:
        """Tell whether its money is no longer here: sold for, used for something else, or returned."""
        return any(at is not None for at in (self.vended_at, self.used_at, self.refunded_at))

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
    """A request to a customer's phone to pay: asked, sent, then paid, ended or failed.

    `look_again_at` is when M-Pesa is asked what became of it, as its answer may be lost.
    """

    __tablename__ = "push_request"
    __table_args__ = (Index("ix_push_request_look_again_at", "look_again_at"),)

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
    look_again_at: Mapped[int | None] = mapped_column(BigInteger)
    looks: Mapped[int] = mapped_column(SmallInteger, default=0)
