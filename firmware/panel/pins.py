"""PINs of the meters behind one keypad: three tries, then ten minutes, for each meter. Held in RAM only.

A right PIN is good for a minute, so that a customer need not type it for each of the last ten tokens.
"""

from shared import return_code
from shared.compat import const
from shared.hmac import same

TRIES = const(3)
WAIT_MS = const(600000)
GOOD_MS = const(60000)


class Pins:
    """`keys` maps a channel to the meter's return-code key, which its PIN follows from."""

    def __init__(self, keys: "dict[int, bytes]") -> None:
        self._keys = keys
        self._wrong = dict.fromkeys(keys, 0)
        self._open_ms = dict.fromkeys(keys, 0)  # when tries are taken again
        self._channel = -1  # the meter whose PIN was right last, and until when it is good
        self._good_until_ms = 0

    def is_open(self, channel: int, now_ms: int) -> bool:
        """Whether the PIN of this meter was typed within the last minute."""
        return channel == self._channel and now_ms < self._good_until_ms

    def wait_s(self, channel: int, now_ms: int) -> int:
        """Seconds until a PIN is taken for this meter; 0: now."""
        return max(0, (self._open_ms[channel] - now_ms + 999) // 1000)

    def enter(self, channel: int, typed: str, now_ms: int) -> bool:
        """One try; never right while the meter waits. Wrong ones count from the last right one."""
        if self.wait_s(channel, now_ms):
            return False
        if same(return_code.pin(self._keys[channel]).encode(), typed.encode()):
            self._wrong[channel] = 0
            self._channel = channel
            self._good_until_ms = now_ms + GOOD_MS
            return True
        self._wrong[channel] += 1
        if self._wrong[channel] == TRIES:
            self._wrong[channel] = 0
            self._open_ms[channel] = now_ms + WAIT_MS
        return False
