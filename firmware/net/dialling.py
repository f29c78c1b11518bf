"""Dials a modem by AT commands (ITU-T V.250, 3GPP TS 27.007) one small step at a time; it never waits.

Rule: a PIN is sent only when the card asks for it, and one that was refused is never sent again: three lock the card.
"""

from shared.compat import const

WORKING = const(0)
CONNECTED = const(1)
FAILED = const(2)

_SILENCE_MS = const(1100)  # V.250: a second of silence before and after the escape
_ANSWER_MS = const(5000)
_CONNECT_MS = const(60000)
_LINE_BYTES = const(160)  # of an answer that are looked at
_ENDS = (b"OK", b"ERROR", b"NO CARRIER", b"NO DIALTONE", b"NO ANSWER", b"BUSY", b"CONNECT", b"+CME ERROR")


class Settings:
    """What the installer entered; all may be empty."""

    def __init__(self, apn: str = "", user: str = "", password: str = "", pin: str = "") -> None:
        self.apn = apn
        self.user = user
        self.password = password
        self.pin = pin


class Dialler:
    """One call. `modem` has write(data) and read(); `reason` says what failed, in words without secrets."""

    def __init__(self, modem, settings: Settings) -> None:
        self._modem = modem
        self._settings = settings
        self._steps = self._script()
        self._until_ms = None
        self._wait_ms = 0
        self._expects = False  # whether an answer ends the wait
        self._heard = b""
        self.reason = ""
        self.pin_refused = False

    def poll(self, now_ms: int) -> int:
        """Go on as far as it goes at once: WORKING, CONNECTED or FAILED. now_ms only rises."""
        heard = self._modem.read()
        self._heard = (self._heard + heard)[-_LINE_BYTES:]
        answer = _answer_in(self._heard) if self._expects else b""
        late = self._until_ms is None or now_ms >= self._until_ms
        if not answer and not late:
            return WORKING
        try:
            data, self._wait_ms, self._expects = self._steps.send(None if self._until_ms is None else answer)
        except StopIteration as stop:
            return CONNECTED if stop.value else FAILED
        self._heard = b""
        self._until_ms = now_ms + self._wait_ms
        if data:
            self._modem.write(data)
        return WORKING

    def _script(self):
        """Yields (bytes to send, how long to wait, whether an answer ends that); is sent the answer, b"" if none."""
        yield b"", _SILENCE_MS, False
        yield b"+++", _SILENCE_MS, False
        yield b"ATH\r", _ANSWER_MS, True  # whatever it says
        if b"OK" not in (yield b"ATE0\r", _ANSWER_MS, True):
            return self._failed("the modem does not answer")
        if not (yield from self._unlocked()):
            return False
        if self._settings.apn:
            command = 'AT+CGDCONT=1,"IP","' + self._settings.apn + '"\r'
            if b"OK" not in (yield command.encode(), _ANSWER_MS, True):
                return self._failed("the modem refuses the APN")
        answer = yield b"ATD*99#\r", _CONNECT_MS, True
        if b"CONNECT" not in answer:
            return self._failed("no connection: " + (_word(answer) or "no answer"))
        return True

    def _unlocked(self):
        """Whether the card is usable; a modem without a card, as over a plain line, says ERROR and goes on."""
        answer = yield b"AT+CPIN?\r", _ANSWER_MS, True
        if b"SIM PIN" not in answer:
            return True
        if not self._settings.pin:
            return self._failed("the card asks for a PIN; the installer's tool enters it")
        answer = yield ('AT+CPIN="' + self._settings.pin + '"\r').encode(), _ANSWER_MS, True
        if b"OK" in answer:
            return True
        self.pin_refused = True
        return self._failed("the card refuses the PIN; enter it anew")

    def _failed(self, reason):
        self.reason = reason
        return False


def _answer_in(heard):
    """All that was heard once a final result code (V.250, 5.7.1) is in it as a whole line, else b"" .

    Behind CONNECT the other side may speak at once.
    """
    for line in heard.split(b"\n")[:-1]:
        line = line.strip()
        if line.startswith(_ENDS):
            return heard
    return b""


def _word(answer):
    """The result code of an answer, as text."""
    for end in _ENDS:
        if end in answer:
            return end.decode()
    return ""
