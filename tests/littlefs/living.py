"""Households on a flash chip, hour by hour: water in small portions, tokens, and a cloud that may answer."""

from firmware import enrol, settings
from firmware.ledger.outbox import BATCH_ENTRIES
from tests.fakes.chip import ChipFlash, formatted
from tests.fakes.house import House, bundle, identity

# of a household of 300 L a day, by the hour
LITRES = (0, 0, 0, 0, 2, 12, 40, 30, 12, 6, 6, 15, 20, 10, 4, 4, 8, 18, 35, 40, 20, 10, 4, 0)
TOKEN_UNITS = 30  # 3 m3
_PORTION_L = 10
_HOUR_S = 3600


class Households:
    """`meters` of them on a chip of so many sectors; the clock is trusted."""

    def __init__(self, meters: int, sectors: int, capacity_bytes: int, **changes) -> None:
        flash = ChipFlash(formatted(sectors), "/chip", capacity_bytes)
        settings.offer_identity(flash, identity())
        enrol.store_bundle(flash, bundle(meters, **changes))
        self.chip = flash.chip
        self.meters = meters
        self.house = House(meters, flash)
        self.house.trust_time()
        self.used_ml = [0] * meters
        for channel in range(meters):
            self.house.type(self.house.token(TOKEN_UNITS, channel), channel)
        self.house.step(10)

    def draw(self, litres: int, channel: int) -> None:
        """Water for one meter, if its valve lets it through."""
        while litres > 0 and self.house.valves[channel].is_open():
            portion = min(litres, _PORTION_L)
            self.house.flow(portion, channel)
            self.used_ml[channel] += 1000 * portion
            litres -= portion

    def hour(self, hour: int, online: bool) -> None:
        """What one hour brings."""
        for channel in range(self.meters):
            self.draw(LITRES[hour], channel)
        self.house.step(_HOUR_S, 1200000)
        self.house.step(self.meters + 2, 1000)
        if online:
            self.send()

    def day(self, tokens: int, online: bool) -> None:
        """24 hours, with so many tokens spread over them and over the meters."""
        for hour in range(24):
            if tokens and hour % (24 // tokens) == 0:
                channel = (hour // (24 // tokens)) % self.meters
                self.house.type(self.house.token(TOKEN_UNITS, channel), channel)
            self.hour(hour, online)

    def send(self) -> None:
        """The cloud takes all that waits, batch by batch, and every reading."""
        gateway = self.house.gateway
        outbox, store = gateway.messages.outbox, gateway.core.store
        while outbox.waiting():
            sequence = min(outbox.acknowledged + BATCH_ENTRIES, gateway.core.state.sequence)
            assert outbox.acknowledge(sequence, store.head_at(sequence))
        readings = gateway._readings.store
        oldest = readings.oldest()
        while oldest is not None and readings.forget(oldest[0], oldest[1]):
            oldest = readings.oldest()
