"""The least that a gateway needs to run without hardware: time that is told, valves that obey, bytes that differ.

It counts as the gateway's in what is measured, so it is small; all that it can leave to firmware/ it does.
"""

from firmware import epoch
from firmware.clock import Clock
from firmware.gateway import Gateway
from shared import documents
from shared.slices import finish
from tests.fakes.keypad import press

METERS = 8


class Valve:
    """Arrives at the next look."""

    __slots__ = ("_open", "_turning")
    has_bypass = False
    travel_ms = 1000

    def __init__(self):
        self._open = self._turning = False

    def drive(self, open):  # noqa: A002  as the drivers call it
        self._open = open
        self._turning = True

    def poll(self, now_ms):
        if not self._turning:
            return None
        self._turning = False
        return "opened" if self._open else "closed"

    def bypass(self, on):
        assert not on, "it has none"

    def is_open(self):
        return self._open

    def is_closed(self):
        return not self._open


class Slots:
    """No update is under way."""

    running = 0
    capacity_bytes = 901120

    def on_trial(self):
        return False


class Rig:
    """One gateway under power on an enrolled flash; `now_ms` is its uptime."""

    def __init__(self, flash):
        self.now_ms = 0
        self._drawn = 0
        config, own = epoch.start(flash)
        valves = [Valve() for _ in range(METERS)]
        self.counts = [0] * METERS
        self.gateway = Gateway(flash, config, own, valves, self._clock, self._random, 0)
        self.gateway.attach_panel(20, 4)
        self.gateway.attach_updates(Slots(), "rig", bytes(32), str, print)

    def trust_time(self):
        """The clock was set by the cloud."""
        clock = self.gateway.core.clock
        clock.set_signed(clock.now())

    def step(self, seconds, every_ms=1000):
        """Let time pass, with ticks."""
        for _ in range(0, 1000 * seconds, every_ms):
            self.now_ms += every_ms
            self.gateway.tick(self.now_ms)

    def flow(self, pulses):
        """Something flows through every meter."""
        for channel in range(METERS):
            self.counts[channel] += pulses
            self.gateway.pulses(channel, self.counts[channel])

    def type(self, keys):
        """Press keys; the result code of the last."""
        code = None
        for key in keys:
            self.now_ms += 100
            code = press(self.gateway, key, self.now_ms)
        return code

    def upload(self):
        """Sign every batch that waits, and have it acknowledged as the cloud does."""
        messages, settings = self.gateway.messages, self.gateway.core.settings
        while messages.outbox.waiting():
            fields = documents.parse_batch(finish(messages.batch_steps())).fields
            ack = documents.ACK.encode(
                utility=settings.utility,
                gateway=settings.gateway,
                epoch=settings.epoch,
                sequence=fields["last"],
                head=fields["head"],
                nonce=fields["nonce"],
            )
            finish(messages.receive_steps(documents.with_mac(settings.link_key, ack), self.now_ms))

    def _clock(self, start_s):
        return Clock(lambda: self.now_ms, start_s)

    def _random(self, size):
        self._drawn += 1
        return self._drawn.to_bytes(size, "big")
