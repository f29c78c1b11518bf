"""Commands that bring a signed document: a policy or floor comes into force with its entry, a tariff waits for its day.

The document is kept beside the one in force before its entry is written; a cut between leaves what was in force.
"""

from firmware.ledger.store import FlashFull
from shared import documents, kinds
from shared.command_results import BAD_PAYLOAD, BAD_SIGNATURE, DONE, OLD_VERSION, OTHER_UTILITY, TOO_MANY_GROUPS
from shared.ed25519 import verify_steps
from shared.entries import Entry
from shared.fold import GROUPS_MAX
from shared.policy import Floor, Policy, decode_floor, decode_policy
from shared.tariff import Tariff, decode_tariff
from shared.wire import TAG_SIZE

DOCUMENTS = (documents.COMMAND_POLICY, documents.COMMAND_FLOOR, documents.COMMAND_TARIFF)


class DocumentCommands:
    """Reads and keeps, then puts in force what was read."""

    def __init__(self, core) -> None:
        self._core = core
        self._kept = ""  # the file of a tariff whose entry is still to be written

    def read_steps(self, kind: int, payload: bytes, counter: int):
        """Generator in slices; returns (DONE, what was read and kept) or (reason, None).

        WireError: it cannot be read. FlashFull or OSError: it cannot be kept.
        """
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
        refused = self._refused(document, decoded) if genuine else BAD_SIGNATURE
        if refused:
            return refused, None
        if not self._core.has_room():
            raise FlashFull
        yield from self._keep_steps(document, decoded, counter)
        return DONE, decoded

    def effects(self, decoded, now_ms: int) -> "list[Entry]":
        """The entries that put in force what was kept; none for a tariff, which waits. FlashFull: there is no room."""
        core = self._core
        if not core.has_room():
            raise FlashFull
        for channel in core.channels():
            core.settle(channel, now_ms)
        if isinstance(decoded, Tariff):
            return []
        policy = isinstance(decoded, Policy)
        entry = core.entry(kinds.POLICY if policy else kinds.FLOOR, rule=kinds.RULE_COMMAND)
        entry.detail = decoded.meter_group if policy else 0
        entry.reference_a, entry.reference_b = decoded.version, decoded.check
        return [entry]

    def took_effect(self, decoded) -> None:
        """The entries are durable."""
        self._kept = ""
        if isinstance(decoded, Tariff):
            self._core.documents.expect_tariff(decoded)
        else:
            self._core.documents.put_in_force(decoded)

    def give_up(self) -> None:
        """What was kept comes to nothing: there are no entries."""
        if self._kept:
            self._core.documents.forget_tariff(self._kept)
            self._kept = ""

    def _refused(self, document, decoded):
        """The reason not to take a document, or 0."""
        core = self._core
        if int.from_bytes(document[TAG_SIZE : TAG_SIZE + 4], "big") != core.settings.utility:
            return OTHER_UTILITY
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

    def _keep_steps(self, document, decoded, counter):
        kept = self._core.documents
        if isinstance(decoded, Tariff):
            self._kept = kept.place_of_tariff(decoded.meter_group)
            yield from kept.keep_tariff_steps(self._kept, document, counter)
        elif isinstance(decoded, Policy):
            yield from kept.keep_policy_steps(document, decoded)
        else:
            yield from kept.keep_floor_steps(document)
