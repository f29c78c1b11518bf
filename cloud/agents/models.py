"""Tables of agents, of what they sold, of money into and out of their floats, and of cashiers' tills.

Who sells for an agent is a column of the operator or of the API key; what a float holds is in the books alone.
"""

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from cloud.db import Base, BigId


class Agent(Base):
    """A point of sale. It earns `commission_numerator` / `commission_denominator` of what it takes from customers.

    `commission_rest` is what it earned and was not given, in minor units / denominator: below one minor unit, or below
    zero where a sale was taken back and the float was empty. A fraction that was asked for counts once another person
    has approved it.
    """

    __tablename__ = "agent"
    __table_args__ = (
        UniqueConstraint("utility_id", "name"),
        CheckConstraint("state IN ('active', 'suspended', 'closed')", name="state"),
        CheckConstraint(
            "commission_numerator >= 0 AND commission_numerator < commission_denominator", name="commission"
        ),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    utility_id: Mapped[int] = mapped_column(ForeignKey("utility.id"))
    name: Mapped[str] = mapped_column(String(100))
    currency: Mapped[str] = mapped_column(String(3))
    state: Mapped[str] = mapped_column(String(10), default="active")
    commission_numerator: Mapped[int] = mapped_column(default=0)
    commission_denominator: Mapped[int] = mapped_column(default=1)
    commission_rest: Mapped[int] = mapped_column(BigInteger, default=0)
    asked_numerator: Mapped[int | None]
    asked_denominator: Mapped[int | None]
    asked_by: Mapped[int | None] = mapped_column(BigInteger)
    created_at: Mapped[int] = mapped_column(BigInteger)


class AgentSale(Base):
    """What a purchase took from an agent's float, and the fraction that it earned; `reversed_minor` was taken back."""

    __tablename__ = "agent_sale"
    __table_args__ = (
        Index("ix_agent_sale_agent_id", "agent_id", "sold_at"),
        CheckConstraint("reversed_minor >= 0 AND reversed_minor <= base_minor", name="reversed_minor"),
    )

    purchase_id: Mapped[str] = mapped_column(ForeignKey("purchase.purchase_id"), primary_key=True)
    agent_id: Mapped[int] = mapped_column(ForeignKey("agent.id"))
    base_minor: Mapped[int] = mapped_column(BigInteger)
    commission_numerator: Mapped[int]
    commission_denominator: Mapped[int]
    commission_minor: Mapped[int] = mapped_column(BigInteger)
    reversed_minor: Mapped[int] = mapped_column(BigInteger, default=0)
    sold_at: Mapped[int] = mapped_column(BigInteger)


class FloatRequest(Base):
    """Money that goes into a float (`top_up`) or comes out of it (`withdrawal`), asked for by a person.

    `state`: waiting for another person, then done or declined; at once done up to the limit. The reference is that of
    the deposit or transfer, and is used once.
    """

    __tablename__ = "float_request"
    __table_args__ = (
        UniqueConstraint("utility_id", "kind", "source", "reference"),
        CheckConstraint("kind IN ('top_up', 'withdrawal')", name="kind"),
        CheckConstraint("source IN ('bank', 'cash')", name="source"),
        CheckConstraint("amount_minor > 0", name="amount_minor"),
        Index("ix_float_request_agent_id", "agent_id", "id"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    utility_id: Mapped[int] = mapped_column(ForeignKey("utility.id"))
    agent_id: Mapped[int] = mapped_column(ForeignKey("agent.id"))
    kind: Mapped[str] = mapped_column(String(10))
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    source: Mapped[str] = mapped_column(String(10))
    reference: Mapped[str] = mapped_column(String(100))
    reason: Mapped[str] = mapped_column(String(300))
    state: Mapped[str] = mapped_column(String(10))
    asked_by: Mapped[int] = mapped_column(BigInteger)
    asked_at: Mapped[int] = mapped_column(BigInteger)
    decided_by: Mapped[int | None] = mapped_column(BigInteger)
    decided_at: Mapped[int | None] = mapped_column(BigInteger)


class TillShift(Base):
    """A cashier's shift at a till: cash counted when it opened and when it closed. One is open at a time and person.

    `handovers` counts how often cash went from the till to the safe.
    `difference_minor` is counted less expected; another person settles it, and then it stands in the books.
    """

    __tablename__ = "till_shift"
    __table_args__ = (
        Index(
            "uq_till_shift_open",
            "person_id",
            "currency",
            unique=True,
            sqlite_where=text("closed_at IS NULL"),
            postgresql_where=text("closed_at IS NULL"),
        ),
        Index("ix_till_shift_utility_id", "utility_id", "id"),
        CheckConstraint("opening_minor >= 0", name="opening_minor"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    utility_id: Mapped[int] = mapped_column(ForeignKey("utility.id"))
    person_id: Mapped[int] = mapped_column(ForeignKey("operator.id"))
    currency: Mapped[str] = mapped_column(String(3))
    opening_minor: Mapped[int] = mapped_column(BigInteger)
    opened_at: Mapped[int] = mapped_column(BigInteger)
    counted_minor: Mapped[int | None] = mapped_column(BigInteger)
    difference_minor: Mapped[int | None] = mapped_column(BigInteger)
    note: Mapped[str | None] = mapped_column(String(300))
    closed_at: Mapped[int | None] = mapped_column(BigInteger)
    handovers: Mapped[int] = mapped_column(default=0)
    settled_by: Mapped[int | None] = mapped_column(BigInteger)
    settled_at: Mapped[int | None] = mapped_column(BigInteger)


class BatchSale(Base):
    """A batch of vouchers that a shop or an agent took over, and what it pays for it; less than the face with approval.

    `state`: waiting for another person, then sold or declined; once the batch has ended, returned or kept says what
    became of the vouchers that nobody redeemed, `returned_minor` what went back. `agent_id` says whose float paid.
    """

    __tablename__ = "voucher_batch_sale"
    __table_args__ = (
        CheckConstraint("price_minor >= 0 AND price_minor <= face_minor", name="price_minor"),
        CheckConstraint("returned_minor >= 0 AND returned_minor <= price_minor", name="returned_minor"),
        Index(
            "uq_voucher_batch_sale_open",
            "batch_id",
            unique=True,
            sqlite_where=text("state <> 'declined'"),
            postgresql_where=text("state <> 'declined'"),
        ),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    utility_id: Mapped[int] = mapped_column(ForeignKey("utility.id"), index=True)
    batch_id: Mapped[int] = mapped_column(ForeignKey("voucher_batch.id"))
    sold_to: Mapped[str] = mapped_column(String(100))
    agent_id: Mapped[int | None] = mapped_column(ForeignKey("agent.id"))
    paid_by: Mapped[str] = mapped_column(String(10))
    face_minor: Mapped[int] = mapped_column(BigInteger)
    price_minor: Mapped[int] = mapped_column(BigInteger)
    returned_minor: Mapped[int] = mapped_column(BigInteger, default=0)
    currency: Mapped[str] = mapped_column(String(3))
    reference: Mapped[str] = mapped_column(String(100))
    state: Mapped[str] = mapped_column(String(10))
    asked_by: Mapped[int] = mapped_column(BigInteger)
    asked_at: Mapped[int] = mapped_column(BigInteger)
    decided_by: Mapped[int | None] = mapped_column(BigInteger)
    decided_at: Mapped[int | None] = mapped_column(BigInteger)
