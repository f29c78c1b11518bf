"""The first group of an epoch, from the bundle: OPEN, the documents in force, and each meter with its account.

A bundle that leaves a meter without a policy, or an account in currency without a tariff, opens nothing.
"""

from firmware.documents import GROUPS_MAX
from firmware.epoch import EnrolError
from shared import kinds
from shared.entries import Entry


def check(settings) -> None:
    """EnrolError unless each meter has a policy, and a tariff where it is charged by currency."""
    groups = [policy.meter_group for policy in settings.policies()]
    if len(set(groups)) != len(groups):
        raise EnrolError("the bundle holds two policies of one meter group")
    used = {0}.union(groups)
    for meter in settings.meters.values():
        used.add(meter.group)
        if meter.group not in groups and 0 not in groups:
            raise EnrolError("meter {}: there is no policy for meter group {}".format(meter.channel, meter.group))
        if meter.mode & kinds.MODE_CURRENCY and _first_tariff(settings, meter.group) is None:
            raise EnrolError(
                "meter {} is charged by currency, and the bundle has no tariff of meter group {} in effect".format(
                    meter.channel, meter.group
                )
            )
    if [tariff for tariff in settings.tariffs() if not tariff.is_payable()]:
        raise EnrolError("the bundle has a tariff whose prices no entry could hold")
    if len(used) > GROUPS_MAX + 1:
        raise EnrolError("{} meter groups beside group 0; at most {}".format(len(used) - 1, GROUPS_MAX))


def entries_of(settings) -> "list[Entry]":
    """OPEN, policies, floor, then for each meter METER, its MODE and its TARIFF: one group."""
    now_s = settings.issued_s
    rule = kinds.RULE_ENROLMENT
    group = [Entry(0, now_s, kinds.OPEN, rule=rule, detail=settings.previous_epoch, digest=settings.previous_head)]
    for policy in settings.policies():
        group.append(_document_entry(kinds.POLICY, policy, now_s, policy.meter_group))
    if settings.floor_document:
        group.append(_document_entry(kinds.FLOOR, settings.floor(), now_s, 0))
    for channel in sorted(settings.meters):
        group.extend(_opened(settings, settings.meters[channel]))
    return group


def _opened(settings, meter):
    """The entries that open one meter."""
    now_s = settings.issued_s
    quality = kinds.TIME_UNKNOWN
    rule = kinds.RULE_ENROLMENT
    entry = Entry(0, now_s, kinds.METER, meter.channel, kinds.TOKEN_CREDIT, quality, rule=rule)
    entry.detail = meter.krn << 8 | meter.ti
    if meter.opening_balance < 0:  # what the meter before it owed, less its credit
        entry.pot = kinds.ACCUMULATED_DEBT
    entry.delta = entry.balance = abs(meter.opening_balance)
    entry.register = meter.opening_register
    entry.reference_a = meter.tid_minimum
    entry.reference_b = meter.key_check
    group = [entry]
    if meter.mode or meter.group:
        entry = Entry(0, now_s, kinds.MODE, meter.channel, rule=rule, detail=meter.mode, reference_a=meter.group)
        entry.register = meter.opening_register
        group.append(entry)
    if meter.mode & kinds.MODE_CURRENCY:
        tariff = _first_tariff(settings, meter.group)
        assert tariff is not None, "check() refuses such a bundle"
        entry = Entry(0, now_s, kinds.TARIFF, meter.channel, rule=rule, detail=kinds.COUNTER_CONTINUE)
        entry.reference_a, entry.reference_b = tariff.version, tariff.check
        entry.register = meter.opening_register
        group.append(entry)
    return group


def _first_tariff(settings, meter_group):
    """The newest tariff of a meter group that is in effect when the bundle is issued, or None."""
    first = None
    for tariff in settings.tariffs():
        in_effect = tariff.meter_group == meter_group and tariff.effective_from_s <= settings.issued_s
        if in_effect and (first is None or tariff.version > first.version):
            first = tariff
    return first


def _document_entry(kind, document, now_s, detail):
    entry = Entry(0, now_s, kind, rule=kinds.RULE_ENROLMENT, detail=detail)
    entry.reference_a, entry.reference_b = document.version, document.check
    return entry
