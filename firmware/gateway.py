"""The whole gateway without hardware: pulses, keys, messages and time in; entries, supply and lines of text out.

Every moment is safe for a power cut: what matters is in the ledger before it is shown or acted on.
"""

from firmware.core import FIRMWARE_VERSION, Core, FlashFull
from firmware.flow import FlowDesk
from firmware.ledger.recovery import DamageError
from firmware.messages import Messages
from firmware.meter_tests import MeterTests
from firmware.panel import digits
from firmware.panel.panel import Panel
from firmware.panel.screens import MeterView, cubic_metres
from firmware.supply import SupplyDesk
from firmware.tokens import TokenDesk
from shared import kinds
from shared.compat import const
from shared.supply import low_credit

RESET_POWER = 0
RESET_WATCHDOG = 1
_NONCE_SIZE = const(8)
_LID_EVERY_MS = const(10000)
_BOOTS_IN_A_ROW = const(3)
# The balance sheet of a meter, by its query code: `#n#` on the keypad.
_QUERIES = {0: "number", 1: "credit", 10: "register", 14: "loaded", 13: "total_used"}


class Gateway:
    """One gateway on one flash. Call tick() several times a second; everything else as it happens.

    `valves` by channel (firmware/drivers/valve.py); `random(n)` gives random bytes; `start_clock(start_s)` returns a
    clock (firmware/clock.py); times `now_ms` rise and do not wrap.
    """

    def __init__(self, flash, settings, identity, valves, start_clock, random, now_ms: int, cause: int = RESET_POWER):
        self._core = Core(flash, settings, identity, start_clock)
        self._note_start(cause)
        self._supply = SupplyDesk(self._core, valves, now_ms)
        self._flow = FlowDesk(self._core, now_ms)
        self._desk = TokenDesk(self._core, MeterTests(self._core, self._supply, self._flow), now_ms)
        self.messages = Messages(self._core, self._desk, random, random(_NONCE_SIZE))
        self._panel = Panel(16, 2, self._core.channels(), "en")
        self._lid_ms = 0
        self.full = False  # the last entry found no room

    @property
    def core(self) -> Core:
        return self._core

    @property
    def recovery(self) -> str:
        """Why no tokens are taken, or ""."""
        return self._core.recovery

    def attach_panel(self, columns: int, rows: int, language: str = "en") -> None:
        """The display's size and language; without it they are 16x2 and English."""
        self._panel = Panel(columns, rows, self._core.channels(), language)

    def channels(self) -> "list[int]":
        """The meters that there are."""
        return self._core.channels()

    def clock_is_trusted(self) -> bool:
        return self._core.clock.quality() == kinds.TIME_TRUSTED

    def start_pulses(self, channel: int, count: int) -> None:
        """What the counter shows at start is not new."""
        self._core.registers[channel].start(count)

    def pulses(self, channel: int, count: int) -> None:
        """What the pulse counter of a meter (rising, 30 bits) shows now."""
        self._core.registers[channel].take(count)

    def lid(self, opened: bool, now_ms: int) -> None:
        """Whether the lid is open; a change is an entry, at most one every 10 s."""
        if opened == bool(self._core.state.lid_open) or now_ms - self._lid_ms < _LID_EVERY_MS:
            return
        self._lid_ms = now_ms
        self._note(self._core.entry(kinds.TAMPER, detail=1 if opened else 0))

    def stuck_key(self, symbol: str) -> None:
        """A key that has been down for long: an entry."""
        self._note(self._core.entry(kinds.EVENT, detail=kinds.EVENT_STUCK_KEY, reference_a=ord(symbol)))

    def _note(self, entry):
        """An entry that may be left out where there is no room for it."""
        if self._core.has_room():
            try:
                self._core.append(entry)
            except FlashFull:
                self.full = True

    def key(self, symbol: str, now_ms: int) -> "int | None":
        """A key of the keypad; returns the result code when it completed a token."""
        event = self._panel.press(symbol, now_ms)
        if event is None:
            return None
        kind, channel, typed = event
        if kind == digits.QUERY_EVENT:
            self._query(channel, int(typed), now_ms)
            return None
        result = self.token(channel, typed, now_ms)
        self._panel.show_result(channel, result.code, result.wait_s, result.pages, now_ms)
        return result.code

    def token(self, channel: int, typed: str, now_ms: int):
        """A token for a meter, as typed; returns the Result of firmware/tokens.py when its effect is durable."""
        result = self._desk.keyed(channel, typed, now_ms)
        self._settle(channel, now_ms)
        return result

    def tick(self, now_ms: int) -> None:
        """Charge, warn, move valves, write journal and checkpoint, prune: whatever is due."""
        for channel in self._core.channels():
            self._settle(channel, now_ms)
        self._supply.tick(now_ms)
        registers = self._core.registers
        if any(registers[channel].journal_due() for channel in registers):
            self._core.journal()
        self._keep_house()

    def lines(self, now_ms: int) -> "tuple[str, ...]":
        """What the display shows."""
        return self._panel.lines(self._view, self.recovery != "", now_ms)

    def balance(self, channel: int) -> int:
        """The balance in ml that the customer sees."""
        return self._core.balance(channel)

    def _settle(self, channel, now_ms):
        """Bring ledger, warning and supply in line with what has flowed."""
        core = self._core
        self.full = not core.charge_if_due(channel, now_ms)
        self._flow.tick(channel, now_ms)
        try:
            self._supply.decide(channel, now_ms)
            if self._warning_due(channel):
                core.append(core.entry(kinds.WARNING, channel, kinds.RULE_LOW_CREDIT, kinds.WARN_LOW_CREDIT))
        except FlashFull:
            self.full = True

    def _warning_due(self, channel):
        """Once per top-up, and only where supply is on: a closed valve says it all."""
        core = self._core
        meter = core.meter(channel)
        low = low_credit(core.balance(channel), core.policy)
        return low and not meter.warned and meter.intent > kinds.CLOSED and core.has_room()

    def _keep_house(self):
        core = self._core
        core.clock.now()  # its ticks wrap after 12 days in which nobody asks
        if core.recovery:
            return
        try:
            if core.has_room():
                core.store.checkpoint(core.clock.now(), core.clock.quality())
            core.store.prune(self.messages.outbox.acknowledged)
        except (FlashFull, OSError):
            self.full = True

    def _note_start(self, cause):
        """A BOOT entry, but few in a row: a board that starts over and over must not fill its ledger."""
        core = self._core
        if not core.has_room():
            return
        try:
            if core.store.last_kinds(_BOOTS_IN_A_ROW) != bytes([kinds.BOOT] * _BOOTS_IN_A_ROW):
                boots = core.state.boots + 1
                core.append(core.entry(kinds.BOOT, detail=cause, reference_a=boots, reference_b=FIRMWARE_VERSION))
        except (FlashFull, DamageError):
            pass  # a start without an entry still meters

    def _view(self, channel, now_ms):
        core = self._core
        return MeterView(
            self._panel.number(channel),
            core.balance(channel),
            self._supply.is_open(channel),
            self._supply.moving(channel),
            self._supply.failed(channel),
            low_credit(core.balance(channel), core.policy),
            self._desk.wait_s(channel, now_ms),
        )

    def _query(self, channel, number, now_ms):
        core = self._core
        name = _QUERIES.get(number, "unknown")
        meter = core.meter(channel)
        values = {
            "number": core.settings.meters[channel].drn,
            "credit": cubic_metres(core.balance(channel)),
            "register": cubic_metres(core.registers[channel].volume_ml),
            "loaded": cubic_metres(meter.credited),
            "total_used": cubic_metres(
                core.registers[channel].volume_ml - core.settings.meters[channel].opening_register
            ),
            "unknown": "#{}#".format(number),
        }
        self._panel.show_value(channel, name, values[name], now_ms)
