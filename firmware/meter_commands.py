"""Commands that act on meters: how one is charged, what the valve may do, a balance set right, the volume of a pulse.

Each is decided from figures that are charged up to now; the entries stand in one group with that of the command.
"""

from firmware.documents import GROUPS_MAX
from firmware.ledger.store import FlashFull
from shared import documents, kinds
from shared.command_results import (
    BAD_PAYLOAD,
    BAD_TIME,
    BELOW_ZERO,
    DONE,
    NO_METER,
    NO_POLICY,
    NO_TARIFF,
    NOT_EMPTY,
    OF_CUSTOMER,
    OVER_LIMIT,
    TOO_MANY_GROUPS,
)
from shared.compat import const

UNTIL_MAX_S = const(2678400)  # 31 days: nothing that is time-boxed lasts longer
_AMOUNT_LIMIT = 1 << 47
_PULSE_MAX_ML = const(100000000)  # 100 m3: a register of pulses that large still lasts for two million of them
_LAYOUTS = {
    documents.COMMAND_MODE: documents.MODE_PAYLOAD,
    documents.COMMAND_CONTROL: documents.CONTROL_PAYLOAD,
    documents.COMMAND_ADJUST: documents.ADJUST_PAYLOAD,
    documents.COMMAND_FACTOR: documents.FACTOR_PAYLOAD,
}
_OPERATORS = (
    kinds.CONTROL_DISCONNECT,
    kinds.CONTROL_CONNECT,
    kinds.CONTROL_ARM,
    kinds.CONTROL_SAFETY,
    kinds.CONTROL_SAFETY_OVER,
    kinds.CONTROL_OPEN_ALL,
)
_TIMED = (kinds.CONTROL_SAFETY, kinds.CONTROL_OPEN_ALL)


class MeterCommands:
    """effects() decides, took_effect() follows once the entries are durable."""

    def __init__(self, core) -> None:
        self._core = core
        self._handlers = {
            documents.COMMAND_MODE: self._mode,
            documents.COMMAND_CONTROL: self._control,
            documents.COMMAND_ADJUST: self._adjust,
            documents.COMMAND_FACTOR: self._factor,
        }

    def layout(self, kind: int):
        """The Layout of the payload of a kind, or None for a kind that is not known here."""
        return _LAYOUTS.get(kind)

    def effects(self, kind: int, payload: dict, counter: int, now_ms: int) -> tuple:  # type: ignore[type-arg]
        """(result code, entries). FlashFull: there is no room."""
        core = self._core
        channels = self.channels(kind, payload["channel"])
        if not channels:
            return NO_METER, []
        if kind != documents.COMMAND_CONTROL and not core.has_room():  # a valve may always be closed for safety
            raise FlashFull
        for channel in channels:
            core.settle(channel, now_ms)
        return self._handlers[kind](channels, payload, counter)

    def took_effect(self, kind: int, payload: dict) -> None:  # type: ignore[type-arg]
        """The entries are durable."""
        if kind == documents.COMMAND_FACTOR:
            self._core.registers[payload["channel"]].set_factor(payload["pulse_volume_ml"])

    def channels(self, kind: int, channel: int) -> "list[int]":
        """The meters that a command names: one, all, or none."""
        channels = self._core.channels()
        if channel == kinds.GATEWAY and kind == documents.COMMAND_CONTROL:
            return channels
        return [channel] if channel in channels else []

    def _mode(self, channels, payload, _counter):
        core = self._core
        meter = core.meter(channels[0])
        mode, group = payload["mode"], payload["group"]
        refused = self._mode_refused(meter, mode, group)
        if refused:
            return refused, []
        rule = kinds.RULE_COMMAND
        entries = [core.entry(kinds.MODE, meter.channel, rule, mode, reference_a=group)]
        if mode & kinds.MODE_CURRENCY:
            tariff = core.documents.tariff_to_join(group, core.clock.now())
            if tariff is None or (group == meter.group and tariff.version < meter.tariff_version):
                return NO_TARIFF, []
            if group != meter.group or tariff.check != meter.tariff_check:
                entry = core.entry(kinds.TARIFF, meter.channel, rule, kinds.COUNTER_CONTINUE)
                entry.reference_a, entry.reference_b = tariff.version, tariff.check
                entries.append(entry)
        return DONE, entries

    def _mode_refused(self, meter, mode, group):
        """The reason not to change how a meter is charged, or 0."""
        if mode & ~kinds.MODE_BITS:
            return BAD_PAYLOAD
        if (mode ^ meter.mode) & kinds.MODE_CURRENCY and any(meter.pots):
            return NOT_EMPTY
        if not self._core.documents.has_policy(group):
            return NO_POLICY
        groups = {0, group}
        for channel in self._core.channels():
            if channel != meter.channel:
                groups.add(self._core.meter(channel).group)
        return TOO_MANY_GROUPS if len(groups) > GROUPS_MAX + 1 else 0

    def _control(self, channels, payload, _counter):
        core = self._core
        action, until_s = payload["action"], payload["until_s"]
        if not 1 <= action <= kinds.CONTROLS:
            return BAD_PAYLOAD, []
        if action not in _OPERATORS:
            return OF_CUSTOMER, []
        now_s = core.clock.now()
        if not now_s < until_s <= now_s + UNTIL_MAX_S if action in _TIMED else until_s:
            return BAD_TIME, []
        rule = kinds.RULE_COMMAND
        return DONE, [core.entry(kinds.CONTROL, channel, rule, action, reference_a=until_s) for channel in channels]

    def _adjust(self, channels, payload, counter):
        core = self._core
        meter = core.meter(channels[0])
        pot, delta = payload["pot"], payload["delta"]
        if not kinds.NO_POT < pot < kinds.POTS or not delta:
            return BAD_PAYLOAD, []
        refused = _out_of_bounds(pot, delta, meter.pots[pot] + delta, core.policy_of(meter.channel))
        if refused:
            return refused, []
        rule, detail = kinds.RULE_COMMAND, kinds.GRANT_ADJUSTMENT
        return DONE, [core.entry(kinds.GRANT, meter.channel, rule, detail, pot=pot, delta=delta, reference_a=counter)]

    def _factor(self, channels, payload, _counter):
        if not 0 < payload["pulse_volume_ml"] <= _PULSE_MAX_ML:
            return BAD_PAYLOAD, []
        volume_ml = payload["pulse_volume_ml"]
        return DONE, [self._core.entry(kinds.FACTOR, channels[0], kinds.RULE_COMMAND, reference_a=volume_ml)]


def _out_of_bounds(pot, delta, after, policy):
    """The reason why a pot may not hold so much, or 0. What was used of emergency credit is 0 or less."""
    if pot == kinds.EMERGENCY_CREDIT:
        return OVER_LIMIT if after > 0 else BELOW_ZERO if after < -_AMOUNT_LIMIT else 0
    if after < 0:
        return BELOW_ZERO if delta < 0 else 0  # an account may open below 0, and comes up step by step
    most = policy.max_meter_balance if pot != kinds.ACCUMULATED_DEBT else _AMOUNT_LIMIT - 1
    return OVER_LIMIT if after > most else 0
