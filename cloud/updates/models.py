"""Releases with their images, what runs on each gateway, and rollouts with the gateways that they go to."""

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, LargeBinary, SmallInteger, String, UniqueConstraint, select
from sqlalchemy.orm import Mapped, column_property, mapped_column

from cloud.commands.models import CommandCounter
from cloud.db import Base, BigId
from cloud.decided import Decided
from cloud.meters.models import Gateway

BLOCK_SIZE = 8192
"""Bytes of an image in one row: what a gateway asks for at once."""


class Release(Base):
    """A manifest as the release key signed it. It belongs to no utility. `withdrawn_at`: nobody is given it now."""

    __tablename__ = "firmware_release"
    __table_args__ = (UniqueConstraint("board", "version", "check_value"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    board: Mapped[str] = mapped_column(String(32))
    version: Mapped[int] = mapped_column(BigInteger)
    minimum: Mapped[int] = mapped_column(BigInteger)
    check_value: Mapped[int] = mapped_column(BigInteger)
    document: Mapped[bytes] = mapped_column(LargeBinary(512))
    signature: Mapped[bytes] = mapped_column(LargeBinary(64))
    notes: Mapped[str] = mapped_column(String(300))
    added_by: Mapped[str] = mapped_column(String(200))
    created_at: Mapped[int] = mapped_column(BigInteger)
    withdrawn_at: Mapped[int | None] = mapped_column(BigInteger)


class ReleaseImage(Base):
    """What runs in one slot. `image_id` is the front of its hash, by which gateways ask."""

    __tablename__ = "firmware_image"
    __table_args__ = (UniqueConstraint("release_id", "slot"), Index("ix_firmware_image_image_id", "image_id"))

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    release_id: Mapped[int] = mapped_column(ForeignKey("firmware_release.id"))
    slot: Mapped[int] = mapped_column(SmallInteger)
    image_id: Mapped[bytes] = mapped_column(LargeBinary(8))
    size: Mapped[int]


class ImageBlock(Base):
    """A piece of an image, BLOCK_SIZE bytes or the rest."""

    __tablename__ = "firmware_block"

    image_row: Mapped[int] = mapped_column(ForeignKey("firmware_image.id"), primary_key=True, autoincrement=False)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    data: Mapped[bytes] = mapped_column(LargeBinary(BLOCK_SIZE))


class GatewayFirmware(Base):
    """What a gateway said last that it runs, with its kind of board where it is known, and the nonce of its start."""

    __tablename__ = "gateway_firmware"

    gateway_id: Mapped[int] = mapped_column(ForeignKey("gateway.id"), primary_key=True, autoincrement=False)
    utility_id: Mapped[int] = mapped_column(index=True)
    version: Mapped[int] = mapped_column(BigInteger)
    since: Mapped[int] = mapped_column(BigInteger)
    board: Mapped[str | None] = column_property(
        select(Gateway.board).where(Gateway.id == gateway_id).correlate_except(Gateway).scalar_subquery()
    )
    boot_nonce: Mapped[bytes | None] = column_property(
        select(CommandCounter.boot_nonce)
        .join(Gateway, (Gateway.id == CommandCounter.gateway_id) & (Gateway.epoch == CommandCounter.epoch))
        .where(CommandCounter.gateway_id == gateway_id)
        .correlate_except(CommandCounter, Gateway)
        .scalar_subquery()
    )


class Rollout(Base, Decided):
    """A release on its way to gateways, wave after wave. `state`: waiting, running, paused, stopped, cancelled,
    finished or declined. `waves` is [{"gateways": n} or {"percent": n}, ...]; `wave` the one that is open, from 0.

    A wave is done when `kept_percent` of it have kept the release and it is `soak_s` old; not so by `wave_s`, a person
    is asked. When more than `failure_percent` of those that ended their trial have failed, it stops.
    """

    __tablename__ = "rollout"
    __table_args__ = (Index("ix_rollout_utility_id", "utility_id", "id"), Index("ix_rollout_state", "state"))

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    utility_id: Mapped[int] = mapped_column(ForeignKey("utility.id"))
    release_id: Mapped[int] = mapped_column(ForeignKey("firmware_release.id"))
    waves: Mapped[list[dict[str, int]]] = mapped_column(JSON)
    wave: Mapped[int] = mapped_column(SmallInteger)
    wave_began_at: Mapped[int | None] = mapped_column(BigInteger)
    kept_percent: Mapped[int] = mapped_column(SmallInteger)
    failure_percent: Mapped[int] = mapped_column(SmallInteger)
    wave_s: Mapped[int]
    soak_s: Mapped[int]
    silent_s: Mapped[int]
    outcome: Mapped[str | None] = mapped_column(String(300))
    ended_at: Mapped[int | None] = mapped_column(BigInteger)


class RolloutGateway(Base):
    """A gateway in a rollout. `state`: unknown (its board), waiting, ordered, loading, trial, kept, failed, stopping
    (it is yet to be told so) or skipped; `outcome` says why. `loaded_at`: when it asked for the end of its image.

    It may have failed after it was kept: when it then starts in safe mode.
    """

    __tablename__ = "rollout_gateway"
    __table_args__ = (
        Index("ix_rollout_gateway_gateway_id", "gateway_id"),
        Index("ix_rollout_gateway_state", "rollout_id", "state", "wave"),
    )

    rollout_id: Mapped[int] = mapped_column(ForeignKey("rollout.id"), primary_key=True, autoincrement=False)
    gateway_id: Mapped[int] = mapped_column(ForeignKey("gateway.id"), primary_key=True, autoincrement=False)
    wave: Mapped[int] = mapped_column(SmallInteger)
    state: Mapped[str] = mapped_column(String(8))
    command_id: Mapped[int | None] = mapped_column(BigInteger)
    ordered_at: Mapped[int | None] = mapped_column(BigInteger)
    loaded_at: Mapped[int | None] = mapped_column(BigInteger)
    trial_at: Mapped[int | None] = mapped_column(BigInteger)
    ended_at: Mapped[int | None] = mapped_column(BigInteger)
    outcome: Mapped[str | None] = mapped_column(String(300))
