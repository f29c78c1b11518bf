"""Takes tokens: from the keypad under its lock-out, and from commands. Both end in the same entry.

Order: format, lock-out, the ATTEMPT entry, decoding, the judgement, the TOKEN entry; only then may anything be shown.
A token is never written down or logged.
"""

from firmware.ledger.store import FlashFull
from firmware.meter.acceptance import credit_of
from shared import kinds, lockout
from shared.compat import const
from shared.sts.digits import split
from shared.sts.errors import CRCError, FormatError, TokenError
from shared.sts.token import CREDIT, MANAGEMENT, decode

ACCEPTED = const(1)
NOT_READY = const(16)  # no room to keep the token, or RECOVERY
_FUNCTION_ERROR = const(8)
_LOCKOUT = const(15)


class Result:
    """What to tell the customer: STS result `code`, `credit` and `balance` in ml, `wait_s` when locked."""

    def __init__(self, channel: int, code: int, credit: int = 0, balance: int = 0, wait_s: int = 0) -> None:
        self.channel = channel
        self.code = code
        self.credit = credit
        self.balance = balance
        self.wait_s = wait_s


class TokenDesk:
    """The one door for credit."""

    def __init__(self, core, now_ms: int) -> None:
        """The clock tells nothing about the time without power, so every wait starts again in full."""
        self._core = core
        self._open_ms = {}  # channel -> when its lock ends; kinds.GATEWAY: the keypad's
        for channel in core.channels():
            self._lock(channel, now_ms)

    def wait_s(self, channel: int, now_ms: int) -> int:
        """Seconds until the keypad takes a token for this meter; 0: now."""
        left_ms = max(self._open_ms[channel], self._open_ms[kinds.GATEWAY]) - now_ms
        return max(0, (left_ms + 999) // 1000)

    def keyed(self, channel: int, digits: str, now_ms: int) -> Result:
        """A token from the keypad for a chosen meter."""
        code = _code_before_attempt(digits)
        if code:
            return Result(channel, code)
        wait_s = self.wait_s(channel, now_ms)
        if wait_s:
            return Result(channel, _LOCKOUT, wait_s=wait_s)
        if self._core.recovery:
            return Result(channel, NOT_READY)
        try:
            self._core.charge(channel, now_ms)
            self._attempt(channel)
            return self._judge_keyed(channel, digits, now_ms)
        except FlashFull:
            return Result(channel, NOT_READY)

    def remote(self, channel: int, digits: str, now_ms: int) -> tuple:
        """A token from a verified command: (result code, its entry or None). Counts no attempt, knows no lock-out.

        The caller writes the entry in one group with that of the command.
        """
        self._core.charge(channel, now_ms)
        try:
            return self._decided(channel, digits, kinds.REMOTE)
        except CRCError as error:
            return error.code, None

    def _judge_keyed(self, channel, digits, now_ms):
        try:
            code, entry = self._decided(channel, digits, kinds.MANUAL)
        except CRCError as error:
            self._lock(channel, now_ms)
            return Result(channel, error.code)
        self._core.append(entry)
        if code == ACCEPTED:
            self._lock(channel, now_ms)
        return Result(channel, code, entry.delta, self._core.balance(channel))

    def _attempt(self, channel):
        failures = min(self._core.meter(channel).failures + 1, 0xFFFF)
        keypad = min(self._core.state.keypad_failures + 1, 0xFFFF)
        self._core.append(self._core.entry(kinds.ATTEMPT, channel, kinds.RULE_LOCKOUT, failures, reference_a=keypad))

    def _decided(self, channel, digits, method):
        """(result code, TOKEN or REFUSED entry) of an authentic token; CRCError when it is not."""
        settings = self._core.settings.meters[channel]
        tid = 0
        try:
            value = decode(digits, settings.cipher)
            tid = value.tid or 0
            credit = self._credit(channel, settings, value)
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
            reference_b=settings.key_check,
        )

    def _credit(self, channel, settings, value):
        core = self._core
        balance = core.meter(channel).pots[kinds.TOKEN_CREDIT]
        quality = core.clock.quality()
        return credit_of(value, settings, core.meter(channel), balance, core.policy, core.clock.now(), quality)

    def _lock(self, channel, now_ms):
        """Set the waits that the counts ask for, from now on."""
        core = self._core
        self._open_ms[channel] = now_ms + 1000 * lockout.wait_s(core.meter(channel).failures, core.policy)
        keypad_s = lockout.keypad_wait_s(core.state.keypad_failures, core.policy)
        self._open_ms[kinds.GATEWAY] = now_ms + 1000 * keypad_s


def _code_before_attempt(digits):
    """The result code of digits that are refused unseen, or 0. Test tokens are in clear: nothing to guess or count."""
    try:
        token_class = split(digits)[0]
    except FormatError as error:
        return error.code
    return 0 if token_class in (CREDIT, MANAGEMENT) else _FUNCTION_ERROR
