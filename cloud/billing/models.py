"""Tables of post-paid mode. Bills, what settled them and notices are only added; triggers refuse edits."""

from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    LargeBinary,
    SmallInteger,
    String,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from cloud.db import Base, BigId
from cloud.decided import Decided


class BillingPolicy(Base):
    """When bills fall due and what follows, as two people decided it; the last approved one of a utility is in force.

    Days are civil days counted from the due day; `reminder_days` may lie before it. Empty: that step is never taken.
    """

    __tablename__ = "billing_policy"
    __table_args__ = (
        UniqueConstraint("utility_id", "version"),
        CheckConstraint("state IN ('submitted', 'approved', 'declined')", name="state"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    utility_id: Mapped[int] = mapped_column(ForeignKey("utility.id"))
    version: Mapped[int]
    due_days: Mapped[int] = mapped_column(SmallInteger)
    reminder_days: Mapped[list[int]] = mapped_column(JSON)
    trickle_days: Mapped[int | None] = mapped_column(SmallInteger)
    disconnect_days: Mapped[int | None] = mapped_column(SmallInteger)
    floor_minor: Mapped[int] = mapped_column(BigInteger)
    reason: Mapped[str] = mapped_column(String(300))
    state: Mapped[str] = mapped_column(String(10))
    submitted_by: Mapped[str] = mapped_column(String(200))
    submitted_by_id: Mapped[int] = mapped_column(BigInteger)
    created_at: Mapped[int] = mapped_column(BigInteger)
    decided_by: Mapped[str | None] = mapped_column(String(200))
    decided_by_id: Mapped[int | None] = mapped_column(BigInteger)
    decided_at: Mapped[int | None] = mapped_column(BigInteger)


class CreditSpan(Base):
    """A time in which a meter is billed to one customer by one class: from the ledger's entry that began it to its end.

    Registers are ml (mWh). `carried_ml` was owed at the meter when it came from prepayment, for one that holds money
    `carried_minor`; it is in the first bill.
    """

    __tablename__ = "credit_span"
    __table_args__ = (
        Index(
            "uq_credit_span_open",
            "meter_id",
            unique=True,
            sqlite_where=text("until_day IS NULL"),
            postgresql_where=text("until_day IS NULL"),
        ),
        CheckConstraint("until_register_ml >= from_register_ml", name="registers"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    utility_id: Mapped[int] = mapped_column(ForeignKey("utility.id"), index=True)
    meter_id: Mapped[int] = mapped_column(ForeignKey("meter.id"), index=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"), index=True)
    tariff_id: Mapped[int] = mapped_column(ForeignKey("tariff.id"))
    cycle: Mapped[int] = mapped_column(SmallInteger)
    gateway_id: Mapped[int] = mapped_column(BigInteger)
    epoch: Mapped[int]
    sequence: Mapped[int] = mapped_column(BigInteger)
    from_day: Mapped[int]
    from_register_ml: Mapped[int] = mapped_column(BigInteger)
    carried_ml: Mapped[int] = mapped_column(BigInteger, default=0)
    carried_minor: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    until_day: Mapped[int | None]
    until_register_ml: Mapped[int | None] = mapped_column(BigInteger)
    created_at: Mapped[int] = mapped_column(BigInteger)


class BillingCycle(Base):
    """When a cycle of a utility is billed by itself: on that day of each month, None for by hand only.

    `from_day` is the first civil day on which it may; days before it were not missed.
    """

    __tablename__ = "billing_cycle"
    __table_args__ = (
        UniqueConstraint("utility_id", "cycle"),
        CheckConstraint("day BETWEEN 1 AND 28", name="day"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    utility_id: Mapped[int] = mapped_column(ForeignKey("utility.id"))
    cycle: Mapped[int] = mapped_column(SmallInteger)
    day: Mapped[int | None] = mapped_column(SmallInteger)
    from_day: Mapped[int]
    set_by: Mapped[str] = mapped_column(String(200))
    set_at: Mapped[int] = mapped_column(BigInteger)


class BillRun(Base):
    """The bills of one cycle of a utility through a civil day. `state`: counting, draft, releasing, released.

    `cursor` is how far it has come: while it counts the last meter, while it is released the last draft. What was
    counted: so many bills, meters that were left out, totals by currency, and the SHA-256 of all of it, in hex.
    `made_by_id` is None for the calendar's.
    """

    __tablename__ = "bill_run"
    __table_args__ = (
        UniqueConstraint("utility_id", "cycle", "through_day"),
        CheckConstraint("state IN ('counting', 'draft', 'releasing', 'released')", name="state"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    utility_id: Mapped[int] = mapped_column(ForeignKey("utility.id"))
    cycle: Mapped[int] = mapped_column(SmallInteger)
    through_day: Mapped[int]
    state: Mapped[str] = mapped_column(String(10))
    cursor: Mapped[int] = mapped_column(BigInteger, default=0)
    bills: Mapped[int] = mapped_column(default=0, server_default="0")
    left_out: Mapped[int] = mapped_column(default=0, server_default="0")
    totals: Mapped[dict[str, int]] = mapped_column(JSON, default=dict, server_default="{}")
    content_sha256: Mapped[str] = mapped_column(String(64), default="", server_default="")
    made_by: Mapped[str] = mapped_column(String(200))
    made_by_id: Mapped[int | None] = mapped_column(BigInteger)
    made_at: Mapped[int] = mapped_column(BigInteger)
    released_by: Mapped[str | None] = mapped_column(String(200))
    released_by_id: Mapped[int | None] = mapped_column(BigInteger)
    released_at: Mapped[int | None] = mapped_column(BigInteger)


class BillDraft(Base):
    """What a run found for one meter's span: a bill to be, or with `code` why there is none. A new count replaces it.

    `issued_at` is set when it became a bill.
    """

    __tablename__ = "bill_draft"
    __table_args__ = (Index("ix_bill_draft_run", "run_id", "id"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    utility_id: Mapped[int] = mapped_column(ForeignKey("utility.id"))
    run_id: Mapped[int] = mapped_column(ForeignKey("bill_run.id"))
    meter_id: Mapped[int] = mapped_column(ForeignKey("meter.id"))
    span_id: Mapped[int | None] = mapped_column(ForeignKey("credit_span.id"))
    code: Mapped[str | None] = mapped_column(String(40))
    reason: Mapped[str | None] = mapped_column(String(300))
    total_minor: Mapped[int] = mapped_column(BigInteger)
    content: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    issued_at: Mapped[int | None] = mapped_column(BigInteger)


class BillNumber(Base):
    """The last number that a utility gave to a bill or credit note; locked while one is given, so none is left out."""

    __tablename__ = "bill_number"

    utility_id: Mapped[int] = mapped_column(ForeignKey("utility.id"), primary_key=True, autoincrement=False)
    last: Mapped[int] = mapped_column(BigInteger)


class Bill(Base):
    """A bill, or with `corrects_id` the credit note that takes one back: as it was issued, for ever.

    `part` counts the bills of a span from 1. `content` is the form of `document.py`: periods, blocks, taxes.
    """

    __tablename__ = "bill"
    __table_args__ = (
        UniqueConstraint("utility_id", "number"),
        UniqueConstraint("span_id", "part"),
        UniqueConstraint("corrects_id"),
        Index("ix_bill_customer", "customer_id", "id"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    utility_id: Mapped[int] = mapped_column(ForeignKey("utility.id"))
    number: Mapped[int] = mapped_column(BigInteger)
    run_id: Mapped[int | None] = mapped_column(ForeignKey("bill_run.id"))
    span_id: Mapped[int] = mapped_column(ForeignKey("credit_span.id"))
    part: Mapped[int]
    corrects_id: Mapped[int | None] = mapped_column(ForeignKey("bill.id"))
    meter_id: Mapped[int] = mapped_column(ForeignKey("meter.id"), index=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"))
    currency: Mapped[str] = mapped_column(String(3))
    from_day: Mapped[int]
    until_day: Mapped[int]
    from_register_ml: Mapped[int] = mapped_column(BigInteger)
    until_register_ml: Mapped[int] = mapped_column(BigInteger)
    volume_ml: Mapped[int] = mapped_column(BigInteger)
    total_minor: Mapped[int] = mapped_column(BigInteger)
    content: Mapped[dict[str, Any]] = mapped_column(JSON)
    issued_at: Mapped[int] = mapped_column(BigInteger)
    due_day: Mapped[int]


class CreditRequest(Decided, Base):
    """A bill that somebody asks to be taken back; another person decides. `state`: waiting, approved, declined."""

    __tablename__ = "bill_credit_request"
    __table_args__ = (
        Index(
            "uq_bill_credit_request_open",
            "bill_id",
            unique=True,
            sqlite_where=text("state = 'waiting'"),
            postgresql_where=text("state = 'waiting'"),
        ),
        CheckConstraint("state IN ('waiting', 'approved', 'declined')", name="state"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    utility_id: Mapped[int] = mapped_column(ForeignKey("utility.id"), index=True)
    bill_id: Mapped[int] = mapped_column(ForeignKey("bill.id"))
    requested_person_id: Mapped[int] = mapped_column(BigInteger)
    note_id: Mapped[int | None] = mapped_column(ForeignKey("bill.id"))


class BillPayment(Base):
    """Money that a customer paid on bills, once for each `key`: a client's UUID, or `payment:ID` of a provider.

    What no bill needed went to the customer's account: `kept_minor`.
    """

    __tablename__ = "bill_payment"
    __table_args__ = (
        UniqueConstraint("utility_id", "key"),
        CheckConstraint("amount_minor > 0", name="amount_minor"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    utility_id: Mapped[int] = mapped_column(ForeignKey("utility.id"))
    key: Mapped[str] = mapped_column(String(60))
    request_sha256: Mapped[bytes] = mapped_column(LargeBinary(32))
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"), index=True)
    tender_kind: Mapped[str] = mapped_column(String(20))
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    kept_minor: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(String(3))
    actor: Mapped[str] = mapped_column(String(200))
    at: Mapped[int] = mapped_column(BigInteger)


class BillSettlement(Base):
    """What of a bill was settled, and by what: `payment:ID`, `account`, `credit-note:ID` or `debt:ID`.

    A bill is open for its total less the sum of these, plus that of `BillReopening`; `OpenBill` keeps it beside it.
    """

    __tablename__ = "bill_settlement"
    __table_args__ = (
        Index("ix_bill_settlement_bill", "bill_id"),
        CheckConstraint("amount_minor > 0", name="amount_minor"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    utility_id: Mapped[int] = mapped_column(ForeignKey("utility.id"))
    bill_id: Mapped[int] = mapped_column(ForeignKey("bill.id"))
    source: Mapped[str] = mapped_column(String(60))
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    at: Mapped[int] = mapped_column(BigInteger)


class BillReopening(Base):
    """What of a settlement came undone, since its payment was taken back: `payment:ID:back:MINOR`. Only added."""

    __tablename__ = "bill_reopening"
    __table_args__ = (CheckConstraint("amount_minor > 0", name="amount_minor"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    utility_id: Mapped[int] = mapped_column(ForeignKey("utility.id"))
    bill_id: Mapped[int] = mapped_column(ForeignKey("bill.id"), index=True)
    settlement_id: Mapped[int] = mapped_column(ForeignKey("bill_settlement.id"), index=True)
    source: Mapped[str] = mapped_column(String(60))
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    at: Mapped[int] = mapped_column(BigInteger)


class OpenBill(Base):
    """What is left of a bill that is not settled; a row less with each that is. It moves with the settlements, under
    the lock of the customer's account, and follows from them."""

    __tablename__ = "bill_open"
    __table_args__ = (
        Index("ix_bill_open_customer", "customer_id"),
        CheckConstraint("left_minor > 0", name="left_minor"),
    )

    bill_id: Mapped[int] = mapped_column(ForeignKey("bill.id"), primary_key=True, autoincrement=False)
    utility_id: Mapped[int] = mapped_column(ForeignKey("utility.id"))
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"))
    left_minor: Mapped[int] = mapped_column(BigInteger)


class BillNotice(Base):
    """A step that was taken for a bill, once: `issued`, `reminder:DAYS`, `critical:LEVEL`."""

    __tablename__ = "bill_notice"

    bill_id: Mapped[int] = mapped_column(ForeignKey("bill.id"), primary_key=True, autoincrement=False)
    step: Mapped[str] = mapped_column(String(30), primary_key=True)
    utility_id: Mapped[int] = mapped_column(ForeignKey("utility.id"))
    at: Mapped[int] = mapped_column(BigInteger)


class ArrearsOrder(Base):
    """A command that limited a meter for overdue bills, or let it go, under a policy that two people approved."""

    __tablename__ = "arrears_order"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    utility_id: Mapped[int] = mapped_column(ForeignKey("utility.id"))
    meter_id: Mapped[int] = mapped_column(ForeignKey("meter.id"), index=True)
    policy_id: Mapped[int] = mapped_column(ForeignKey("billing_policy.id"))
    level: Mapped[str] = mapped_column(String(10))
    overdue_minor: Mapped[int] = mapped_column(BigInteger)
    command_id: Mapped[int] = mapped_column(ForeignKey("command.id"))
    at: Mapped[int] = mapped_column(BigInteger)
