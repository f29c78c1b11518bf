"""Tables of the key store and of the sale of tokens. No key and no token stands in any of them in clear."""

from sqlalchemy import (
    BigInteger,
    ForeignKey,
    Index,
    LargeBinary,
    Sequence,
    SmallInteger,
    String,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from cloud.db import Base, BigId

VEND_IDS = Sequence("vend_id_seq", metadata=Base.metadata)
"""Numbers vends on PostgreSQL, also those whose number is wanted before they are there."""


class SealedSecret(Base):
    """A key under the key-encryption key `kek_id`; the ciphertext opens only for this purpose, utility and subject."""

    __tablename__ = "sealed_secret"
    __table_args__ = (UniqueConstraint("purpose", "subject"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    utility_id: Mapped[int] = mapped_column(ForeignKey("utility.id"), index=True)
    purpose: Mapped[str] = mapped_column(String(20))
    subject: Mapped[str] = mapped_column(String(100))
    kek_id: Mapped[str] = mapped_column(String(16))
    nonce: Mapped[bytes] = mapped_column(LargeBinary(12))
    ciphertext: Mapped[bytes] = mapped_column(LargeBinary(128))
    created_at: Mapped[int] = mapped_column(BigInteger)


class VendingKey(Base):
    """The public attributes of a vending key; each of them is bound to its ciphertext."""

    __tablename__ = "vending_key"
    __table_args__ = (UniqueConstraint("utility_id", "sgc", "krn", "kt"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    utility_id: Mapped[int] = mapped_column(ForeignKey("utility.id"))
    sgc: Mapped[str] = mapped_column(String(6))
    krn: Mapped[int]
    kt: Mapped[int]
    base_year: Mapped[int]
    ken: Mapped[int]
    dkga: Mapped[int]
    ea: Mapped[int]
    check_value: Mapped[str] = mapped_column(String(8))
    created_at: Mapped[int] = mapped_column(BigInteger)


class Purchase(Base):
    """A purchase id that was used, and the hash of what was asked under it; the insert decides who is first."""

    __tablename__ = "purchase"

    purchase_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    request_sha256: Mapped[bytes] = mapped_column(LargeBinary(32))
    created_at: Mapped[int] = mapped_column(BigInteger)


class Vend(Base):
    """One token of a sale. It is a pure function of this row and the vending key. `consumed_by` is the one ledger entry
    that took it in; while that is empty, the credit is in flight. Part 1 carries the tender and the change of the sale;
    `key_change_id` is the key change whose sections were given out with it. A token of money carries `money`, in
    1/100000 of the currency, and no volume. `void_proved_at`: a return code told of the void, the ledger not yet.
    `held_until`: the token was never given out; it waits to be confirmed, or it was cancelled and is void."""

    __tablename__ = "vend"
    __table_args__ = (UniqueConstraint("purchase_id", "part"), UniqueConstraint("meter_id", "key_check", "tid"))

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    utility_id: Mapped[int] = mapped_column(ForeignKey("utility.id"), index=True)
    purchase_id: Mapped[str] = mapped_column(ForeignKey("purchase.purchase_id"))
    part: Mapped[int] = mapped_column(SmallInteger)
    meter_id: Mapped[int] = mapped_column(ForeignKey("meter.id"))
    customer_id: Mapped[int | None] = mapped_column(ForeignKey("customer.id"))
    vending_key_id: Mapped[int] = mapped_column(ForeignKey("vending_key.id"))
    ti: Mapped[int]
    key_check: Mapped[int] = mapped_column(BigInteger)
    tid: Mapped[int]
    rnd: Mapped[int]
    units: Mapped[int]
    volume_ml: Mapped[int] = mapped_column(BigInteger)
    money: Mapped[int | None] = mapped_column(BigInteger)
    tariff_id: Mapped[int] = mapped_column(ForeignKey("tariff.id"))
    price_minor_per_m3: Mapped[int] = mapped_column(BigInteger)
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(String(3))
    tender_kind: Mapped[str] = mapped_column(String(20))
    tender_minor: Mapped[int] = mapped_column(BigInteger)
    change_minor: Mapped[int] = mapped_column(BigInteger)
    delivery: Mapped[str] = mapped_column(String(10))
    actor: Mapped[str] = mapped_column(String(200))
    created_at: Mapped[int] = mapped_column(BigInteger)
    consumed_by: Mapped[int | None] = mapped_column(BigInteger, unique=True)
    consumed_at: Mapped[int | None] = mapped_column(BigInteger)
    key_change_id: Mapped[int | None] = mapped_column(ForeignKey("key_change.id"))
    void_tid: Mapped[int | None]
    void_ordered_at: Mapped[int | None] = mapped_column(BigInteger)
    voided_at: Mapped[int | None] = mapped_column(BigInteger)
    void_proved_at: Mapped[int | None] = mapped_column(BigInteger)
    held_until: Mapped[int | None] = mapped_column(BigInteger)

    @property
    def credit(self) -> int:
        """What the meter adds to its account: ml (mWh), or money in 1/100000 of the currency."""
        return self.volume_ml if self.money is None else self.money

    @property
    def state(self) -> str:
        """`vended` while the credit is in flight, `explained` once a ledger entry took it in; `voiding` while a void
        token with the identifier `void_tid` is out, `void` once the ledger shows that one; `held` until its purchase is
        confirmed or cancelled."""
        if self.consumed_by is not None:
            return "explained"
        if self.voided_at is not None:
            return "void"
        if self.held_until is not None:
            return "held"
        return "vended" if self.void_tid is None else "voiding"


class KeyChange(Base):
    """A change of one meter's decoder key. `state`: planned, issued with a purchase, then applied when the ledger shows
    it; or cancelled. `last_tid` counts under the new key where the base date changes."""

    __tablename__ = "key_change"
    __table_args__ = (
        Index(
            "uq_key_change_open",
            "meter_id",
            unique=True,
            sqlite_where=text("state IN ('planned', 'issued')"),
            postgresql_where=text("state IN ('planned', 'issued')"),
        ),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    utility_id: Mapped[int] = mapped_column(ForeignKey("utility.id"), index=True)
    meter_id: Mapped[int] = mapped_column(ForeignKey("meter.id"), index=True)
    old_vending_key_id: Mapped[int] = mapped_column(ForeignKey("vending_key.id"))
    old_ti: Mapped[int]
    old_key_check: Mapped[int] = mapped_column(BigInteger)
    new_vending_key_id: Mapped[int] = mapped_column(ForeignKey("vending_key.id"))
    new_ti: Mapped[int]
    new_key_check: Mapped[int] = mapped_column(BigInteger)
    roll_over: Mapped[bool]
    last_tid: Mapped[int] = mapped_column(default=0)
    state: Mapped[str] = mapped_column(String(10))
    planned_at: Mapped[int] = mapped_column(BigInteger)
    issued_at: Mapped[int | None] = mapped_column(BigInteger)
    applied_at: Mapped[int | None] = mapped_column(BigInteger)
    cancelled_at: Mapped[int | None] = mapped_column(BigInteger)
