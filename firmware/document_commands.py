"""Commands that bring a signed document: a policy or floor comes into force with its entry, a tariff waits for its day.

The document is kept beside the one in force before its entry is written; a cut between leaves what was in force.
"""

from firmware.ledger.store import FlashFull
from shared import documents, kinds
from shared.command_results import BAD_PAYLOAD, BAD_SIGNATURE, DONE, OLD_VERSION, OTHER_UTILITY, TOO_MANY_GROUPS
from shared.ed25519 import verify_steps
from shared.fold import GROUPS_MAX
from shared.policy import Floor, Policy, decode_floor, decode_policy
from shared.tariff import Tariff, decode_tariff
from shared.wire import TAG_SIZE

DOCUMENTS = (documents.COMMAND_POLICY, documents.COMMAND_FLOOR, documents.COMMAND_TARIFF)


class DocumentCommands:
    """Reads, keeps and puts in force. What was read travels as (document, decoded)."""

    def __init__(self, core) -> None:
        self._core = core
        self._kept = ""  # the file of a tariff whose entry is still to be written

    def read_steps(self, kind: int, payload: bytes):
        """Generator in slices; returns (DONE, (document, decoded)) or (reason, None). WireError: it cannot be read."""
        settings = self._core.settings
        document, signature = documents.split_signature(payload)
        if kind == documents.COMMAND_FLOOR:
            decoded, public = decode_floor(document), settings.floor_public
        elif kind == documents.COMMAND_POLICY:
            decoded, public = decode_policy(document), settings.command_public
        else:
            decoded, public = decode_tariff(document), settings.command_public
            if not decoded.is_payable():
                return BAD_PAYLOAD, None
        genuine = yield from verify_steps(public, document, signature)
        return (DONE, (document, decoded)) if genuine else (BAD_SIGNATURE, None)

    def effects(self, read: tuple, counter: int, now_ms: int) -> tuple:
        """(result code, entries). FlashFull or OSError: it cannot be kept."""
        core = self._core
        document, decoded = read
        if int.from_bytes(document[TAG_SIZE : TAG_SIZE + 4], "big") != core.settings.utility:
            return OTHER_UTILITY, []
        refused = self._refused(decoded)
        if refused:
            return refused, []
        if not core.has_room():
            raise FlashFull
        for channel in core.channels():
            core.settle(channel, now_ms)
        return DONE, self._kept_with_entries(document, decoded, counter)

    def took_effect(self, read: tuple) -> None:
        """The entries are durable."""
        decoded = read[1]
        self._kept = ""
        if isinstance(decoded, Tariff):
            self._core.documents.expect_tariff(decoded)
        else:
            self._core.documents.put_in_force(decoded)

    def give_up(self) -> None:
        """The entries could not be written."""
        if self._kept:
            self._core.documents.forget_tariff(self._kept)
            self._kept = ""

    def _refused(self, decoded):
        """The reason not to take a document, or 0."""
        core = self._core
        if isinstance(decoded, Floor):
            return OLD_VERSION if decoded.version <= core.state.floor_version else 0
        group = decoded.meter_group
        groups = core.documents.groups()
        if group not in groups and len(groups) >= GROUPS_MAX:
            return TOO_MANY_GROUPS
        if isinstance(decoded, Policy):
            return OLD_VERSION if decoded.version <= core.state.policies.get(group, (0, 0))[0] else 0
        newest = core.documents.newest_tariff(group)
        return OLD_VERSION if newest is not None and decoded.version <= newest.version else 0

    def _kept_with_entries(self, document, decoded, counter):
        """Keep a document beside the one in force; the entries that put it there."""
        core = self._core
        if isinstance(decoded, Tariff):
            self._kept = core.documents.keep_tariff(document, decoded, counter)
            return []
        policy = isinstance(decoded, Policy)
        if policy:
            core.documents.keep_policy(document, decoded)
        else:
            core.documents.keep_floor(document)
        entry = core.entry(kinds.POLICY if policy else kinds.FLOOR, rule=kinds.RULE_COMMAND)
        entry.detail = decoded.meter_group if policy else 0
        entry.reference_a, entry.reference_b = decoded.version, decoded.check
        return [entry]
