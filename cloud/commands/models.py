"""Commands: one row per number given to a gateway. It says what to do; the signed bytes are made when it is sent."""

from sqlalchemy import BigInteger, ForeignKey, Index, LargeBinary, SmallInteger, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from cloud.db import Base, BigId
from cloud.decided import Decided
from shared.command_results import sentence_of


class Command(Base):
    """One command. `counter` rises by one per gateway and epoch. A token is not kept here: its vend,
    `section` of its key change, or the vend that it voids gives it again.

    `status`: queued, sent, then applied or refused by the gateway, expired, or superseded by a new epoch.
    `sequence` is the ledger entry that says what became of it, `result` the code in that entry, `group_end` the last
    entry of its group, which holds what it did; `used_by` is the one entry that it explains, where it explains one.
    """

    __tablename__ = "command"
    __table_args__ = (
        UniqueConstraint("gateway_id", "epoch", "counter"),
        Index("ix_command_due", "status", "due_at"),
        Index(
            "uq_command_vend_outstanding",
            "vend_id",
            unique=True,
            sqlite_where=text("status IN ('queued', 'sent')"),
            postgresql_where=text("status IN ('queued', 'sent')"),
        ),
        Index("ix_command_vend_id", "vend_id"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    utility_id: Mapped[int] = mapped_column(BigInteger, index=True)
    gateway_id: Mapped[int] = mapped_column(BigInteger)
    epoch: Mapped[int]
    counter: Mapped[int] = mapped_column(BigInteger)
    previous: Mapped[int | None] = mapped_column(BigInteger)
    kind: Mapped[int] = mapped_column(SmallInteger)
    channel: Mapped[int | None] = mapped_column(SmallInteger)
    drn: Mapped[str | None] = mapped_column(String(13))
    vend_id: Mapped[int | None] = mapped_column(BigInteger)
    key_change_id: Mapped[int | None] = mapped_column(BigInteger)
    section: Mapped[int | None] = mapped_column(SmallInteger)
    void_vend_id: Mapped[int | None] = mapped_column(BigInteger)
    payload: Mapped[bytes | None] = mapped_column(LargeBinary)
    issued_at: Mapped[int] = mapped_column(BigInteger)
    expires_at: Mapped[int] = mapped_column(BigInteger)
    status: Mapped[str] = mapped_column(String(12), default="queued")
    due_at: Mapped[int] = mapped_column(BigInteger)
    sent_at: Mapped[int | None] = mapped_column(BigInteger)
    sent_times: Mapped[int] = mapped_column(default=0)
    result: Mapped[int | None] = mapped_column(SmallInteger)
    sequence: Mapped[int | None] = mapped_column(BigInteger)
    group_end: Mapped[int | None] = mapped_column(BigInteger)
    used_by: Mapped[int | None] = mapped_column(BigInteger)
    reason: Mapped[str | None] = mapped_column(String(300))
    finished_at: Mapped[int | None] = mapped_column(BigInteger)

    @property
    def result_text(self) -> str | None:
        """What the result means, in a sentence."""
        return None if self.result is None else sentence_of(self.result)


class CommandCounter(Base):
    """Where the numbering of a gateway's epoch stands: the last number given, and the last carried out.

    `boot_nonce` is that of the gateway's present start; a row is locked while a number is given.
    """

    __tablename__ = "command_counter"

    gateway_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    epoch: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    issued: Mapped[int] = mapped_column(BigInteger, default=0)
    carried_out: Mapped[int] = mapped_column(BigInteger, default=0)
    boot_nonce: Mapped[bytes | None] = mapped_column(LargeBinary(8))
    heard_at: Mapped[int | None] = mapped_column(BigInteger)


class CommandRequest(Decided, Base):
    """A command that is given only when a second person approves it. `state`: waiting, approved or declined."""

    __tablename__ = "command_request"
    __table_args__ = (Index("ix_command_request_utility_id", "utility_id", "state"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    utility_id: Mapped[int] = mapped_column(BigInteger)
    gateway_id: Mapped[int] = mapped_column(ForeignKey("gateway.id"))
    drn: Mapped[str] = mapped_column(String(13))
    channel: Mapped[int] = mapped_column(SmallInteger)
    kind: Mapped[int] = mapped_column(SmallInteger)
    payload: Mapped[bytes] = mapped_column(LargeBinary)
    what: Mapped[str] = mapped_column(String(200))
    command_id: Mapped[int | None] = mapped_column(ForeignKey("command.id"))
