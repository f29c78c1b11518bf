"""Takes tokens: from the keypad under its lock-out, and from commands. Both end in the same entry.

Order: format, test tokens, lock-out, the ATTEMPT entry, decoding, the judgement, the entry; only then may anything be
shown. A token is never written down or logged.
"""

from firmware.ledger.store import FlashFull
from firmware.management import ManagementDesk
from firmware.meter.acceptance import credit_of
from firmware.panel.screens import cubic_metres
from shared import kinds, lockout
from shared.compat import const
from shared.sts.digits import split
from shared.sts.errors import CRCError, FunctionError, TokenError
from shared.sts.key_change import RESULT_CODES
from shared.sts.token import CREDIT, MANAGEMENT, TEST, decode
from shared.sts.void import OWN_READERS

ACCEPTED = const(1)
NOT_READY = const(16)  # no room to keep the token, or RECOVERY
_LOCKOUT = const(15)


class Result:
    """What to tell the customer: STS result `code`, `wait_s` when locked, and `pages` of (text's name, value)."""

    def __init__(self, code: int, wait_s: int = 0, pages: "list[tuple[str, str]] | None" = None) -> None:
        self.code = code
        self.wait_s = wait_s
        self.pages = pages if pages is not None else []


class TokenDesk:
    """The one door for credit. `tests` (firmware/meter_tests.py) carries out test tokens."""

    def __init__(self, core, tests, now_ms: int) -> None:
        """The clock tells nothing about the time without power, so every wait starts again in full."""
        self._core = core
        self._tests = tests
        self._management = ManagementDesk(core)
        self._open_ms = {}  # channel -> when its lock ends; kinds.GATEWAY: the keypad's
        for channel in core.channels():
            self._lock(channel, now_ms)

    def wait_s(self, channel: int, now_ms: int) -> int:
        """Seconds until the keypad takes a token for this meter; 0: now."""
        left_ms = max(self._open_ms[channel], self._open_ms[kinds.GATEWAY]) - now_ms
        return max(0, (left_ms + 999) // 1000)

    def keyed(self, channel: int, digits: str, now_ms: int) -> Result:
        """A token from the keypad for a chosen meter."""
        try:
            token_class = split(digits)[0]
            if token_class == TEST:
                return self._test(channel, digits, now_ms)
            if token_class not in (CREDIT, MANAGEMENT):
                raise FunctionError("token class 3 is reserved")
        except TokenError as error:
            return Result(error.code)
        return self._counted(channel, digits, now_ms)

    def remote(self, channel: int, digits: str, now_ms: int) -> tuple:
        """A token from a verified command: (result code, its entry or None). Counts no attempt, knows no lock-out.

        The caller writes the entry in one group with that of the command. Test tokens are for who stands before the
        display, and refused here. FlashFull: there is no room for a new key.
        """
        self._core.charge(channel, now_ms)
        try:
            return self._decided(channel, digits, kinds.REMOTE, now_ms)
        except CRCError as error:
            return error.code, None

    def _test(self, channel, digits, now_ms):
        """Test tokens are in clear: nothing to guess, to count or to lock."""
        value = decode(digits, None, self._core.settings.meters[channel].mfr_code())
        try:
            return Result(ACCEPTED, pages=self._tests.run(channel, value, now_ms))
        except FlashFull:
            return Result(NOT_READY)

    def _counted(self, channel, digits, now_ms):
        """A token that may be a guess: not while locked, and counted before it is decoded."""
        wait_s = self.wait_s(channel, now_ms)
        if wait_s:
            return Result(_LOCKOUT, wait_s)
        if self._core.recovery:
            return Result(NOT_READY)
        try:
            self._core.charge(channel, now_ms)
            self._attempt(channel)
            return self._judge_keyed(channel, digits, now_ms)
        except FlashFull:
            return Result(NOT_READY)

    def _judge_keyed(self, channel, digits, now_ms):
        try:
            code, entry = self._decided(channel, digits, kinds.MANUAL, now_ms)
        except CRCError as error:
            self._lock(channel, now_ms)
            return Result(error.code)
        self._core.append(entry)
        if entry.kind != kinds.REFUSED:
            self._lock(channel, now_ms)
        return Result(code, pages=self._pages(channel, entry))

    def _attempt(self, channel):
        failures = min(self._core.meter(channel).failures + 1, 0xFFFF)
        keypad = min(self._core.state.keypad_failures + 1, 0xFFFF)
        self._core.append(self._core.entry(kinds.ATTEMPT, channel, kinds.RULE_LOCKOUT, failures, reference_a=keypad))

    def _decided(self, channel, digits, method, now_ms):
        """(result code, entry) of an authentic token, REFUSED if it moves nothing; CRCError when it is not."""
        tid = 0
        try:
            value = decode(digits, self._core.keys[channel].cipher, None, OWN_READERS)
            tid = value.tid or 0
            if value.token_class == MANAGEMENT:
                return self._management.decide(channel, value, method, now_ms)
            credit = self._credit(channel, value)
        except CRCError:
            raise
        except TokenError as error:
            detail = method << 8 | error.code
            return error.code, self._core.entry(kinds.REFUSED, channel, detail=detail, reference_a=tid)
        return ACCEPTED, self._core.entry(
            kinds.TOKEN,
            channel,
            kinds.RULE_TOKEN_ACCEPTED,
            method << 8 | ACCEPTED,
            pot=kinds.TOKEN_CREDIT,
            delta=credit,
            reference_a=tid,
            reference_b=self._core.keys[channel].check,
        )

    def _credit(self, channel, value):
        core = self._core
        meter = core.meter(channel)
        settings, key = core.settings.meters[channel], core.keys[channel]
        balance = meter.pots[kinds.TOKEN_CREDIT]
        return credit_of(value, settings, key, meter, balance, core.policy, core.clock.now(), core.clock.quality())

    def _pages(self, channel, entry):
        """What follows the word on the display."""
        if entry.kind == kinds.REFUSED:
            missing = self._management.missing_sections(channel) if entry.detail & 0xFF in RESULT_CODES else []
            return [("sections_left", " ".join([str(number) for number in missing]))] if missing else []
        if entry.kind == kinds.KEY_CHANGE:
            return [("new_key", "KRN {} TI {:02d}".format(entry.detail >> 8, entry.detail & 0xFF))]
        if entry.kind == kinds.LIMIT:
            return [("flow_limit", self._tests.limit(channel))]
        if entry.kind == kinds.VOID:
            return [("voided", str(entry.reference_b))]
        if entry.pot == kinds.NO_POT:
            return [("tamper", self._tests.tamper(channel))]
        pages = [("added", cubic_metres(entry.delta))] if entry.kind == kinds.TOKEN else []
        return pages + [("balance", cubic_metres(self._core.balance(channel)))]

    def _lock(self, channel, now_ms):
        """Set the waits that the counts ask for, from now on."""
        core = self._core
        self._open_ms[channel] = now_ms + 1000 * lockout.wait_s(core.meter(channel).failures, core.policy)
        keypad_s = lockout.keypad_wait_s(core.state.keypad_failures, core.policy)
        self._open_ms[kinds.GATEWAY] = now_ms + 1000 * keypad_s
