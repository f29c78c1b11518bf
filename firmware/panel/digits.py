"""Keys into tokens and queries, as a table of states. Several meters: any key wakes the panel, a digit then chooses.

In any state `*` takes back the last digit, or leaves when there is none. `#` ends the entry: behind digits it sends
them as they are, before digits it starts a query, which a second `#` sends (`#1#`). The 20th digit sends the token.
"""

from shared.compat import const

IDLE = const(0)
CHOOSE = const(1)
DIGITS = const(2)
QUERY = const(3)
PIN = const(4)

TIMEOUT_MS = const(20000)
TOKEN_DIGITS = const(20)
CONFIRM = "62"  # the query that `##` stands for
_QUERY_DIGITS = const(19)  # no query has more than three; an alias may
_PIN_DIGITS = const(4)

TOKEN_EVENT = const(1)
QUERY_EVENT = const(2)
PIN_EVENT = const(3)


class Digits:
    """`state` and what was typed so far for `channel`. Keys are "0".."9", "*" and "#"."""

    def __init__(self, channels: "list[int]") -> None:
        """The channels of the meters; the number on the panel is the channel + 1."""
        self._channels = channels
        self._last_ms = 0
        self.state = IDLE
        self.channel = channels[0]
        self.typed = ""

    def press(self, key: str, now_ms: int) -> "tuple[int, int, str] | None":
        """(TOKEN_EVENT, QUERY_EVENT or PIN_EVENT, channel, digits) when the key completes an entry, else None."""
        self.tick(now_ms)
        self._last_ms = now_ms
        if self.state == IDLE:
            self.channel = self._channels[0]
            if len(self._channels) > 1:
                self.state = CHOOSE
                return None
            self.state = DIGITS
        if self.state == CHOOSE:
            self._choose(key)
            return None
        return self._edit(key)

    def ask_pin(self, channel: int, now_ms: int) -> None:
        """The next digits are the PIN of this meter."""
        self._last_ms = now_ms
        self.channel = channel
        self.typed = ""
        self.state = PIN

    def tick(self, now_ms: int) -> None:
        """An entry that was left for 20 s is forgotten."""
        if self.state != IDLE and now_ms - self._last_ms >= TIMEOUT_MS:
            self._leave()

    def _choose(self, key):
        if key == "*":
            self._leave()
        elif key != "#" and int(key) - 1 in self._channels:
            self.channel = int(key) - 1
            self.state = DIGITS

    def _edit(self, key):
        if key == "*":
            return self._back()
        if key == "#":
            return self._end()
        if len(self.typed) < _limit(self.state):
            self.typed += key
        if self.state == DIGITS and len(self.typed) == TOKEN_DIGITS:
            return self._event(TOKEN_EVENT)
        return self._event(PIN_EVENT) if self.state == PIN and len(self.typed) == _PIN_DIGITS else None

    def _back(self):
        if self.typed:
            self.typed = self.typed[:-1]
        elif self.state == QUERY:
            self.state = DIGITS
        else:
            self._leave()

    def _end(self):
        if self.state == QUERY:
            self.typed = self.typed or CONFIRM
            return self._event(QUERY_EVENT)
        if self.typed:
            return self._event(PIN_EVENT if self.state == PIN else TOKEN_EVENT)
        if self.state == PIN:
            return None
        self.state = QUERY
        return None

    def _event(self, kind):
        event = (kind, self.channel, self.typed)
        self._leave()
        return event

    def _leave(self):
        self.state = IDLE
        self.typed = ""


def _limit(state):
    if state == DIGITS:
        return TOKEN_DIGITS
    return _PIN_DIGITS if state == PIN else _QUERY_DIGITS
