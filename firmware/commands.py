"""Carries out signed commands: each at most once, in order, never after expiry, never unsigned.

What is not authentic, not for this start, or not next leaves no trace. What is carried out, also in vain, is one
COMMAND entry in one group with its effect.
"""

from firmware.ledger.store import FlashFull
from shared import documents, kinds
from shared.checks import COMMAND_JUMP_MAX
from shared.compat import const
from shared.ed25519 import verify_steps
from shared.errors import WireError
from shared.policy import check_value, decode_floor, decode_policy
from shared.wire import TAG_SIZE

# Result codes of the command layer; below 0x20 they are those of STS.
DONE = const(1)
UNKNOWN_KIND = const(0x20)
BAD_PAYLOAD = const(0x21)
BAD_SIGNATURE = const(0x22)
OLD_VERSION = const(0x23)
NO_METER = const(0x24)
OTHER_KEY = const(0x25)
OTHER_UTILITY = const(0x26)

_TOKEN_LIMIT = 1 << 66


class CommandError(Exception):
    """A command that is not carried out and leaves no entry; the message is one line for the log."""


class Commands:
    """Verifies and carries out. `desk` is the TokenDesk."""

    def __init__(self, core, desk, boot_nonce: bytes) -> None:
        self._core = core
        self._desk = desk
        self._boot_nonce = boot_nonce

    def run_steps(self, data: bytes, now_ms: int):
        """Generator in slices; returns (kind, result code). CommandError: it was not carried out.

        The cheap checks come first, and again after the verification: another command may have come between.
        """
        document, signature = documents.split_signature(data)
        command = documents.COMMAND.decode(document)
        self._check(command)
        genuine = yield from verify_steps(self._core.settings.command_public, document, signature)
        if not genuine:
            raise CommandError("the command's signature is wrong")
        code, payload = yield from self._prepare(command)
        self._check(command)
        return self._carry_out(command, code, payload, now_ms)

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
        core = self._core
        try:
            if kind == documents.COMMAND_TOKEN:
                return DONE, documents.TOKEN_PAYLOAD.decode(command["payload"])
            if kind == documents.COMMAND_POLICY:
                return (yield from _raised(command["payload"], core.settings.command_public, decode_policy))
            if kind == documents.COMMAND_FLOOR:
                return (yield from _raised(command["payload"], core.settings.floor_public, decode_floor))
        except WireError:
            return BAD_PAYLOAD, None
        return UNKNOWN_KIND, None

    def _carry_out(self, command, code, payload, now_ms):
        kind = command["kind"]
        entry = None
        try:
            if code == DONE and kind == documents.COMMAND_TOKEN:
                code, entry = self._token(payload, now_ms)
            elif code == DONE:
                code, entry = self._document(kind, payload)
            self._append(command, code, entry)
        except (FlashFull, OSError):
            raise CommandError("no room on flash for command {}".format(command["counter"]))
        if code == DONE and kind != documents.COMMAND_TOKEN:
            self._put_in_force(kind, payload[1])
        return kind, code

    def _append(self, command, code, entry):
        core = self._core
        detail = command["kind"] << 8 | code
        group = [core.entry(kinds.COMMAND, rule=kinds.RULE_COMMAND, detail=detail, reference_a=command["counter"])]
        if entry is not None:
            group.append(entry)
        core.append(*group)

    def _token(self, payload, now_ms):
        core = self._core
        channel = payload["channel"]
        if channel not in core.state.meters:
            return NO_METER, None
        if payload["key_check"] != core.meter(channel).key_check:
            return OTHER_KEY, None
        if payload["token"] >= _TOKEN_LIMIT:
            return BAD_PAYLOAD, None
        return self._desk.remote(channel, "{:020d}".format(payload["token"]), now_ms)

    def _document(self, kind, payload):
        """Keep a verified policy or floor beside the one in force; its entry puts it there."""
        core = self._core
        document, raised = payload
        policy = kind == documents.COMMAND_POLICY
        if int.from_bytes(document[TAG_SIZE : TAG_SIZE + 4], "big") != core.settings.utility:
            return OTHER_UTILITY, None
        if raised.version <= (core.state.policy_version if policy else core.state.floor_version):
            return OLD_VERSION, None
        if not core.has_room():
            raise FlashFull
        _keep(core.policy_files if policy else core.floor_files, document, core.policy if policy else core.floor)
        entry = core.entry(kinds.POLICY if policy else kinds.FLOOR, rule=kinds.RULE_COMMAND)
        entry.detail = raised.meter_group if policy else 0
        entry.reference_a, entry.reference_b = raised.version, raised.check
        return DONE, entry

    def _put_in_force(self, kind, raised):
        core = self._core
        if kind == documents.COMMAND_POLICY:
            core.policy = core.store.policy = raised
        else:
            core.floor = core.store.floor = raised


def _raised(payload, public, decode):
    """(DONE, (document, decoded)) of a signed policy or floor, or (reason, None)."""
    document, signature = documents.split_signature(payload)
    decoded = decode(document)
    genuine = yield from verify_steps(public, document, signature)
    return (DONE, (document, decoded)) if genuine else (BAD_SIGNATURE, None)


def _keep(files, document, in_force):
    """Write over the copy that is not in force."""
    keep = None
    for slot, data in files.copies():
        if check_value(data) == in_force.check:
            keep = slot
    files.save(document, keep)
