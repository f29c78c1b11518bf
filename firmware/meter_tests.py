"""Carries out test tokens (class 1): pages for the display, and the test of the valve. They come in clear, uncounted.

What they show is no secret, and what they do gives nobody water.
"""

from firmware.core import FIRMWARE_VERSION
from firmware.panel import amounts
from shared.sts.errors import FunctionError
from shared.sts.fields import ALL_TESTS_28, ALL_TESTS_36, MeterTest

_FULL_LINE = "#" * 20


class MeterTests:
    """Runs the tests that a token asks for, lowest bit first. A page is (name in panel/texts.py, value)."""

    def __init__(self, core, supply, flow) -> None:
        self._core = core
        self._supply = supply
        self._flow = flow

    def run(self, channel: int, value, now_ms: int) -> "list[tuple[str, str]]":
        """The pages of a decoded class 1 token. FunctionError: it asks for nothing that this meter can do."""
        if not isinstance(value, MeterTest):
            raise FunctionError("extended reads are not supported")
        every = value.control in (ALL_TESTS_28, ALL_TESTS_36)
        pages = []
        for bit, test in _TESTS:
            if every or value.control >> bit & 1:
                pages.extend(test(self, channel, now_ms))
        if not pages:
            raise FunctionError("this meter has no such test")
        return pages

    def limit(self, channel: int) -> str:
        """The flow limit as it is shown."""
        limit = self._core.meter(channel).flow_limit
        return "{} L/h".format(limit) if limit else "-"

    def tamper(self, channel: int) -> str:
        """The tamper status as it is shown: 0 nothing, 1 the lid was opened, 2 it is open."""
        if self._core.state.lid_open:
            return "2"
        return "1" if self._core.meter(channel).tampered else "0"

    def _valve(self, channel, now_ms):
        return [("valve_test", "1" if self._supply.test(channel, now_ms) else "-")]

    def _display(self, _channel, _now_ms):
        return [("display_test", _FULL_LINE)]

    def _register(self, channel, _now_ms):
        commodity = self._core.settings.meters[channel].commodity
        return [("register", amounts.volume(self._core.registers[channel].volume_ml, commodity))]

    def _key(self, channel, _now_ms):
        key = self._core.keys[channel]
        return [("key", "KRN {} KT {}".format(key.krn, key.kt))]

    def _tariff_index(self, channel, _now_ms):
        return [("tariff_index", "{:02d}".format(self._core.keys[channel].ti))]

    def _keypad(self, _channel, _now_ms):
        return [("keypad_test", "1")]

    def _limit(self, channel, _now_ms):
        return [("flow_limit", self.limit(channel))]

    def _tamper(self, channel, _now_ms):
        return [("tamper", self.tamper(channel))]

    def _flow_now(self, channel, _now_ms):
        return [("flow", "{} L/h".format(self._flow.flow_l_h(channel)))]

    def _version(self, _channel, _now_ms):
        version = FIRMWARE_VERSION
        return [("version", "{}.{}.{}".format(version >> 24, version >> 16 & 0xFF, version & 0xFFFF))]


# Bits of the control field (IEC 62055-41). Bit 10, phase unbalance, has no sense without phases; higher ones are
# reserved or not settled.
_TESTS = (
    (0, MeterTests._valve),
    (1, MeterTests._display),
    (2, MeterTests._register),
    (3, MeterTests._key),
    (4, MeterTests._tariff_index),
    (5, MeterTests._keypad),
    (6, MeterTests._limit),
    (7, MeterTests._tamper),
    (8, MeterTests._flow_now),
    (9, MeterTests._version),
)
