"""The readings desk of a gateway with nothing else: registers, a clock and a flash that tests move by hand."""

from firmware.ledger.readings import ReadingStore
from firmware.readings import ReadingsDesk
from shared import readings
from tests.fakes.clock import TRUSTED, Clock
from tests.fakes.flash import Flash

HOUR = 497222
UNIT_ML = 1000


class _Settings:
    """What the parts under test ask of the settings."""

    utility, gateway, epoch = 7, 1001, 1
    link_key = bytes(range(32))

    def __init__(self, channels):
        self.meters = {channel: _Meter() for channel in channels}


class _Meter:
    pulse_volume_ml = UNIT_ML


class Desk:
    """A desk and the registers it is told of, on a flash of its own; reboot() takes the power away."""

    def __init__(self, channels=(0,), flash=None):
        self.flash = flash if flash is not None else Flash()
        self.settings = _Settings(channels)
        self.clock = Clock(HOUR * 3600)
        self.clock.trust = TRUSTED
        self.volumes_ml = dict.fromkeys(channels, 500)
        self.start()

    def start(self):
        self.readings = ReadingsDesk(self)
        self.tick()

    def reboot(self):
        self.flash = self.flash.after_reboot()
        self.start()

    def tick(self):
        for channel in sorted(self.volumes_ml):
            self.readings.tick(channel, self.clock.time_s, self.volumes_ml[channel])

    def pass_hours(self, *litres, channel=0):
        """An hour each, in the middle of which water flows."""
        for flowed in litres:
            self.flow(flowed, channel)
            self.clock.time_s += 3600
            self.tick()

    def flow(self, litres, channel=0):
        self.volumes_ml[channel] += UNIT_ML * litres
        self.tick()


def kept(desk):
    """The records that are on flash, looked at on a copy of it."""
    store = ReadingStore(desk.flash.after_reboot(), 1)
    found = []
    oldest = store.oldest()
    while oldest is not None:
        found += [readings.decode(packed) for packed in readings.split(oldest[2])]
        store.forget(oldest[0], oldest[1])
        oldest = store.oldest()
    return found
