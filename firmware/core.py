"""What every part of the gateway works on: settings, ledger, clock, registers, the documents in force.

Rule: an entry is durable before its effect is shown or acted on, and a meter's figures are charged before they count.
"""

from firmware.charges import charges
from firmware.documents import GroupDocuments
from firmware.ledger.keys import KeySlots
from firmware.ledger.pair import Pair
from firmware.ledger.store import SPACE_FOR_TOKENS, FlashFull, Store
from firmware.ledger.time_mark import TimeMark
from firmware.meter import charging, register
from firmware.meter.key import MeterKey
from shared import credit, kinds
from shared.compat import const
from shared.entries import Entry
from shared.payer import payer
from shared.state import MeterState

FIRMWARE_VERSION = const(0x00010000)  # major 1 byte, minor 1, patch 2
CHARGE_ENTRIES = const(2)  # of two pots


class Core:
    """One running gateway. `recovery` says in a word why no tokens are taken, or is ""."""

    def __init__(self, flash, settings, identity, start_clock, firmware: int = FIRMWARE_VERSION) -> None:
        """start_clock(start_s) returns a clock with now(), quality() and set_signed(real_s)."""
        self.firmware = firmware
        self.flash = flash
        self.settings = settings
        self.identity = identity
        self.store = Store(flash, settings.utility, settings.gateway, settings.epoch, identity.device_public)
        self.state = self.store.state
        self._time_mark = TimeMark(flash)
        self.clock = start_clock(max(self.state.time_s, settings.issued_s, self._time_mark.time_s))
        self._recovery = _recorded(flash, settings.epoch)
        self._open_lost_meters()
        damaged = self.store.damage != ""
        self.documents = GroupDocuments(flash, settings, self.state, self.enter_recovery, damaged)
        self.store.judge_by(lambda: self.documents.known)
        self.key_slots = KeySlots(flash)
        self.keys = {channel: self._key_in_force(channel) for channel in self.channels()}
        self._journal = Pair(flash, "journal")
        self.registers = self._start_registers()
        self._take_counted()
        self._settled_ms = {}
        self._changes = dict.fromkeys(self.channels(), 0)

    @property
    def recovery(self) -> str:
        return self._recovery or self.store.damage

    def enter_recovery(self, reason: str) -> None:
        """Take no more credit in this epoch; survives a restart."""
        if not self._recovery:
            self._recovery = reason
            try:
                self.flash.replace("recovery", self.settings.epoch.to_bytes(2, "big") + reason.encode())
            except OSError:
                pass  # flash is full or refuses: it holds for this run, and metering goes on

    def meter(self, channel: int):
        """The folded state of a meter."""
        return self.state.meters[channel]

    def channels(self) -> "list[int]":
        """The meters that the ledger has opened."""
        return sorted(self.state.meters)

    def uncharged(self, channel: int) -> int:
        """What has flowed and is not in the ledger yet."""
        return self.registers[channel].volume_ml - self.meter(channel).register

    def policy_of(self, channel: int):
        """The Policy in force for a meter's group."""
        return self.documents.policy(self.meter(channel).group)

    def tariff_of(self, channel: int):
        """The Tariff in force for a meter; None in unit basis."""
        return self.documents.tariff(self.meter(channel))

    @property
    def floor(self):
        """The Floor in force."""
        return self.documents.floor

    def balance(self, channel: int) -> int:
        """The credit to show: the ledger's own credit without what has flowed since, in the unit of the account."""
        meter, policy = self.meter(channel), self.policy_of(channel)
        own = credit.own(meter, policy)
        used = self.uncharged(channel)
        if not used or payer(meter, self.clock.now(), self.clock.quality(), policy)[0] == kinds.NO_POT:
            return own
        return own - charging.price(meter, used, self.tariff_of(channel))[0]

    def settle(self, channel: int, now_ms: int) -> None:
        """Bring the ledger up to the register, before an entry whose figures matter. FlashFull: there is no room."""
        group = charges(self, channel)
        if group:
            self.append(*group)
            self.registers[channel].made_durable()
            self._settled_ms[channel] = now_ms

    def settle_steps(self, channels: "list[int]", now_ms: int):
        """settle() of several meters where there is room, as an iterator of steps: what then flows is little."""
        for channel in channels:
            if self.uncharged(channel) and self.has_room():
                yield from self.store.make_way_steps(CHARGE_ENTRIES)
                self.settle(channel, now_ms)
                yield

    def since_settled_ms(self, channel: int, now_ms: int) -> int:
        """How long ago what flowed was charged, or asked for first."""
        return now_ms - self._settled_ms.setdefault(channel, now_ms)

    def entry(self, kind: int, channel: int = kinds.GATEWAY, rule: int = 0, detail: int = 0, **fields) -> Entry:
        """An entry with time and register filled in; its balance follows `delta` when it names a pot."""
        entry = Entry(0, self.clock.now(), kind, channel, rule=rule, detail=detail, **fields)
        entry.quality = self.clock.quality()
        if channel != kinds.GATEWAY:
            meter = self.meter(channel)
            entry.register = entry.register or meter.register
            if entry.pot != kinds.NO_POT:
                entry.balance = meter.pots[entry.pot] + entry.delta
        return entry

    def append(self, *group) -> None:
        """Make entries durable as one group. FlashFull: there is no room, and nothing changed."""
        self.store.append(list(group))
        for entry in group:
            self._count(entry.meter)
            if entry.kind == kinds.KEY_CHANGE:
                self.keys[entry.meter] = self._key_in_force(entry.meter)

    def changes(self, channel: int) -> int:
        """How many entries since the start were about this meter, or about the gateway with all of its meters."""
        return self._changes[channel]

    def _count(self, meter):
        for channel in self._changes:
            if meter in (channel, kinds.GATEWAY):
                self._changes[channel] += 1

    def has_room(self) -> bool:
        """Whether entries may be written with more room left than what is kept for tokens and valve motions."""
        return not self.recovery and self.store.free() > SPACE_FOR_TOKENS

    def mark_time(self) -> None:
        """While the time is not known, keep how far the clock has come."""
        if self.clock.quality() == kinds.TIME_UNKNOWN:
            self._time_mark.keep(self.clock.now())

    def journal(self) -> None:
        """Make the registers durable outside the ledger; where flash refuses, they wait for the next time."""
        if all(one.durable_ml == one.volume_ml for one in self.registers.values()):
            return
        try:
            self._journal.save(register.encode_journal(self.settings.epoch, self.registers))
        except OSError:
            return
        for channel in self.registers:
            self.registers[channel].made_durable()

    def _open_lost_meters(self):
        """A ledger that lost its opening is in RECOVERY; metering goes on from the enrolment's figures."""
        for channel in self.settings.meters:
            if channel not in self.state.meters:
                self.store.damage = self.store.damage or "the ledger is lost"  # its first group opens every meter
                meter = MeterState(channel)
                settings = self.settings.meters[channel]
                meter.register = settings.opening_register
                meter.pots[kinds.TOKEN_CREDIT] = max(settings.opening_balance, 0)
                meter.pots[kinds.ACCUMULATED_DEBT] = max(-settings.opening_balance, 0)
                meter.mode, meter.group = settings.mode, settings.group
                self.state.meters[channel] = meter

    def _key_in_force(self, channel):
        """The key that the ledger names, from its slot or from the enrolment."""
        settings = self.settings.meters[channel]
        meter = self.meter(channel)
        decoder_key = self.key_slots.find(channel, meter.key_check)
        if decoder_key is not None:
            if not self.recovery:
                self.key_slots.settle(channel, meter.key_check)
            return MeterKey(decoder_key, settings, meter)
        if settings.key_check != meter.key_check and not self.recovery:
            self.enter_recovery("a decoder key is lost")
        return MeterKey(settings.decoder_key, settings, meter)

    def _start_registers(self):
        """Where each register stood: the later of ledger and journal."""
        data = self._journal.load()
        journal = register.decode_journal(self.settings.epoch, data) if data is not None else {}
        registers = {}
        for channel in self.channels():
            volume_ml = max(self.meter(channel).register, journal.get(channel, 0))
            pulse_volume_ml = self.meter(channel).pulse_volume_ml or self.settings.meters[channel].pulse_volume_ml
            registers[channel] = register.Register(pulse_volume_ml, volume_ml)
        return registers

    def _take_counted(self):
        """Add what was counted while the gateway itself could not run; a power cut may take it, never double it."""
        if not self.flash.has("counted-a") and not self.flash.has("counted-b"):
            return
        from firmware import last_resort  # late: it is seldom needed

        for channel, pulses in enumerate(last_resort.kept(self.flash)):
            if channel in self.registers:
                self.registers[channel].take(pulses)
        last_resort.forget(self.flash)
        self.journal()


def _recorded(flash, epoch):
    """Why this epoch is in RECOVERY, as an earlier start noted it."""
    try:
        data = flash.read("recovery")
    except OSError:
        return ""
    return data[2:].decode() if int.from_bytes(data[:2], "big") == epoch else ""


__all__ = ["FIRMWARE_VERSION", "Core", "FlashFull"]
