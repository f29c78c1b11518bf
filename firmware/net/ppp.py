"""Keeps a PPP link over a serial modem: dials, connects, hangs up, dials again. Each step is short; nothing waits.

lwIP speaks PPP. Its echo requests notice a dead line; what is dialled to is firmware/net/dialling.py's.
"""

import network

from firmware.net.dialling import CONNECTED, FAILED, Dialler, Settings
from shared.compat import const

_TICKS_MASK = const(0x3FFFFFFF)
_RESET_MS = const(500)  # the reset line is held
_BOOT_MS = const(8000)  # then the modem starts
_CONNECT_MS = const(40000)  # lwIP itself gives up after ten requests, 30 s
_CLOSE_MS = const(15000)  # it says goodbye twice, 6 s
_RETRY_FIRST_MS = const(2000)
_RETRY_MAX_MS = const(120000)
_RESET_AFTER = const(3)  # attempts in a row that failed, or links of no use

_IDLE = const(0)  # until the next attempt
_RESETTING = const(1)
_BOOTING = const(2)
_DIALLING = const(3)
_CONNECTING = const(4)
_UP = const(5)
_CLOSING = const(6)

_ACTIVE = const(1)  # network.PPP.status(): there is room for a connection, and none; 0 is no PPP at all


class Ppp:
    """`dial` is False for a line that speaks PPP at once; `note(text)` takes a line for the log."""

    def __init__(self, modem, settings: Settings, dial: bool, note, pin_refused) -> None:
        """pin_refused() is called when the card has refused the PIN, which must never be sent again."""
        self._modem = modem
        self._settings = settings
        self._dial = dial
        self._note = note
        self._pin_refused = pin_refused
        self._ppp = network.PPP(modem.uart)  # one for ever: lwIP has room for one
        self._poll = self._ppp.poll
        self._dialler = Dialler(modem, settings)
        self._state = _IDLE
        self._since_ms = -1
        self._wait_ms = 0
        self._retry_ms = _RETRY_FIRST_MS
        self._failures = 0
        self._useless = 0  # links that were up and led nowhere
        modem.hold_reset(False)

    def is_up(self) -> bool:
        """Whether there is an address to send from."""
        return self._state == _UP

    def name_server(self) -> str:
        """The address that the other side gave for look-ups, or "" ."""
        return self._ppp.ifconfig()[3]

    def restart(self) -> None:
        """Hang up and dial again: the link is up and nothing comes through it. Every third time the modem is reset."""
        if self._state == _UP:
            self._note("ppp: up but of no use; it is made anew")
            self._useless += 1
            if self._useless % _RESET_AFTER == 0:
                self._failures = _RESET_AFTER
            self._close()

    def keep_up(self, now_ms: int) -> bool:
        """Do what is due; tell whether the link is up. now_ms is time.ticks_ms()."""
        if self._since_ms < 0:
            self._since_ms = now_ms
        passed_ms = (now_ms - self._since_ms) & _TICKS_MASK
        state = self._state
        self._step(passed_ms)
        if self._state != state:
            self._since_ms = now_ms
        return self._state == _UP

    def _step(self, passed_ms):
        if self._state == _UP:
            self._watch()
        elif self._state == _CONNECTING:
            self._look(passed_ms)
        elif self._state == _DIALLING:
            self._talk(passed_ms)
        elif self._state == _CLOSING:
            self._wait_closed(passed_ms)
        elif passed_ms >= self._wait_ms:
            self._begin()

    def _begin(self):
        """The next of: reset, its end, the call itself."""
        if self._state == _IDLE and self._failures >= _RESET_AFTER:
            self._failures = 0
            self._modem.hold_reset(True)
            self._state, self._wait_ms = _RESETTING, _RESET_MS
        elif self._state == _RESETTING:
            self._modem.hold_reset(False)
            self._state, self._wait_ms = _BOOTING, _BOOT_MS
        elif self._dial:
            self._dialler = Dialler(self._modem, self._settings)
            self._state = _DIALLING
        else:
            self._connect()

    def _talk(self, passed_ms):
        outcome = self._dialler.poll(passed_ms)
        if outcome == CONNECTED:
            self._connect()
        elif outcome == FAILED:
            if self._dialler.pin_refused:
                self._settings.pin = ""
                self._pin_refused()
            self._fail(self._dialler.reason)

    def _connect(self):
        try:
            self._modem.alone(self._start)
            self._modem.listen(self._arrived)
            self._state = _CONNECTING
        except OSError as error:
            self._fail("cannot start: {}".format(error))

    def _start(self):
        """lwIP takes one way to prove a name: CHAP (RFC 1994), and at every other attempt PAP (RFC 1334)."""
        settings = self._settings
        if settings.user:
            security = self._ppp.SEC_PAP if self._failures & 1 else self._ppp.SEC_CHAP
            self._ppp.connect(security=security, user=settings.user, key=settings.password)
        else:
            self._ppp.connect()

    def _arrived(self, _uart):
        self._modem.alone(self._poll)

    def _look(self, passed_ms):
        self._modem.alone(self._poll)
        if self._ppp.isconnected():
            self._state = _UP
            self._failures = 0
            self._retry_ms = _RETRY_FIRST_MS
            self._note("ppp: up")
        elif self._ppp.status() <= _ACTIVE:
            self._fail("no PPP on the line ({})".format(self._ppp.status()))
        elif passed_ms >= _CONNECT_MS:
            self._note("ppp: no connection in time")
            self._failures += 1
            self._close()

    def _watch(self):
        self._modem.alone(self._poll)
        if not self._ppp.isconnected():
            self._note("ppp: down ({})".format(self._ppp.status()))
            self._rest()

    def _close(self):
        self._modem.alone(self._ppp.disconnect)
        self._state = _CLOSING

    def _wait_closed(self, passed_ms):
        self._modem.alone(self._poll)
        if self._ppp.status() <= _ACTIVE or passed_ms >= _CLOSE_MS:
            self._rest()

    def _fail(self, reason):
        self._note("ppp: " + reason)
        self._failures += 1
        self._rest()

    def _rest(self):
        """Twice as long after each attempt that failed."""
        self._state = _IDLE
        self._wait_ms = self._retry_ms
        self._retry_ms = min(2 * self._retry_ms, _RETRY_MAX_MS)
