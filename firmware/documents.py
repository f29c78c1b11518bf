"""Policies, floor and tariffs, by meter group: those in force, and the tariff to come, on flash as they were signed.

A new document never goes over a copy that the ledger names. What it names and is not found is lost: RECOVERY.
"""

from firmware.ledger.pair import Pair, with_check, without_check
from firmware.settings import load
from shared import kinds
from shared.compat import const
from shared.errors import SharedError, WireError
from shared.in_force import InForce
from shared.policy import Floor, check_value, decode_floor, decode_policy
from shared.tariff import decode_tariff
from shared.wire import Layout

GROUPS_MAX = const(4)  # meter groups of one gateway, beside group 0
KEPT = Layout(b"PSkept01", (("counter", "u4"), ("document", "v2")))
_SLOTS = "abc"  # a tariff in force, the next one, and room for the one after it
_TARIFF = "tariff-"
_RECENT = const(2)  # versions of a group that are kept in memory
_NO_SPACE = const(28)  # ENOSPC
_LOST = "a document in force is lost"


class GroupDocuments:
    """`floor` and policy(group) are in force; `known` has all that entries are judged by."""

    def __init__(self, flash, settings, state, enter_recovery, ledger_damaged: bool = False) -> None:
        """`settings` has the documents of the enrolment; enter_recovery(reason) is called where one is lost."""
        self._flash = flash
        self._settings = settings
        self._state = state
        self._tariffs = settings.tariffs()  # of the enrolment, then those that came by command
        self.known = InForce()
        self._enter_recovery = enter_recovery
        self._load_policies()
        self._load_floor(settings.floor(), ledger_damaged)
        self._load_tariffs(ledger_damaged)
        self._know()
        settings.forget_documents()

    def policy(self, group: int):
        """The Policy of a meter group: its own, or that of group 0; the lowest group's where there is none of 0."""
        return self._policies.get(group) or self._policies.get(0) or self._policies[min(self._policies)]

    def has_policy(self, group: int) -> bool:
        """Whether meters of a group have a policy, their own or that of group 0."""
        if group in self._state.policies and group not in self._policies:
            self._load_policy(group)
            self._know()
        return group in self._policies or 0 in self._policies

    def tariff(self, meter):
        """The Tariff in force for a meter's state, or None."""
        return self.known.tariffs.get((meter.tariff_version, meter.tariff_check))

    def newest_tariff(self, group: int):
        """The Tariff of a group with the highest version, in force or to come, or None."""
        return _newest([tariff for tariff in self._tariffs if tariff.meter_group == group])

    def tariff_due(self, meter, now_s: int):
        """The Tariff that is to come into force now for a meter's state, or None; MODE_CURRENCY is not asked for.

        One that was sent for later does not put off the one before it.
        """
        due = None
        for tariff in self._tariffs:
            ahead = tariff.meter_group == meter.group and tariff.version > meter.tariff_version
            if ahead and tariff.effective_from_s <= now_s and (due is None or tariff.version > due.version):
                due = tariff
        return due

    def tariff_to_join(self, group: int, now_s: int):
        """The Tariff for a meter that comes into a group: that of the others, or the newest in effect, or None."""
        in_use = self._checks_in_use()
        of_group = [tariff for tariff in self._tariffs if tariff.meter_group == group]
        return _newest([one for one in of_group if one.check in in_use or one.effective_from_s <= now_s])

    def groups(self) -> "set[int]":
        """The meter groups that documents are kept of, meters in them or not."""
        return set(self._state.policies).union([tariff.meter_group for tariff in self._tariffs])

    def keep_policy_steps(self, document: bytes, policy):
        """Write a verified policy beside its group's in force, as an iterator of steps. OSError: flash refuses."""
        group = policy.meter_group
        in_force = self._state.policies.get(group, (0, 0))[1]
        return _keep_steps(_policy_files(self._flash, group), document, in_force)

    def keep_floor_steps(self, document: bytes):
        """Write a verified floor beside the one in force, as an iterator of steps. OSError: flash refuses."""
        return _keep_steps(Pair(self._flash, "floor"), document, self.floor.check)

    def put_in_force(self, document) -> None:
        """A Policy or Floor whose entry is durable replaces the one before."""
        if isinstance(document, Floor):
            self.floor = document
        elif document.meter_group in self._groups_in_use():
            self._policies[document.meter_group] = document
        else:
            self._policies.pop(document.meter_group, None)  # read from flash when a meter comes into the group
        self._know()

    def place_of_tariff(self, group: int) -> str:
        """The file for a further tariff of a group; those in force and next keep theirs. OSError: there is none."""
        busy = self._checks_in_use()
        newest = self.newest_tariff(group)
        if newest is not None:
            busy.add(newest.check)
        for name in [_TARIFF + "{}-{}".format(group, slot) for slot in _SLOTS]:
            kept = self._read(name)
            if kept is None or kept[1].check not in busy or kept[0] > self._state.command_counter:
                return name
        raise OSError(_NO_SPACE)

    def keep_tariff_steps(self, name: str, document: bytes, counter: int):
        """Write a verified tariff into its file, as an iterator of steps. OSError: flash refuses.

        It counts from the entry of the command with this counter on.
        """
        return self._flash.rewrite_steps(name, [with_check(KEPT.encode(counter=counter, document=document))])

    def forget_tariff(self, name: str) -> None:
        """The entry of the command that brought the tariff in this file could not be written."""
        try:
            self._flash.remove(name)
        except OSError:
            pass  # what does not follow the ledger's last command is dropped at the next start

    def expect_tariff(self, tariff) -> None:
        """A tariff whose command is durable is the next one of its group."""
        self._tariffs.append(tariff)
        self._know()

    def _load_policies(self):
        """Those of the groups that meters are in; others stay on flash."""
        used = self._groups_in_use()
        self._policies = {}
        for group in self._state.policies:
            if group in used:
                self._load_policy(group)
        if not self._policies:  # the ledger lost its opening, or no meter's group has one
            for policy in self._settings.policies():
                self._policies[policy.meter_group] = policy

    def _load_policy(self, group):
        check = self._state.policies[group][1]
        first = self._first_policy(group)
        found = _find(first, _policy_files(self._flash, group), decode_policy, check)
        if found is None:
            self._enter_recovery(_LOST)
            found = first
        if found is not None:
            self._policies[group] = found

    def _first_policy(self, group):
        """That of the enrolment, or None; once the gateway runs its settings hold no documents, flash does."""
        try:
            settings = self._settings if self._settings.documents else load(self._flash)
        except SharedError:
            return None
        found = [policy for policy in settings.policies() if policy.meter_group == group] if settings else []
        return found[0] if found else None

    def _load_floor(self, first, ledger_damaged):
        """A ledger that lost its end may not know of the last floor; only a verified one was ever kept."""
        files = Pair(self._flash, "floor")
        check = self._state.floor_check
        found = _find(first, files, decode_floor, check) if check else first
        self.floor = first if found is None else found
        if found is None:
            self._enter_recovery(_LOST)
        if ledger_damaged:
            for _slot, data in files.copies():
                kept = _decoded(decode_floor, data)
                if kept is not None and kept.version > self.floor.version:
                    self.floor = kept

    def _load_tariffs(self, ledger_damaged):
        """Those that the ledger names, and those whose command it holds; what no command brought is dropped."""
        in_use = self._checks_in_use()
        for name in self._flash.names(_TARIFF):
            kept = self._read(name)
            if kept is not None and (kept[1].check in in_use or kept[0] <= self._state.command_counter):
                self._tariffs.append(kept[1])
            elif kept is not None and not ledger_damaged:
                self.forget_tariff(name)
        for check in in_use:
            if not [tariff for tariff in self._tariffs if tariff.check == check]:
                self._enter_recovery(_LOST)

    def _know(self):
        """Take what is in force, and the tariffs to come, for what entries are judged by."""
        in_use = self._checks_in_use()
        self._tariffs = [one for one in self._tariffs if one.check in in_use or self._is_recent(one)]
        for documents in (self.known.policies, self.known.floors, self.known.tariffs):
            documents.clear()
        for group in self._policies:
            self.known.add(self._policies[group])
        self.known.add(self.floor)
        for tariff in self._tariffs:
            self.known.add(tariff)

    def _is_recent(self, tariff):
        """Whether fewer than two of its group are newer."""
        newer = [one for one in self._tariffs if one.meter_group == tariff.meter_group and one.version > tariff.version]
        return len(newer) < _RECENT

    def _groups_in_use(self):
        """Group 0 and the groups that meters are in."""
        meters = self._state.meters
        return {0}.union([meters[channel].group for channel in meters])

    def _checks_in_use(self):
        """The check values of the tariffs that the ledger names."""
        meters = self._state.meters
        return {
            meters[channel].tariff_check
            for channel in meters
            if meters[channel].tariff_version and meters[channel].has(kinds.MODE_CURRENCY)
        }

    def _read(self, name):
        """(command counter, Tariff) of a file, or None."""
        try:
            fields = KEPT.decode(without_check(self._flash.read(name)))
            return fields["counter"], decode_tariff(fields["document"])
        except (OSError, WireError):
            return None


def _policy_files(flash, group):
    return Pair(flash, "policy-{}".format(group) if group else "policy")


def _keep_steps(files, document, check):
    """Write over the copy that is not in force, the one with another check value."""
    keep = None
    for slot, data in files.copies():
        if check_value(data) == check:
            keep = slot
    yield from files.save_steps([document], keep)


def _newest(tariffs):
    """The one with the highest version, or None."""
    newest = None
    for tariff in tariffs:
        if newest is None or tariff.version > newest.version:
            newest = tariff
    return newest


def _find(first, files, decode, check):
    """The document that a check value names: the enrolment's or a copy on flash; None when it is lost."""
    if first is not None and first.check == check:
        return first
    for _slot, data in files.copies():
        kept = _decoded(decode, data)
        if kept is not None and kept.check == check:
            return kept
    return None


def _decoded(decode, data):
    try:
        return decode(data)
    except WireError:
        return None
