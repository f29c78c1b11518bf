"""Messages of readings as a gateway makes them, and what the database holds of them."""

import secrets

from sqlalchemy import select

from cloud.ledger.messages import Message
from cloud.ledger.service import Ingest
from cloud.readings.models import HourlyReading
from shared import documents, kinds
from shared.readings import NOT_CLOSED, Reading, check_of, encode
from tests.fakes.device import Device
from tests.fakes.utility import NOW, Town

DAY = NOW // 86400
HOUR = 24 * DAY


def record(pulses: list[int], day: int = DAY, first_hour: int = HOUR, channel: int = 0) -> bytes:
    """A packed record of litres; `day` NOT_CLOSED is the day that runs."""
    return encode(Reading(channel, day, first_hour, 1000, 0, kinds.TIME_TRUSTED, pulses))


def running(pulses: list[int]) -> bytes:
    """The day that runs."""
    return record(pulses, NOT_CLOSED)


def message(device: Device, *records: bytes, segment: int = 1, **lies: int | bytes) -> bytes:
    """A message; `lies` replace its fields."""
    fields = {
        "utility": device.utility,
        "gateway": device.gateway,
        "epoch": device.epoch,
        "segment": segment,
        "nonce": secrets.token_bytes(8),
        "records": b"".join(records),
    }
    return documents.with_mac(device.link_key, documents.READINGS.encode(**{**fields, **lies}))


def close(device: Device, packed: bytes, total: int, channel: int = 0, day: int = DAY) -> None:
    """The DAY entry of a record, written when the day is over."""
    device.clock_s = 86400 * (day + 1)
    device.write(kinds.DAY, channel, detail=day, reference_a=check_of(packed), reference_b=total)


class Link:
    """A device before an ingest: send() hands its messages over together and returns the answers."""

    def __init__(self, town: Town, ingest: Ingest, device: Device) -> None:
        self.town, self.ingest, self.device = town, ingest, device

    async def send(self, *data: bytes) -> list[bytes]:
        messages = [Message(self.device.gateway, one, self.town.now) for one in data]
        outcome = await self.ingest.process(messages, self.town.now)
        assert not outcome.later
        return [reply.data for reply in outcome.replies]

    async def send_ledger(self) -> None:
        """All entries that the cloud does not have."""
        for reply in await self.send(self.device.batch()):
            self.device.receive(reply)

    async def hours(self) -> list[tuple[int, int, int]]:
        """(hours after HOUR, litres, proof) of all that is held of the gateway's utility."""
        mine = select(HourlyReading).where(HourlyReading.utility_id == self.town.utility)
        async with self.town.database.read() as session:
            rows = await session.scalars(mine.order_by(HourlyReading.meter_id, HourlyReading.hour))
            return [(row.hour - HOUR, row.volume_ml // 1000, row.proof) for row in rows]
