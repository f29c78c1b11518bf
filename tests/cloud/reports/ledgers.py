"""Bringing a device's ledger to the cloud."""

from cloud.ledger.messages import Message
from cloud.ledger.service import Ingest
from tests.fakes.device import Device
from tests.fakes.utility import Town


async def send(town: Town, device: Device) -> None:
    """Send until all is acknowledged."""
    ingest = Ingest(town.database, town.key_store)
    while device.acknowledged < device.sequence:
        outcome = await ingest.process([Message(device.gateway, device.batch(), town.now)], town.now)
        for reply in outcome.replies:
            device.receive(reply.data)
