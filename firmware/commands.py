"""Carries out signed commands: each at most once, in order, never after expiry, never unsigned.

What is not authentic, not for this start, or not next leaves no trace. What is carried out, also in vain, is one
COMMAND entry in one group with its effect.
"""

from firmware.document_commands import DOCUMENTS, DocumentCommands
from firmware.ledger.store import FlashFull
from firmware.meter_commands import MeterCommands
from shared import documents, kinds
from shared.checks import COMMAND_JUMP_MAX
from shared.command_results import BAD_PAYLOAD, DONE, NO_METER, NO_SLOTS, OTHER_KEY, UNKNOWN_KIND
from shared.compat import const
from shared.ed25519 import verify_steps
from shared.errors import WireError

_TOKEN_LIMIT = 1 << 66
_ENTRIES = const(4)  # of a command as a rule: its own, its effect, and what flowed before it


class CommandError(Exception):
    """A command that is not carried out and leaves no entry; the message is one line for the log."""


class Commands:
    """Verifies and carries out. `desk` is the TokenDesk."""

    def __init__(self, core, desk, boot_nonce: bytes) -> None:
        self._core = core
        self._desk = desk
        self._boot_nonce = boot_nonce
        self._documents = DocumentCommands(core)
        self._meters = MeterCommands(core)
        self._update_desk = None  # gives the desk of updates, on a board with slots

    def take_updates(self, desk) -> None:
        """desk() is what commands for updates go to (firmware/updates.py)."""
        self._update_desk = desk

    def run_steps(self, data: bytes, now_ms: int):
        """Generator in slices; returns (kind, result code). CommandError: it was not carried out.

        The cheap checks come first, and again after all that takes long: another command may have come between.
        """
        self._documents.give_up()  # of a command whose task was abandoned
        document, signature = documents.split_signature(data)
        command = documents.COMMAND.decode(document)
        self._check(command)
        genuine = yield from verify_steps(self._core.settings.command_public, document, signature)
        if not genuine:
            raise CommandError("the command's signature is wrong")
        try:
            code, payload = yield from self._prepare(command)
            if code == DONE:
                yield from self._settle_steps(command["kind"], payload, now_ms)
            yield from self._core.store.make_way_steps(_ENTRIES)
            self._check(command)
            return self._carry_out(command, code, payload, now_ms)
        except (FlashFull, OSError):
            self._documents.give_up()
            raise CommandError("no room on flash for command {}".format(command["counter"]))
        except CommandError:
            self._documents.give_up()
            raise

    def _check(self, command):
        core = self._core
        who = (command["utility"], command["gateway"], command["epoch"])
        if who != (core.settings.utility, core.settings.gateway, core.settings.epoch):
            raise CommandError("the command is for another gateway or epoch")
        if core.recovery:
            raise CommandError("no commands in RECOVERY")
        last = core.state.command_counter
        if not 0 < command["counter"] - last <= COMMAND_JUMP_MAX or command["previous"] != last:
            raise CommandError("command {} does not follow {}".format(command["counter"], last))
        if command["expires_s"] <= core.clock.now():
            raise CommandError("command {} has expired".format(command["counter"]))
        if core.clock.quality() == kinds.TIME_UNKNOWN and command["boot_nonce"] != self._boot_nonce:
            raise CommandError("command {} is not for this start".format(command["counter"]))

    def _prepare(self, command):
        """What takes long: (result code or DONE, what was read of the payload)."""
        kind = command["kind"]
        try:
            if kind in DOCUMENTS:
                return (yield from self._documents.read_steps(kind, command["payload"], command["counter"]))
            if kind == documents.COMMAND_TOKEN:
                return DONE, documents.TOKEN_PAYLOAD.decode(command["payload"])
            if kind == documents.COMMAND_UPDATE:
                return (yield from self._read_update(command["payload"]))
            layout = self._meters.layout(kind)
            if layout is not None:
                return DONE, layout.decode(command["payload"])
        except WireError:
            return BAD_PAYLOAD, None
        return UNKNOWN_KIND, None

    def _settle_steps(self, kind, payload, now_ms):
        """What is about every meter finds most of it charged."""
        if kind in DOCUMENTS:
            yield from self._core.settle_steps(self._core.channels(), now_ms)
        elif self._meters.layout(kind) is not None:
            yield from self._core.settle_steps(self._meters.channels(kind, payload["channel"]), now_ms)

    def _read_update(self, payload):
        if self._update_desk is None:
            return NO_SLOTS, None
        return (yield from self._update_desk().read_steps(payload))

    def _updates(self):
        assert self._update_desk is not None, "without slots no update is read"
        return self._update_desk()

    def _carry_out(self, command, code, payload, now_ms):
        kind = command["kind"]
        effects = []
        if code == DONE:
            code, effects = self._effects(command, payload, now_ms)
        self._append(command, code, effects)
        if code == DONE and kind == documents.COMMAND_UPDATE:
            self._updates().took_effect()
        elif code == DONE and kind in DOCUMENTS:
            self._documents.took_effect(payload)
        elif code == DONE:
            self._meters.took_effect(kind, payload)
        return kind, code

    def _effects(self, command, payload, now_ms):
        """(result code, entries that carry it out), the figures charged up to now. FlashFull: there is no room."""
        kind = command["kind"]
        if kind == documents.COMMAND_TOKEN:
            return self._token(payload, now_ms)
        if kind in DOCUMENTS:
            return DONE, self._documents.effects(payload, now_ms)
        if kind == documents.COMMAND_UPDATE:
            return self._updates().effects(payload, command["counter"], command["issued_s"])
        return self._meters.effects(kind, payload, command["counter"], now_ms)

    def _append(self, command, code, effects):
        core = self._core
        detail = command["kind"] << 8 | code
        core.append(
            core.entry(kinds.COMMAND, rule=kinds.RULE_COMMAND, detail=detail, reference_a=command["counter"]), *effects
        )

    def _token(self, payload, now_ms):
        core = self._core
        channel = payload["channel"]
        if channel not in core.state.meters:
            return NO_METER, []
        if payload["key_check"] != core.meter(channel).key_check:
            return OTHER_KEY, []
        if payload["token"] >= _TOKEN_LIMIT:
            return BAD_PAYLOAD, []
        return self._desk.remote(channel, "{:020d}".format(payload["token"]), now_ms)
