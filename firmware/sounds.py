"""Which sound is due: keys and results at once, and a chirp every ten minutes while a warning stands.

A key press mutes the chirp until the next warning; at night, and where the policy says so, there is none.
"""

from shared.compat import const

CLICK = "click"
ACCEPT = "accept"
REJECT = "reject"
CHIRP = "chirp"

CHIRP_EVERY_MS = const(600000)
_LOOK_EVERY_MS = const(1000)


class Sounds:
    """`core` as firmware/core.py. poll() is to be asked often; a sound is told once."""

    def __init__(self, core) -> None:
        self._core = core
        self._next = None
        self._muted = bytearray(max(core.channels()) + 1)  # by channel: the warnings that a key press has answered
        self._looked_ms = -_LOOK_EVERY_MS
        self._chirped_ms = -CHIRP_EVERY_MS
        self._heard = False  # whether a warning could be heard when it was looked last

    def key(self) -> None:
        """A key was pressed: it clicks, and every warning that stands has been noticed."""
        self._next = CLICK
        for channel in self._core.channels():
            self._muted[channel] = self._core.meter(channel).warned

    def result(self, accepted: bool) -> None:
        self._next = ACCEPT if accepted else REJECT

    def poll(self, now_ms: int) -> "str | None":
        """The name of the sound to play now, or None."""
        sound, self._next = self._next, None
        if sound is None and now_ms - self._looked_ms >= _LOOK_EVERY_MS:
            self._looked_ms = now_ms
            if self._chirp_due(now_ms):
                self._chirped_ms = now_ms
                return CHIRP
        return sound

    def _chirp_due(self, now_ms):
        """A warning that begins is heard at once, one that stands every ten minutes."""
        heard = False
        for channel in self._core.channels():
            if self._warns(channel) and self._is_heard(channel):
                heard = True
        began = heard and not self._heard
        self._heard = heard
        return heard and (began or now_ms - self._chirped_ms >= CHIRP_EVERY_MS)

    def _warns(self, channel):
        """Whether a warning stands that nobody has answered. What a top-up took back may warn anew."""
        meter = self._core.meter(channel)
        self._muted[channel] &= meter.warned
        return meter.is_open() and meter.warned & ~self._muted[channel] != 0

    def _is_heard(self, channel):
        limits = self._core.policy_of(channel)
        if not limits.chirp:
            return False
        _day, minute = limits.calendar.local(self._core.clock.now())
        begin, end = limits.night_from_min, limits.night_to_min
        return not (begin <= minute < end if begin <= end else minute >= begin or minute < end)
