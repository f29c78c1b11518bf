"""Answers to what a customer asks at the keypad: from a meter's state to pages of (name in panel/texts.py, value).

Nothing here changes anything. Figures include what has flowed since the last charge.
"""

from firmware.panel import amounts
from shared import credit, kinds, lifeline, return_code
from shared.civil import date_of
from shared.compat import const
from shared.fold import RECENT_SIZE

HISTORY = const(30)  # the query of the newest token; the tenth is HISTORY_END
HISTORY_END = const(39)
_AMOUNT_HALF = 1 << 47
_DAYS_SHOWN_MAX = const(999)


class Answers:
    """For a customer who stands before the display."""

    def __init__(self, core, texts, word) -> None:
        """`texts` (firmware/panel/texts.py) and `word(result code)` in the language of the display."""
        self._core = core
        self._texts = texts
        self._word = word

    def pages(self, channel: int, code: int) -> "list[tuple[str, str]] | None":
        """The pages of query `#code#` for a meter; None: there is no such query."""
        if HISTORY <= code <= HISTORY_END:
            return self._token(channel, code - HISTORY)
        answer = _ANSWERS.get(code)
        return answer(self, channel, self._core.meter(channel)) if answer else None

    def days_left(self, channel: int, own: int) -> int:
        """For how many days a credit lasts by the average of recent use; -1: nothing is known, 999 at most."""
        core = self._core
        meter = core.meter(channel)
        if not meter.average_ml or meter.has(kinds.MODE_CREDIT | kinds.MODE_BULK):
            return -1
        if own <= 0 or not meter.has(kinds.MODE_CURRENCY):
            return min(max(own, 0) // meter.average_ml, _DAYS_SHOWN_MAX)
        tariff = core.tariff_of(channel)
        if tariff is None:
            return -1
        left_ml = tariff.volume_for(meter.block_counter, own, meter.remainder, meter.block_share)
        return min(left_ml // meter.average_ml, _DAYS_SHOWN_MAX)

    def lifeline_left(self, channel: int, left_ml: int) -> int:
        """What is left of a quota without what has flowed of it since the last charge."""
        if self._core.meter(channel).intent == kinds.LIFELINE:
            left_ml -= self._core.uncharged(channel)
        return max(left_ml, 0)

    def clock_text(self, channel: int, time_s: int) -> str:
        """The local time of day, hh:mm."""
        _day, minute = self._core.policy_of(channel).calendar.local(time_s)
        return "{:02d}:{:02d}".format(minute // 60, minute % 60)

    def _when(self, channel, time_s):
        year, month, day = date_of(self._core.policy_of(channel).calendar.local(time_s)[0])
        return "{}-{:02d}-{:02d} {}".format(year, month, day, self.clock_text(channel, time_s))

    def _amount(self, channel, value):
        currency = self._core.meter(channel).has(kinds.MODE_CURRENCY)
        return amounts.amount(value, self._core.settings.meters[channel].commodity, currency)

    def _volume(self, channel, value):
        return amounts.volume(value, self._core.settings.meters[channel].commodity)

    def _register_ml(self, channel):
        return self._core.registers[channel].volume_ml

    def _number(self, channel, _meter):
        return [("number", self._core.settings.meters[channel].drn)]

    def _credit(self, channel, meter):
        own, _left, used, owed = standing(meter, self._core.balance(channel))
        pages = [("credit", self._amount(channel, own))]
        for name, value in (
            ("reserved", meter.pots[kinds.RESERVED_CREDIT]),
            ("emergency_used", used),
            ("owed", owed),
        ):
            if value >= amounts.LEAST:
                pages.append((name, self._amount(channel, value)))
        return pages

    def _price(self, channel, meter):
        """Where the next litre falls. On the unit basis the price was paid when the token was bought."""
        tariff = self._core.tariff_of(channel) if meter.has(kinds.MODE_CURRENCY) else None
        if tariff is None:
            return [("price", "-")]
        position_ml = meter.block_counter + self._core.uncharged(channel)
        index, left_ml, price, following = tariff.block(position_ml, meter.block_share)
        commodity = self._core.settings.meters[channel].commodity
        pages = [("price", amounts.price(price, commodity))]
        if left_ml < 0:
            return pages + [("block", str(index + 1))]
        pages.append(("block", "{}: {}".format(index + 1, amounts.volume(left_ml, commodity))))
        return pages + [("next_price", amounts.price(following, commodity))]

    def _closure(self, channel, meter):
        if not meter.closure_rule:
            return [("last_closed", self._texts("never"))]
        why = self._texts("rule_{}".format(meter.closure_rule))
        return [("last_closed", why), ("last_closed", self._when(channel, meter.closure_s))]

    def _days(self, channel, _meter):
        days = self.days_left(channel, self._core.balance(channel))
        return [("days_left", str(days) if days >= 0 else "-")]

    def _emergency(self, channel, meter):
        limits = self._core.policy_of(channel)
        status = credit.emergency_status(meter, limits)
        pages = [("emergency", self._texts("status_{}".format(status)))]
        if status == credit.OFF:
            return pages
        limit = meter.emergency_limit if meter.emergency_invoked else limits.emergency_limit
        pages.append(("limit", self._amount(channel, limit)))
        if meter.emergency_invoked:
            pages.append(("left", self._amount(channel, standing(meter, self._core.balance(channel))[1])))
        return pages

    def _lifeline(self, channel, meter):
        core = self._core
        limits = core.policy_of(channel)
        if not limits.lifeline_quota_ml and not core.floor.lifeline_quota_ml:
            return [("lifeline", self._texts("status_0"))]
        due = lifeline.due(meter, core.clock.now(), limits, core.floor)
        return [
            ("lifeline", self._volume(channel, self.lifeline_left(channel, due[1] if due else meter.lifeline_left)))
        ]

    def _today(self, channel, meter):
        return [("used_today", self._volume(channel, self._register_ml(channel) - meter.day_register))]

    def _month(self, channel, meter):
        return [("used_month", self._volume(channel, self._register_ml(channel) - meter.month_register))]

    def _average(self, channel, meter):
        return [("average", self._volume(channel, meter.average_ml))]

    def _register(self, channel, _meter):
        return [("register", self._volume(channel, self._register_ml(channel)))]

    def _used(self, channel, _meter):
        used_ml = self._register_ml(channel) - self._core.settings.meters[channel].opening_register
        return [("total_used", self._volume(channel, used_ml))]

    def _loaded(self, channel, meter):
        return [("loaded", self._amount(channel, meter.credited))]

    def _charged(self, channel, meter):
        return [("charged_month", self._amount(channel, meter.month_charged))]

    def _return_code(self, channel, _meter):
        return [return_code_page(self._core, channel)]

    def _token(self, channel, ago):
        """One of the last ten tokens: when, how much, result."""
        recent = self._core.meter(channel).recent
        at = len(recent) - (ago + 1) * RECENT_SIZE
        if at < 0:
            return [("no_token", "")]
        row = recent[at : at + RECENT_SIZE]
        pages = [("token_at", self._when(channel, int.from_bytes(row[:4], "big")))]
        added = int.from_bytes(row[9:], "big") - _AMOUNT_HALF
        if added:
            pages.append(("added", self._amount(channel, added)))
        return pages + [("result", self._word(row[4]))]


_ANSWERS = {
    0: Answers._number,
    1: Answers._credit,
    2: Answers._price,
    3: Answers._closure,
    4: Answers._days,
    5: Answers._emergency,
    6: Answers._lifeline,
    7: Answers._today,
    8: Answers._month,
    9: Answers._average,
    10: Answers._register,
    13: Answers._used,
    14: Answers._loaded,
    15: Answers._charged,
    40: Answers._return_code,
}


def standing(meter, balance: int) -> "tuple[int, int, int, int]":
    """(own credit, emergency credit left, used of it, owed), each 0 or more; `balance` counts what has flowed.

    What flowed past the own credit and is not charged yet stands where its charge will put it.
    """
    over = max(-balance, 0)
    left = credit.emergency_left(meter)
    drawn = min(over, left)
    used = drawn - meter.pots[kinds.EMERGENCY_CREDIT]
    return max(balance, 0), left - drawn, used, meter.pots[kinds.ACCUMULATED_DEBT] + over - drawn


def return_code_page(core, channel: int) -> "tuple[str, str]":
    """What follows every token that was carried out, and answers #40#."""
    meter = core.meter(channel)
    key = core.settings.meters[channel].return_key
    band = return_code.band(meter.pots[kinds.TOKEN_CREDIT])
    code = return_code.make(key, core.settings.epoch, meter.token_counter, meter.last_tid, meter.last_result, band)
    return "return_code", "{} {} {}".format(code[:4], code[4:8], code[8:])
