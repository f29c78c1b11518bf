"""What an authentic management token (class 2) comes to: the entry that carries it out, or the reason why not.

Nothing is changed here but the set of key-change sections, which rests in RAM, and the spare key slot.
"""

from firmware.meter.acceptance import check_time, check_unused
from firmware.meter.key import KeySet, following_base_year
from shared import documents, kinds
from shared.compat import const
from shared.key_data import pack
from shared.sts.errors import FunctionError, OldError, TokenError, UsedError
from shared.sts.fields import ALL_REGISTERS, ClearCredit, ClearTamperCondition, SetMaximumPowerLimit
from shared.sts.value import RESULT_CODES
from shared.sts.void import Void
from shared.tid_memory import OLD, USED

_ACCEPT = const(1)


class ManagementDesk:
    """Decides for all meters; `decide` answers (result code, entry)."""

    def __init__(self, core) -> None:
        self._core = core
        self._sets = {}  # channel -> KeySet, where a key change was begun

    def missing_sections(self, channel: int) -> "list[int]":
        """The sections that the set under way still needs; empty when none is under way."""
        return self._sets[channel].missing() if channel in self._sets else []

    def decide(self, channel: int, value, method: int, now_ms: int) -> tuple:
        """(result code, entry) of a token value. TokenError: refused. FlashFull: a new key cannot be kept."""
        if value.section:
            return self._section(channel, value, method, now_ms)
        order = _ORDERS.get(type(value))
        if order is None:
            raise FunctionError("this meter knows no such order")
        return _ACCEPT, order(self, channel, value, method)

    def _section(self, channel, value, method, now_ms):
        code = RESULT_CODES[value.section]
        held = self._sets.setdefault(channel, KeySet())
        try:
            new = held.add(value, self._core.keys[channel], now_ms)
            if new is not None:
                return code, self._change(channel, new, method)
        except TokenError:
            held.forget()
            raise
        return code, self._core.entry(kinds.REFUSED, channel, detail=method << 8 | code)

    def _change(self, channel, new, method):
        """Keep the new key in the spare slot; the entry then puts it in force."""
        core = self._core
        key = core.keys[channel]
        check = documents.key_check(new.decoder_key)
        base_year = following_base_year(new, check, key, core.meter(channel))
        sgc = int(new.sgc) if new.sgc is not None else 0
        core.key_slots.offer(channel, key.check, check, key.ea, new.decoder_key, sgc)
        entry = core.entry(kinds.KEY_CHANGE, channel, kinds.RULE_TOKEN_ACCEPTED, new.krn << 8 | new.ti)
        entry.reference_a = pack(base_year, new.roll_over, method, new.kt, new.ken)
        entry.reference_b = check
        return entry

    def _clear_credit(self, channel, value, method):
        """Take away what credit there is; what is owed stays owed."""
        core = self._core
        if value.register not in (core.settings.meters[channel].commodity, ALL_REGISTERS):
            raise FunctionError("this meter has no such register")
        self._check(channel, value)
        credit = max(core.meter(channel).pots[kinds.TOKEN_CREDIT], 0)
        entry = self._order(kinds.CLEAR, channel, value, method, kinds.CLEARED_CREDIT)
        entry.pot = kinds.TOKEN_CREDIT
        entry.delta = -credit
        entry.balance = core.meter(channel).pots[kinds.TOKEN_CREDIT] - credit
        entry.reference_b = core.keys[channel].check
        return entry

    def _clear_tamper(self, channel, value, method):
        self._check(channel, value)
        entry = self._order(kinds.CLEAR, channel, value, method, kinds.CLEARED_TAMPER)
        entry.reference_b = self._core.keys[channel].check
        return entry

    def _set_limit(self, channel, value, method):
        self._check(channel, value)
        entry = self._order(kinds.LIMIT, channel, value, method, _ACCEPT)
        entry.reference_b = value.amount
        return entry

    def _void(self, channel, value, method):
        self._check(channel, value)
        judgement = self._core.meter(channel).tids.judge(value.target_tid)
        if judgement == USED:
            raise UsedError("the token to be voided was used")
        if judgement == OLD:
            raise OldError("the token to be voided is older than all that are remembered: used or not, it is refused")
        entry = self._order(kinds.VOID, channel, value, method, _ACCEPT)
        entry.reference_b = value.target_tid
        return entry

    def _check(self, channel, value):
        core = self._core
        key = core.keys[channel]
        check_unused(value.tid, key, core.meter(channel))
        check_time(value.tid, key, core.policy_of(channel), core.clock.now(), core.clock.quality())

    def _order(self, kind, channel, value, method, low):
        rule = kinds.RULE_TOKEN_ACCEPTED
        return self._core.entry(kind, channel, rule, method << 8 | low, reference_a=value.tid)


# By the very class: the limit of phase unbalance is a kind of power limit, and no order for a meter without phases.
_ORDERS = {
    ClearCredit: ManagementDesk._clear_credit,
    ClearTamperCondition: ManagementDesk._clear_tamper,
    SetMaximumPowerLimit: ManagementDesk._set_limit,
    Void: ManagementDesk._void,
}
