"""What a bill comes to, as pure integers: days and volumes in, lines out. The price is that of the tariff's own rules.

A bill is a row of stretches: days of one civil month under one version. Blocks and allowance count by month, through
all bills; the fixed charge is by the day, and a whole month of it is the month's charge, to the minor unit.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace

from cloud.tariffs import rules as tariff_rules
from cloud.tariffs.rules import Bill, Month, TaxLine
from cloud.tariffs.terms import VOLUME, Terms
from shared.civil import date_of, day_of, days_in_month, month_of

MINIMUM = "minimum"
_PERMILLE = 1000


@dataclass(frozen=True)
class Days:
    """Civil days of one month, the last one excluded."""

    from_day: int
    until_day: int

    @property
    def month(self) -> int:
        """Their month: year * 12 + month - 1."""
        return month_of(self.from_day)


@dataclass(frozen=True)
class SoFar:
    """What a month had before: by bills, and the fixed charge that purchases took for all of it.

    `volume_minor` is with taxes, `minimum_minor` what the minimum added, `days` how many days were billed.
    """

    volume_ml: int = 0
    volume_minor: int = 0
    fixed_minor: int = 0
    minimum_minor: int = 0
    days: int = 0
    bought_fixed_minor: int = 0


@dataclass(frozen=True)
class Charged:
    """A stretch with its price; `minimum_minor` is without the taxes in it, which stand behind those of `bill`."""

    days: Days
    bill: Bill
    minimum_minor: int
    minimum_taxes: tuple[TaxLine, ...]

    @property
    def taxes(self) -> tuple[TaxLine, ...]:
        """All taxes."""
        return self.bill.taxes + self.minimum_taxes

    @property
    def minimum_taxed_minor(self) -> int:
        """What the minimum added, with taxes."""
        return self.minimum_minor + sum(tax.amount_minor for tax in self.minimum_taxes)

    @property
    def total_minor(self) -> int:
        """All of it."""
        return self.bill.total_minor + self.minimum_taxed_minor


def month_days(month: int) -> Days:
    """Return the days of a month."""
    year, number = divmod(month, 12)
    first = day_of(year, number + 1, 1)
    return Days(first, first + days_in_month(year, number + 1))


def cut(from_day: int, until_day: int, changes: Sequence[int]) -> list[Days]:
    """Return days cut where a month begins, and at days from which other terms hold; one empty stretch for no day."""
    if from_day == until_day:
        return [Days(from_day, until_day)]
    edges = {from_day, until_day, *(day for day in changes if from_day < day < until_day)}
    month = month_of(from_day)
    while (begin := month_days(month).until_day) < until_day:
        edges.add(begin)
        month += 1
    ordered = sorted(edges)
    return [Days(begin, end) for begin, end in itertools.pairwise(ordered)]


def charge(terms: Terms, days: Days, volume_ml: int, before: SoFar, *, closes: bool) -> Charged:
    """Return what a stretch costs; with `closes` no further bill of the month follows, so its minimum falls due."""
    fixed = _fixed_minor(terms, days, before)
    owed = replace(terms, fixed_month_minor=before.fixed_minor + fixed)
    billed = tariff_rules.bill(owed, Month(before.volume_ml, before.fixed_minor), volume_ml)
    lacking = _lacking_minor(terms, days, before, billed) if closes else 0
    net, taxes = _within(terms, lacking)
    return Charged(days, billed, net, taxes)


def after(before: SoFar, charged: Charged) -> SoFar:
    """Return what the month has had when a stretch is billed."""
    return replace(
        before,
        volume_ml=before.volume_ml + charged.bill.volume_ml,
        volume_minor=before.volume_minor + charged.bill.volume_minor,
        fixed_minor=before.fixed_minor + charged.bill.fixed_minor,
        minimum_minor=before.minimum_minor + charged.minimum_taxed_minor,
        days=before.days + charged.days.until_day - charged.days.from_day,
    )


def _share(month_minor: int, month: Days, day: int) -> int:
    """What of a month's charge falls on its days before `day`, rounded down: the last day takes what is left."""
    return month_minor * (day - month.from_day) // (month.until_day - month.from_day)


def _fixed_minor(terms: Terms, days: Days, before: SoFar) -> int:
    """The fixed charge of the days, less what purchases of the same month paid ahead for them."""
    month, whole = month_days(days.month), terms.fixed_month_minor
    begun = _share(whole, month, days.from_day)
    ahead = max(0, before.bought_fixed_minor - begun)
    return max(0, _share(whole, month, days.until_day) - begun - ahead)


def _lacking_minor(terms: Terms, days: Days, before: SoFar, billed: Bill) -> int:
    month = month_days(days.month)
    covered = before.days + days.until_day - days.from_day
    least = terms.minimum_minor * covered // (month.until_day - month.from_day)
    return max(0, least - before.volume_minor - before.minimum_minor - billed.volume_minor)


def _within(terms: Terms, gross_minor: int) -> tuple[int, tuple[TaxLine, ...]]:
    """What a sum with taxes is without them, and the taxes on volume in it."""
    raised = [tax for tax in terms.taxes if VOLUME in tax.on]
    whole = _PERMILLE + sum(tax.permille for tax in raised)
    taxes = tuple(TaxLine(tax.kind, tax.permille, MINIMUM, gross_minor * tax.permille // whole) for tax in raised)
    return gross_minor - sum(tax.amount_minor for tax in taxes), tuple(tax for tax in taxes if tax.amount_minor)


@dataclass(frozen=True)
class Open:
    """A bill that is not settled, by its number in the database and what is left of it."""

    bill_id: int
    left_minor: int


def allocate(money_minor: int, owed: Sequence[Open]) -> list[Open]:
    """Return what each of the bills takes of a payment, in their order; nothing stands for a bill that takes none."""
    taken: list[Open] = []
    for bill in owed:
        share = min(money_minor, bill.left_minor)
        if share > 0:
            taken.append(Open(bill.bill_id, share))
            money_minor -= share
    return taken


NONE, TRICKLE, DISCONNECT = "none", "trickle", "disconnect"


@dataclass(frozen=True)
class Steps:
    """What a policy lets follow: days after the due day, None for never, and the least sum that it is done for."""

    trickle_days: int | None
    disconnect_days: int | None
    floor_minor: int


def arrears(steps: Steps, overdue: Sequence[tuple[int, int]], today: int, *, critical_need: bool) -> str:
    """Return the level for overdue bills, each (due day, minor units left): a critical need is never limited.

    Only bills that are late enough for a level count towards the least sum.
    """
    if critical_need:
        return NONE
    for level, days in ((DISCONNECT, steps.disconnect_days), (TRICKLE, steps.trickle_days)):
        if days is None:
            continue
        late = sum(left for due_day, left in overdue if today - due_day >= days)
        if late > 0 and late >= steps.floor_minor:
            return level
    return NONE


def date_text(day: int) -> str:
    """Return a civil day as people of every country read it (ISO 8601)."""
    year, month, number = date_of(day)
    return f"{year:04d}-{month:02d}-{number:02d}"
