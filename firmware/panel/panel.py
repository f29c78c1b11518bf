"""Keypad and display together: entries, then pages for a while, else the state of each meter in turn."""

from firmware.panel import digits
from firmware.panel.digits import Digits
from firmware.panel.screens import TALL_ROWS, Screens
from shared.compat import const

RESULT_MS = const(3000)
AMOUNT_MS = const(5000)
REFRESH_MS = const(1000)  # idle lines are made anew no more often: the display asks ten times a second
_ROTATE_MS = const(10000)
_PAGES = const(3)


class Panel:
    """For meters on `channels`; time comes in as `now_ms`."""

    def __init__(self, columns: int, rows: int, channels: "list[int]", language: str) -> None:
        self._channels = channels
        self._keys = Digits(channels)
        self._screens = Screens(columns, rows, language)
        self._pages = []  # (how long in ms, lines)
        self._page_ms = 0  # since when the first of them is shown
        self._result_until_ms = 0
        self._idle = ()  # the idle lines made last, for which turn and when
        self._idle_turn = -1
        self._idle_ms = 0

    @property
    def texts(self):
        """The texts of the panel's language."""
        return self._screens.texts

    def several(self) -> bool:
        """Whether several meters share the panel."""
        return len(self._channels) > 1

    def number(self, channel: int) -> int:
        """The meter's number on the panel; 0 when there is only one."""
        return channel + 1 if self.several() else 0

    def press(self, key: str, now_ms: int) -> "tuple[int, int, str] | None":
        """The completed entry, as Digits.press(). A `#` behind the 20th digit is a habit, and ignored."""
        if key == "#" and self._pages and now_ms < self._result_until_ms:
            return None
        self._pages = []
        self._idle_turn = -1
        return self._keys.press(key, now_ms)

    def ask_pin(self, channel: int, now_ms: int) -> None:
        """The page that asks for a meter's PIN; its digits come as a PIN_EVENT of press()."""
        self._keys.ask_pin(channel, now_ms)

    def show_result(self, channel: int, code: int, wait_s: int, pages: "list[tuple[str, str]]", now_ms: int) -> None:
        """The word for a result code, then pages of (name in panel/texts.py, value)."""
        self._pages = [(RESULT_MS, self._screens.result(self.number(channel), code, wait_s))]
        self._add(channel, pages, now_ms)
        self._result_until_ms = now_ms + RESULT_MS

    def show(self, channel: int, pages: "list[tuple[str, str]]", now_ms: int) -> None:
        """The answer to a query: pages of (name in panel/texts.py, value)."""
        self._pages = []
        self._add(channel, pages, now_ms)

    def is_idle(self) -> bool:
        """Whether nothing is half typed and no page is shown."""
        return self._keys.state == digits.IDLE and not self._pages

    def word(self, code: int) -> str:
        """The word for a result code."""
        return self._screens.word(code, 0)

    def lines(self, view_of, now_ms: int) -> "tuple[str, ...]":
        """What to show now; view_of(channel, now_ms) makes the View of the one meter whose turn it is."""
        self._keys.tick(now_ms)
        if self._turned(now_ms):
            return self._pages[0][1]
        if self._keys.state != digits.IDLE:
            return self._screens.entry(self._keys, self._channels)
        turn = now_ms // _ROTATE_MS
        if turn != self._idle_turn or now_ms - self._idle_ms >= REFRESH_MS:
            self._idle = self._idle_lines(view_of, turn, now_ms)
            self._idle_turn = turn
            self._idle_ms = now_ms
        return self._idle

    def _idle_lines(self, view_of, turn, now_ms):
        page = 0
        if self._screens.rows < TALL_ROWS:
            page = turn % _PAGES
            turn //= _PAGES
        channel = self._channels[turn % len(self._channels)]
        return self._screens.idle(view_of(channel, now_ms), page, turn // len(self._channels))

    def _add(self, channel, pages, now_ms):
        number = self.number(channel)
        self._pages.extend([(AMOUNT_MS, self._screens.value(number, name, value)) for name, value in pages])
        self._page_ms = now_ms

    def _turned(self, now_ms):
        """Drop the pages whose time is over; tells whether one is left."""
        while self._pages and now_ms - self._page_ms >= self._pages[0][0]:
            self._page_ms += self._pages.pop(0)[0]
            self._idle_turn = -1
        return bool(self._pages)
