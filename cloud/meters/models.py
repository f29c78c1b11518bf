"""Utilities, their gateways with one row per epoch, meters, and the policies and floors that gateways are given."""

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from cloud.db import Base, BigId
from shared import kinds


class Utility(Base):
    """A water company; everything else belongs to one. `token_max_ml` is the most that it sells in one token.

    `move_credit` says what becomes of a meter's credit when its customer moves out: it stays with the `place`, for who
    comes next, or is `refund`ed.
    """

    __tablename__ = "utility"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(100), unique=True)
    currency: Mapped[str] = mapped_column(String(3))
    command_public: Mapped[bytes] = mapped_column(LargeBinary(32))
    floor_public: Mapped[bytes] = mapped_column(LargeBinary(32))
    token_max_ml: Mapped[int | None] = mapped_column(BigInteger)
    move_credit: Mapped[str] = mapped_column(String(10), default="place", server_default="place")
    created_at: Mapped[int] = mapped_column(BigInteger)


class PolicyDocument(Base):
    """A policy as it was signed: what is signed, and the signature beside it."""

    __tablename__ = "policy_document"
    __table_args__ = (UniqueConstraint("utility_id", "meter_group", "version"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    utility_id: Mapped[int] = mapped_column(ForeignKey("utility.id"))
    meter_group: Mapped[int]
    version: Mapped[int] = mapped_column(BigInteger)
    check_value: Mapped[int] = mapped_column(BigInteger)
    document: Mapped[bytes] = mapped_column(LargeBinary(4096))
    signature: Mapped[bytes] = mapped_column(LargeBinary(64))
    created_at: Mapped[int] = mapped_column(BigInteger)


class FloorDocument(Base):
    """A floor as it was signed with the utility's floor key, which is kept elsewhere."""

    __tablename__ = "floor_document"
    __table_args__ = (UniqueConstraint("utility_id", "version"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    utility_id: Mapped[int] = mapped_column(ForeignKey("utility.id"))
    version: Mapped[int] = mapped_column(BigInteger)
    check_value: Mapped[int] = mapped_column(BigInteger)
    document: Mapped[bytes] = mapped_column(LargeBinary(4096))
    signature: Mapped[bytes] = mapped_column(LargeBinary(64))
    created_at: Mapped[int] = mapped_column(BigInteger)


class Gateway(Base):
    """A place for one device; `epoch` is 0 until a device is enrolled, and rises with each further one.

    `hardware_id` and `board`, its kind of board, are what the present device said; None: it did not say.
    """

    __tablename__ = "gateway"

    id: Mapped[int] = mapped_column(primary_key=True)
    utility_id: Mapped[int] = mapped_column(ForeignKey("utility.id"), index=True)
    name: Mapped[str] = mapped_column(String(100))
    epoch: Mapped[int] = mapped_column(default=0)
    hardware_id: Mapped[str | None] = mapped_column(String(64), unique=True)
    board: Mapped[str | None] = mapped_column(String(32))
    created_at: Mapped[int] = mapped_column(BigInteger)


class GatewayEpoch(Base):
    """One enrolment: the device's public keys, and the hash of the password it shows to the broker."""

    __tablename__ = "gateway_epoch"
    __table_args__ = (UniqueConstraint("gateway_id", "epoch"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    utility_id: Mapped[int] = mapped_column(ForeignKey("utility.id"))
    gateway_id: Mapped[int] = mapped_column(ForeignKey("gateway.id"))
    epoch: Mapped[int]
    hardware_id: Mapped[str] = mapped_column(String(64))
    device_public: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    seal_public: Mapped[bytes] = mapped_column(LargeBinary(32))
    mqtt_password_sha256: Mapped[bytes] = mapped_column(LargeBinary(32))
    opened_at: Mapped[int] = mapped_column(BigInteger)


class MeterOpening(Base):
    """What the bundle of an epoch gave a meter: its METER entry in the ledger says the same, or is not explained.

    `entry_sequence` is that entry, `group_end` the last of its group: mode and tariff set in it came with the bundle.
    """

    __tablename__ = "meter_opening"

    meter_id: Mapped[int] = mapped_column(ForeignKey("meter.id"), primary_key=True, autoincrement=False)
    epoch: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    utility_id: Mapped[int] = mapped_column(ForeignKey("utility.id"))
    gateway_id: Mapped[int] = mapped_column(ForeignKey("gateway.id"), index=True)
    channel: Mapped[int]
    balance_ml: Mapped[int] = mapped_column(BigInteger)
    register_ml: Mapped[int] = mapped_column(BigInteger)
    tid_minimum: Mapped[int]
    krn: Mapped[int]
    ti: Mapped[int]
    key_check: Mapped[int] = mapped_column(BigInteger)
    mode: Mapped[int] = mapped_column(default=0)
    meter_group: Mapped[int] = mapped_column(default=0)
    pulse_volume_ml: Mapped[int] = mapped_column(BigInteger, default=0)
    entry_sequence: Mapped[int | None] = mapped_column(BigInteger)
    group_end: Mapped[int | None] = mapped_column(BigInteger)
    opened_at: Mapped[int] = mapped_column(BigInteger)


class EnrolmentChallenge(Base):
    """A challenge that a device has to sign once, before it expires, to be enrolled with these keys."""

    __tablename__ = "enrolment_challenge"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    utility_id: Mapped[int] = mapped_column(ForeignKey("utility.id"))
    gateway_id: Mapped[int] = mapped_column(ForeignKey("gateway.id"), index=True)
    challenge: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    device_public: Mapped[bytes] = mapped_column(LargeBinary(32))
    seal_public: Mapped[bytes] = mapped_column(LargeBinary(32))
    hardware_id: Mapped[str] = mapped_column(String(64))
    board: Mapped[str | None] = mapped_column(String(32))
    expires_at: Mapped[int] = mapped_column(BigInteger)
    used_at: Mapped[int | None] = mapped_column(BigInteger)


class Meter(Base):
    """A meter on a channel of a gateway. `last_tid` only rises: the last token identifier that was issued or barred.

    `mode` has the bits of kinds.MODE_*. Mode, group and pulse volume are those of the bundle, then of the ledger.
    `account_id` is the open account that it supplies. A meter with `closed_at` is sold nothing and opened no more; one
    that replaced another opens with that one's `opening_balance`, in the unit of its account.
    """

    __tablename__ = "meter"
    __table_args__ = (
        UniqueConstraint("gateway_id", "channel"),
        CheckConstraint("channel >= 0 AND channel < 8", name="channel"),
        CheckConstraint("pulse_volume_ml > 0", name="pulse_volume_ml"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    utility_id: Mapped[int] = mapped_column(ForeignKey("utility.id"), index=True)
    gateway_id: Mapped[int] = mapped_column(ForeignKey("gateway.id"))
    channel: Mapped[int]
    drn: Mapped[str] = mapped_column(String(13), unique=True)
    commodity: Mapped[str] = mapped_column(String(20))
    pulse_volume_ml: Mapped[int] = mapped_column(BigInteger)
    mode: Mapped[int] = mapped_column(default=0)
    meter_group: Mapped[int] = mapped_column(default=0)
    opening_register_ml: Mapped[int] = mapped_column(BigInteger, default=0)
    customer_id: Mapped[int | None] = mapped_column(ForeignKey("customer.id"), index=True)
    account_id: Mapped[int | None] = mapped_column(BigInteger)
    opening_balance: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    closed_at: Mapped[int | None] = mapped_column(BigInteger)
    tariff_id: Mapped[int] = mapped_column(ForeignKey("tariff.id"))
    vending_key_id: Mapped[int] = mapped_column(ForeignKey("vending_key.id"))
    ti: Mapped[int]
    key_check: Mapped[int] = mapped_column(BigInteger)
    last_tid: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[int] = mapped_column(BigInteger)

    @property
    def payment(self) -> str:
        """`credit`: billed afterwards; or `prepayment`."""
        return "credit" if self.mode & kinds.MODE_CREDIT else "prepayment"

    @property
    def account(self) -> str:
        """What the account holds: `currency`, with the tariff applied at the meter, or `unit`: volume."""
        return "currency" if self.mode & kinds.MODE_CURRENCY else "unit"

    @property
    def bulk(self) -> bool:
        """A meter over others, without an account."""
        return bool(self.mode & kinds.MODE_BULK)

    @property
    def critical_need(self) -> bool:
        """Whether supply is never to end."""
        return bool(self.mode & kinds.MODE_CRITICAL)

    @property
    def bypass(self) -> bool:
        """Whether the valve has a bypass, so that a trickle is possible."""
        return bool(self.mode & kinds.MODE_BYPASS)

    @property
    def arrears(self) -> str:
        """What overdue bills limit supply to: `none`, `trickle` or `disconnect`."""
        if self.mode & kinds.MODE_ARREARS:
            return "disconnect"
        return "trickle" if self.mode & kinds.MODE_TRICKLE else "none"


class ReturnCodeGuess(Base):
    """How many return codes of a meter were checked on a day of UTC."""

    __tablename__ = "return_code_guess"

    meter_id: Mapped[int] = mapped_column(ForeignKey("meter.id"), primary_key=True, autoincrement=False)
    day: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    utility_id: Mapped[int] = mapped_column(BigInteger)
    guesses: Mapped[int] = mapped_column(default=0)
