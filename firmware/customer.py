"""The customer's desk: keys into tokens, answers and actions, what the display shows, and which sound is due.

A gateway without keypad and display has it all the same: it is fed no keys, and nobody asks for its lines.
"""

from firmware import sounds
from firmware.answers import HISTORY, HISTORY_END, Answers
from firmware.controls import CODES, CONFIRM, RESERVED_CREDIT, VALVE_LOCK
from firmware.panel import digits
from firmware.panel.panel import Panel
from firmware.panel.pins import Pins
from firmware.status import Status
from shared import aliases
from shared.compat import const
from shared.sts.value import RESULT_CODES

_NOT_DONE = ("not_now", "not_offered", "nothing_to_do")
_ACCEPTED = const(1)


class CustomerDesk:
    """`desk` takes tokens (firmware/tokens.py); `controls` as firmware/controls.py."""

    def __init__(self, core, desk, supply, controls) -> None:
        self._core = core
        self._desk = desk
        self._supply = supply
        self._controls = controls
        self._taking = None  # (channel, the steps of its token)
        self._sounds = sounds.Sounds(core)
        self._pins = Pins({channel: core.settings.meters[channel].return_key for channel in core.channels()})
        self._asked = -1  # the query that waits for its PIN
        self.attach(16, 2, "en")

    def attach(self, columns: int, rows: int, language: str, plain: bool = False) -> None:
        """The display's size and language; `plain`: the panel of safe mode, which takes tokens only."""
        self._panel = Panel(columns, rows, self._core.channels(), language)
        self._plain = plain
        if plain:
            from firmware.safe_mode import PlainStatus  # late: it is seldom needed

            self._status = PlainStatus(self._core, self._supply)
            return
        self._answers = Answers(self._core, self._panel.texts, self._panel.word)
        self._status = Status(self._core, self._desk, self._supply, self._answers)

    def key(self, symbol: str, now_ms: int) -> None:
        """A key of the keypad; when it completed a token, step() takes that."""
        self._sounds.key()
        if symbol == self._status.stuck:
            self._status.stuck = ""
        event = self._panel.press(symbol, now_ms)
        if event is None:
            return
        kind, channel, typed = event
        if self._plain and (kind != digits.TOKEN_EVENT or len(typed) < digits.TOKEN_DIGITS):
            self._panel.show(channel, [("not_now", "")], now_ms)
            return
        if kind == digits.PIN_EVENT:
            self._with_pin(channel, typed, now_ms)
            return
        code = self._query_code(kind, channel, typed)
        if code >= 0:
            self._query(channel, code, now_ms)
        else:
            self._taking = (channel, self._desk.keyed_steps(channel, typed, now_ms))

    def is_taking(self) -> bool:
        """Whether a token is being taken."""
        return self._taking is not None

    def step(self, now_ms: int) -> "int | None":
        """Go on with the token that is being taken; returns its result code at the end."""
        assert self._taking is not None, "a token is being taken"
        channel, steps = self._taking
        self._taking = None  # also where it fails
        result = next(steps)
        if result is None:
            self._taking = (channel, steps)
            return None
        self._sounds.result(result.code == _ACCEPTED or result.code in RESULT_CODES)
        self._panel.show_result(channel, result.code, result.wait_s, result.pages, now_ms)
        return result.code

    def is_idle(self) -> bool:
        """Whether nobody is typing, no token is being taken and no answer is shown."""
        return self._panel.is_idle() and not self.is_taking()

    def stuck(self, symbol: str) -> None:
        """A key is stuck: it is shown until it is pressed and let go again."""
        self._status.stuck = symbol

    def sound(self, now_ms: int) -> "str | None":
        """The name of the sound to play now (firmware/sounds.py), or None."""
        return self._sounds.poll(now_ms)

    def lines(self, now_ms: int) -> "tuple[str, ...]":
        """What the display shows."""
        return self._panel.lines(self._view, now_ms)

    def _view(self, channel, now_ms):
        return self._status.view(channel, self._panel.number(channel), now_ms)

    def _query_code(self, kind, channel, typed):
        """The query that an entry stands for, by the town's aliases first; -1: it is a token."""
        is_query = kind == digits.QUERY_EVENT
        if len(typed) < digits.TOKEN_DIGITS:
            code = aliases.find(self._core.policy_of(channel).aliases, "#" + typed if is_query else typed)
            if code >= 0:
                return code
        return int(typed) if is_query else -1

    def _query(self, channel, code, now_ms):
        if self._panel.several() and _is_private(code) and not self._pins.is_open(channel, now_ms):
            self._ask_pin(channel, code, now_ms)
            return
        self._answer(channel, code, now_ms)

    def _answer(self, channel, code, now_ms):
        if code in CODES:
            pages = [self._controls.run(channel, code, now_ms)]
            self._sounds.result(pages[0][0] not in _NOT_DONE)
        else:
            pages = self._answers.pages(channel, code) or [("unknown", "#{}#".format(code))]
        self._panel.show(channel, pages, now_ms)

    def _ask_pin(self, channel, code, now_ms):
        wait_s = self._pins.wait_s(channel, now_ms)
        if wait_s:
            self._panel.show(channel, [("pin_locked", "{} s".format(wait_s))], now_ms)
            return
        self._asked = code
        self._panel.ask_pin(channel, now_ms)

    def _with_pin(self, channel, typed, now_ms):
        if self._pins.enter(channel, typed, now_ms):
            self._answer(channel, self._asked, now_ms)
            return
        self._sounds.result(False)
        self._panel.show(channel, [("pin_wrong", "")], now_ms)


def _is_private(code):
    """What a neighbour at the same keypad must not see or do."""
    return code in (VALVE_LOCK, RESERVED_CREDIT, CONFIRM) or HISTORY <= code <= HISTORY_END
