"""The whole gateway without hardware: pulses, keys, messages and time in; entries, supply and lines of text out.

Every moment is safe for a power cut: what matters is in the ledger before it is shown or acted on.
"""

from firmware.account import AccountDesk
from firmware.controls import Controls
from firmware.core import FIRMWARE_VERSION, Core, FlashFull
from firmware.customer import CustomerDesk
from firmware.faults import FaultDesk
from firmware.flow import FlowDesk
from firmware.messages import Messages
from firmware.meter_tests import MeterTests
from firmware.readings import ReadingsDesk
from firmware.starts import note_start
from firmware.supply import SupplyDesk
from firmware.tokens import TokenDesk
from firmware.valves import Valves
from shared import kinds
from shared.compat import const
from shared.slices import finish

_NONCE_SIZE = const(8)
_LID_EVERY_MS = const(10000)
_SUPPLY_ENTRIES = const(4)  # a charge and a motion, or what follows from it


class Gateway:
    """One gateway on one flash. Call tick() several times a second; everything else as it happens.

    `valves` by channel (firmware/drivers/valve.py); `random(n)` gives random bytes; `start_clock(start_s)` returns a
    clock (firmware/clock.py); times `now_ms` rise and do not wrap. `cause` is the detail of BOOT, `why` what ended the
    last run where the firmware itself did (firmware/resets.py, codes()).
    """

    def __init__(
        self,
        flash,
        settings,
        identity,
        valves,
        start_clock,
        random,
        now_ms: int,
        cause: int = kinds.RESET_POWER,
        firmware: int = FIRMWARE_VERSION,
        why: "tuple[int, int] | None" = None,
    ):
        self._core = Core(flash, settings, identity, start_clock, firmware)
        note_start(self._core, cause, why)
        core = self._core
        self._readings = ReadingsDesk(core)
        self._account = AccountDesk(core, self._readings, self._unsent)
        self._valves = Valves(core, valves)
        self._supply = SupplyDesk(core, self._account, self._valves)
        self._flow = FlowDesk(core, now_ms)
        self._faults = FaultDesk(core, now_ms)
        self._desk = TokenDesk(core, MeterTests(core, self._valves, self._flow), now_ms)
        self.messages = Messages(core, self._desk, random, random(_NONCE_SIZE), self._readings)
        controls = Controls(core, self._account, self._supply)
        self._customer = CustomerDesk(core, self._desk, self._valves, controls)
        self._lid_ms = 0
        self._updates = self._update_parts = None
        self.full = False  # the last entry found no room

    def _unsent(self):
        return self._core.state.sequence - self.messages.outbox.acknowledged

    @property
    def core(self) -> Core:
        return self._core

    @property
    def recovery(self) -> str:
        """Why no tokens are taken, or ""."""
        return self._core.recovery

    def attach_panel(self, columns: int, rows: int, language: str = "en", plain: bool = False) -> None:
        """The display's size and language; without it they are 16x2 and English. `plain`: tokens only, no codes."""
        self._customer.attach(columns, rows, language, plain)

    def attach_updates(self, slots, board: str, release_public: bytes, self_check, reset) -> None:
        """Let the firmware be updated (firmware/updates.py): `slots` of the board, the key that signs releases.

        `self_check()` returns "" or what is wrong with this board; `reset(reason)` starts it afresh.
        """
        core = self._core
        self._update_parts = (slots, board, release_public, self_check, reset)
        self.messages.take_updates(self._update_desk)
        if slots.on_trial() or core.state.firmware_trial or core.flash.has("update"):
            self._update_desk()

    def _update_desk(self):
        """The desk of updates, made when there is one to do: it takes 4 KB."""
        if self._updates is None:
            from firmware.updates import UpdateDesk

            assert self._update_parts is not None, "attached"
            slots, board, release_public, self_check, reset = self._update_parts
            links = (self.messages.synced, self._is_quiet, self_check, reset)
            nonce = self.messages.boot_nonce
            self._updates = UpdateDesk(self._core, slots, board, release_public, nonce, links)
            self.messages.begin_update(self._updates)
        return self._updates

    def _is_quiet(self):
        """Nobody would notice a restart: no valve moves, and nobody types."""
        return self._customer.is_idle() and not any(self._valves.moving(channel) for channel in self.channels())

    def channels(self) -> "list[int]":
        """The meters that there are."""
        return self._core.channels()

    def clock_is_trusted(self) -> bool:
        return self._core.clock.quality() == kinds.TIME_TRUSTED

    def pulses(self, channel: int, count: int) -> None:
        """What the pulse counter of a meter (rising, 30 bits, 0 at the start of this run) shows now."""
        self._core.registers[channel].take(count)

    def reverse_pulses(self, channel: int, count: int, now_ms: int) -> None:
        """What the counter of reverse flow shows now; the first time at start. It never adds credit."""
        self._faults.reverse(channel, count, now_ms)

    def magnet(self, present: bool, now_ms: int) -> None:
        """Whether a magnet is felt."""
        self._faults.magnet(present, now_ms)

    def lid(self, opened: bool, now_ms: int) -> None:
        """Whether the lid is open; a change is an entry, at most one every 10 s."""
        if opened == bool(self._core.state.lid_open) or now_ms - self._lid_ms < _LID_EVERY_MS:
            return
        self._lid_ms = now_ms
        self._note(self._core.entry(kinds.TAMPER, detail=1 if opened else 0))

    def stuck_key(self, symbol: str) -> None:
        """A key that has been down for long: shown, and an entry."""
        self._customer.stuck(symbol)
        self._note(self._core.entry(kinds.EVENT, detail=kinds.EVENT_STUCK_KEY, reference_a=ord(symbol)))

    def _note(self, entry):
        """An entry that may be left out where there is no room for it."""
        if self._core.has_room():
            try:
                self._core.append(entry)
            except FlashFull:
                self.full = True

    def key(self, symbol: str, now_ms: int) -> None:
        """A key of the keypad, unless takes_token(). The next tick() takes the token that it completed."""
        self._customer.key(symbol, now_ms)

    def takes_token(self) -> bool:
        """Whether a token that was keyed is being taken: no more keys until token_step() has come to its end."""
        return self._customer.is_taking()

    def token_step(self, now_ms: int) -> "int | None":
        """Go on with that token, by one write to flash at most; returns its result code at the end."""
        return self._customer.step(now_ms)

    def sound(self, now_ms: int) -> "str | None":
        """The name of the sound that is due (firmware/sounds.py), or None."""
        return self._customer.sound(now_ms)

    def tick(self, now_ms: int) -> None:
        """Charge, warn, move valves, write journal and checkpoint, prune: whatever is due."""
        finish(self.tick_steps(now_ms))

    def tick_steps(self, now_ms: int):
        """tick() as an iterator: keys may be taken before each step, of which each erases flash once or twice.

        One that gives True holds no memory for what follows: everything else may run, too.
        """
        while self.takes_token():
            yield True
            self.token_step(now_ms)
        core = self._core
        for channel in core.channels():
            yield True
            self._readings.tick(channel, core.clock.now(), core.registers[channel].volume_ml)
            yield True
            self.full = not (yield from self._account.tick_steps(channel, now_ms))
            yield True
            self._flow.tick(channel, now_ms)
            self._faults.tick(channel, now_ms, self._valves.is_closed(channel))
            yield True
            yield from core.store.make_way_steps(_SUPPLY_ENTRIES)
            self._decide(channel, now_ms)
        yield True
        core.store.mark()
        yield True
        self._valves.tick(now_ms)
        yield True
        if any(self._account.journal_due(channel) for channel in core.registers):
            core.journal()
        yield True
        self.messages.outbox.save()
        yield from self._keep_house_steps()
        yield True
        if self._updates is not None:
            self._updates.tick(now_ms)

    def close(self) -> None:
        """It ends here: what has flowed is durable, and the mark covers the last entry, which a new epoch may cite."""
        self._core.journal()
        self._core.store.mark()

    def power_fails(self, durable: bool) -> None:
        """The supply goes: motors off, and then, if wanted, what has flowed is made durable."""
        self._valves.rest()
        if durable:
            self._core.journal()

    def power_is_back(self) -> None:
        """It did not go after all."""
        self._valves.resume()

    def lines(self, now_ms: int) -> "tuple[str, ...]":
        """What the display shows."""
        return self._customer.lines(now_ms)

    def balance(self, channel: int) -> int:
        """The credit that the customer sees, in the unit of the account."""
        return self._core.balance(channel)

    def _decide(self, channel, now_ms):
        """Bring supply in line with the account."""
        try:
            self._supply.decide(channel, now_ms)
        except FlashFull:
            self.full = True

    def _keep_house_steps(self):
        core = self._core
        yield True
        core.clock.now()  # its ticks wrap after 12 days in which nobody asks
        core.mark_time()
        yield True
        core.flash.recount()
        if core.recovery:
            return
        try:
            if core.has_room():
                yield from core.store.checkpoint_steps(core.clock.now(), core.clock.quality())
            yield True
            yield from core.store.rest_steps()
            yield True
            core.store.prune(self.messages.outbox.durable)
        except (FlashFull, OSError):
            self.full = True
