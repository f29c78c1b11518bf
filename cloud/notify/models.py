"""The outbox."""

from sqlalchemy import BigInteger, ForeignKey, Index, SmallInteger, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from cloud.db import Base, BigId

QUEUED, SENT, DELIVERED, FAILED = "queued", "sent", "delivered", "failed"
"""Waits; a provider took it and owes a receipt; it arrived, or its provider gives no receipts; given up."""


class Message(Base):
    """A message to a customer. A token is not stored in `text`: `{token}` stands there, and `vend_id` says whose.

    `provider` took it last, at `sent_at`; `tried` counts providers that took it and did not bring it. `previous_id` is
    the message that this one repeats another way.
    """

    __tablename__ = "message"
    __table_args__ = (Index("ix_message_due", "state", "next_attempt_at"), Index("ix_message_vend_id", "vend_id"))

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    utility_id: Mapped[int] = mapped_column(ForeignKey("utility.id"), index=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"))
    vend_id: Mapped[int | None] = mapped_column(ForeignKey("vend.id"))
    kind: Mapped[str] = mapped_column(String(30))
    channel: Mapped[str] = mapped_column(String(5))
    address: Mapped[str] = mapped_column(String(254))
    text: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(String(10))
    attempts: Mapped[int] = mapped_column(default=0)
    tried: Mapped[int] = mapped_column(SmallInteger, default=0)
    next_attempt_at: Mapped[int] = mapped_column(BigInteger)
    last_error: Mapped[str | None] = mapped_column(String(200))
    provider: Mapped[str | None] = mapped_column(String(40))
    previous_id: Mapped[int | None] = mapped_column(BigInteger)
    created_at: Mapped[int] = mapped_column(BigInteger)
    sent_at: Mapped[int | None] = mapped_column(BigInteger)
    delivered_at: Mapped[int | None] = mapped_column(BigInteger)
