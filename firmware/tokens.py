"""Takes tokens: from the keypad under its lock-out, and from commands. Both end in the same entry.

Order: format, test tokens, lock-out, the ATTEMPT entry, decoding, the judgement, the entry; only then may anything be
shown. A token is never written down or logged.
"""

from firmware.answers import return_code_page
from firmware.ledger.store import FlashFull
from firmware.management import ManagementDesk
from firmware.meter.acceptance import credit_of, lines_of
from firmware.panel.amounts import amount
from shared import kinds, lockout
from shared.compat import const
from shared.sts.digits import split
from shared.sts.errors import CRCError, FunctionError, TokenError
from shared.sts.token import CREDIT, MANAGEMENT, TEST, decode
from shared.sts.value import RESULT_CODES
from shared.sts.void import OWN_READERS

ACCEPTED = const(1)
NOT_READY = const(16)  # no room to keep the token, or RECOVERY
_LOCKOUT = const(15)
_ENTRIES = const(4)  # a charge, the attempt, the token and what it repays, as a rule


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

    def keyed_steps(self, channel: int, digits: str, now_ms: int):
        """Take a token from the keypad for a chosen meter: an iterator that ends with its Result.

        A step before, which gives None, writes to flash once at most. The Result's effect is durable.
        """
        try:
            token_class = split(digits)[0]
            if token_class == TEST:
                return iter((self._test(channel, digits, now_ms),))
            if token_class not in (CREDIT, MANAGEMENT):
                raise FunctionError("token class 3 is reserved")
        except TokenError as error:
            return iter((Result(error.code),))
        return self._counted_steps(channel, digits, now_ms)

    def remote(self, channel: int, digits: str, now_ms: int) -> tuple:
        """A token from a verified command: (result code, its entries). Counts no attempt, knows no lock-out.

        The caller writes the entries in one group with that of the command. Test tokens are for who stands before the
        display, and refused here. FlashFull: there is no room for a new key.
        """
        self._core.settle(channel, now_ms)
        try:
            return self._decided(channel, digits, kinds.REMOTE, now_ms)
        except CRCError as error:
            return error.code, []

    def _test(self, channel, digits, now_ms):
        """Test tokens are in clear: nothing to guess, to count or to lock."""
        value = decode(digits, None, self._core.settings.meters[channel].mfr_code())
        try:
            return Result(ACCEPTED, pages=self._tests.run(channel, value, now_ms))
        except FlashFull:
            return Result(NOT_READY)

    def _counted_steps(self, channel, digits, now_ms):
        """A token that may be a guess: not while locked, and counted before it is decoded."""
        wait_s = self.wait_s(channel, now_ms)
        if wait_s:
            yield Result(_LOCKOUT, wait_s)
            return
        try:
            for _step in self._core.store.make_way_steps(_ENTRIES):
                yield None
            self._be_ready()
            self._core.settle(channel, now_ms)
            yield None
            self._be_ready()
            self._attempt(channel)
            yield None
            self._be_ready()
            result = self._judge_keyed(channel, digits, now_ms)
        except FlashFull:
            result = Result(NOT_READY)
        yield result

    def _be_ready(self):
        if self._core.recovery:
            raise FlashFull  # nothing is written then

    def _judge_keyed(self, channel, digits, now_ms):
        try:
            code, group = self._decided(channel, digits, kinds.MANUAL, now_ms)
        except CRCError as error:
            self._lock(channel, now_ms)
            return Result(error.code)
        self._core.append(*group)
        if group[0].kind != kinds.REFUSED:
            self._lock(channel, now_ms)
        return Result(code, pages=self._pages(channel, group))

    def _attempt(self, channel):
        failures = min(self._core.meter(channel).failures + 1, 0xFFFF)
        keypad = min(self._core.state.keypad_failures + 1, 0xFFFF)
        self._core.append(self._core.entry(kinds.ATTEMPT, channel, kinds.RULE_LOCKOUT, failures, reference_a=keypad))

    def _decided(self, channel, digits, method, now_ms):
        """(result code, entries) of an authentic token, REFUSED if it moves nothing; CRCError when it is not."""
        tid = 0
        try:
            value = decode(digits, self._core.keys[channel].cipher(), None, OWN_READERS)
            tid = value.tid or 0
            if value.token_class == MANAGEMENT:
                code, entry = self._management.decide(channel, value, method, now_ms)
                return code, [entry]
            credit = self._credit(channel, value)
        except CRCError:
            raise
        except TokenError as error:
            detail = method << 8 | error.code
            return error.code, [self._core.entry(kinds.REFUSED, channel, detail=detail, reference_a=tid)]
        return ACCEPTED, self._top_up(channel, credit, tid, method)

    def _top_up(self, channel, credit, tid, method):
        """The whole amount into token credit, then out of it what is owed, in the order and shares of the policy."""
        core = self._core
        first = core.entry(kinds.TOKEN, channel, kinds.RULE_TOKEN_ACCEPTED, method << 8 | ACCEPTED)
        first.pot, first.delta = kinds.TOKEN_CREDIT, credit
        first.reference_a, first.reference_b = tid, core.keys[channel].check
        meter, policy = core.meter(channel), core.policy_of(channel)
        first.balance = meter.pots[kinds.TOKEN_CREDIT] + credit
        _payment, debt, emergency, _service = lines_of(meter, credit, policy)
        group = [first]
        for paid, pot, rule in (
            (debt, kinds.ACCUMULATED_DEBT, kinds.RULE_DEBT_SHARE),
            (emergency, kinds.EMERGENCY_CREDIT, kinds.RULE_EMERGENCY_REPAID),
        ):
            if paid:
                entry = core.entry(kinds.REPAY, channel, rule, pot, reference_a=tid)
                entry.pot, entry.delta = kinds.TOKEN_CREDIT, -paid
                entry.balance = group[-1].balance - paid
                group.append(entry)
        return group

    def _credit(self, channel, value):
        core = self._core
        meter = core.meter(channel)
        settings, key = core.settings.meters[channel], core.keys[channel]
        balance = meter.pots[kinds.TOKEN_CREDIT]
        policy = core.policy_of(channel)
        return credit_of(value, settings, key, meter, balance, policy, core.clock.now(), core.clock.quality())

    def _pages(self, channel, group):
        """What follows the word on the display."""
        first = group[0]
        if first.kind == kinds.REFUSED:
            missing = self._management.missing_sections(channel) if first.detail & 0xFF in RESULT_CODES else []
            return [("sections_left", " ".join([str(number) for number in missing]))] if missing else []
        if first.kind == kinds.KEY_CHANGE:
            return [("new_key", "KRN {} TI {:02d}".format(first.detail >> 8, first.detail & 0xFF))]
        if first.kind == kinds.LIMIT:
            pages = [("flow_limit", self._tests.limit(channel))]
        elif first.kind == kinds.VOID:
            pages = [("voided", str(first.reference_b))]
        elif first.pot == kinds.NO_POT:
            pages = [("tamper", self._tests.tamper(channel))]
        else:
            pages = self._money_pages(channel, group)
        return pages + [return_code_page(self._core, channel)]

    def _money_pages(self, channel, group):
        """Where the top-up went, line by line, and what is left."""
        first = group[0]
        pages = [("added", self._amount(channel, first.delta))] if first.kind == kinds.TOKEN else []
        for entry in group[1:]:
            name = "to_debt" if entry.detail == kinds.ACCUMULATED_DEBT else "to_emergency"
            pages.append((name, self._amount(channel, -entry.delta)))
        if len(group) > 1:
            pages.append(("to_credit", self._amount(channel, sum([entry.delta for entry in group]))))
        return pages + [("balance", self._amount(channel, self._core.balance(channel)))]

    def _amount(self, channel, value):
        settings = self._core.settings.meters[channel]
        return amount(value, settings.commodity, self._core.meter(channel).has(kinds.MODE_CURRENCY))

    def _lock(self, channel, now_ms):
        """Set the waits that the counts ask for, from now on."""
        core = self._core
        self._open_ms[channel] = now_ms + 1000 * lockout.wait_s(core.meter(channel).failures, core.policy_of(channel))
        keypad_s = lockout.keypad_wait_s(core.state.keypad_failures, core.documents.policy(0))
        self._open_ms[kinds.GATEWAY] = now_ms + 1000 * keypad_s
