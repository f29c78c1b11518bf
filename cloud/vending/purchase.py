"""What a purchase comes to, as pure integers: the debt's share first, the month's charges, then volume; the rest stays.

A trial and a sale ask the same function, so they cannot differ.
"""

from dataclasses import dataclass

from cloud.errors import Refused
from cloud.tariffs import rules as tariff_rules
from cloud.tariffs.rules import Bill, Month
from cloud.tariffs.terms import Terms
from cloud.vending import rules
from cloud.vending.rules import Cost, Quote, Settlement
from shared.top_up import Shares, lines


@dataclass(frozen=True)
class Debt:
    """What is owed in instalments, the share of a payment that it takes, and what it may still take this month."""

    owed_minor: int = 0
    percent: int = 0
    cap_left_minor: int = 0


@dataclass(frozen=True)
class Wanted:
    """A volume, or, with None, as much as the money buys; the money that is paid, or None for what the volume needs;
    whether what is over is kept."""

    volume_ml: int | None
    tender_minor: int | None
    keep_change: bool


@dataclass(frozen=True)
class Standing:
    """Where the buyer stands: the terms in force, the month, the account, the debt, and what a token may carry.

    `balance_minor` None: there is no account, so nothing can be kept and nothing is owed.
    """

    terms: Terms
    month: Month
    token_max_ml: int
    balance_minor: int | None
    debt: Debt = Debt()
    min_service_percent: int = 0


@dataclass(frozen=True)
class Plan:
    """A purchase that can be made: the money, its tokens, its bill, and where the money goes."""

    tender_minor: int
    quote: Quote
    bill: Bill
    settled: Settlement


def plan(wanted: Wanted, standing: Standing) -> Plan:
    """Return what the purchase comes to; Refused says what is missing, and changes nothing."""
    assert wanted.volume_ml is not None or wanted.tender_minor is not None, "a volume or money is asked for"
    terms, month = standing.terms, standing.month

    def cost(volume_ml: int) -> int:
        return tariff_rules.volume_minor(terms, month.before_ml, volume_ml)

    fixed = tariff_rules.bill(terms, month, 0).fixed_taxed_minor
    volume_ml = wanted.volume_ml
    if volume_ml is None:
        volume_ml = _bought_ml(wanted.tender_minor or 0, standing, cost, fixed)
    else:
        _check_minimum(terms, cost(volume_ml))
    quoted = rules.quote(volume_ml, cost, standing.token_max_ml)
    billed = tariff_rules.bill(terms, month, quoted.volume_ml)
    assert billed.volume_minor == quoted.amount_minor, "the bill and the tokens are priced alike"
    tender, settled = _settle(wanted, standing, quoted, billed)
    return Plan(tender, quoted, billed, settled)


def _bought_ml(tender: int, standing: Standing, cost: Cost, fixed: int) -> int:
    """As much as the money buys that the debt and the fixed charge leave; in whole units of a token."""
    left = service_minor(tender, standing) + (standing.balance_minor or 0) - fixed
    unit, most_ml = rules.TOKEN_UNIT_ML, rules.sale_max_ml(standing.token_max_ml)
    if left < 0 or cost(unit) > left:
        raise _too_small(tender, standing, cost(unit), fixed)
    _check_minimum(standing.terms, left)
    # One unit more than a sale carries: money that buys that is too much, and quote() says so.
    most = most_ml // unit + 1
    return unit * tariff_rules.most_units(standing.terms, standing.month.before_ml, left, unit, most)


def _too_small(tender: int, standing: Standing, unit_minor: int, fixed: int) -> Refused:
    debt = tender - service_minor(tender, standing)
    goes = [f"{debt} go to the debt"] if debt else []
    goes += [f"{fixed} to the month's fixed charge"] if fixed else []
    takes = f"; of it {' and '.join(goes)}" if goes else ""
    money = tender + (standing.balance_minor or 0)
    least = f"the smallest token costs {unit_minor}"
    return Refused("purchase_too_small", f"There are {money} minor units{takes}; {least}. Pay more.")


def _check_minimum(terms: Terms, left_minor: int) -> None:
    if left_minor < terms.minimum_minor:
        least = f"the least purchase is {terms.minimum_minor} minor units of volume with taxes"
        raise Refused("purchase_too_small", f"{left_minor} minor units are left for volume; {least}. Buy more.")


def service_minor(paid_minor: int, standing: Standing) -> int:
    """What is left of a payment when the debt has taken its share; more money never leaves less."""
    return service_of(paid_minor, standing.debt, standing.min_service_percent)


def service_of(paid_minor: int, debt: Debt, min_service_percent: int) -> int:
    """The same, by the debt and by the least share of each payment that buys service."""
    if paid_minor == 0 or debt.owed_minor == 0:
        return paid_minor
    shares = Shares(debt.percent, debt.cap_left_minor, 0, 0, min_service_percent)
    return lines(paid_minor, debt.owed_minor, 0, 0, shares)[3]


def _payment_for(service: int, standing: Standing) -> int:
    """The smallest payment that leaves this much."""
    low, high = service, service + standing.debt.owed_minor
    while low < high:
        middle = (low + high) // 2
        if service_minor(middle, standing) >= service:
            high = middle
        else:
            low = middle + 1
    return low


def _settle(wanted: Wanted, standing: Standing, quoted: Quote, billed: Bill) -> tuple[int, Settlement]:
    """The account pays first. The debt takes its share of what is paid and not handed back, and of nothing twice."""
    fixed = billed.fixed_taxed_minor
    price = quoted.amount_minor + fixed
    from_account = min(standing.balance_minor or 0, price)
    due = price - from_account
    tender = _payment_for(due, standing) if wanted.tender_minor is None else wanted.tender_minor
    spent = tender
    if wanted.volume_ml is not None and not wanted.keep_change:
        rounded_off = quoted.asked_minor - quoted.amount_minor
        spent = min(tender, _payment_for(due + rounded_off, standing))
    service = service_minor(spent, standing)
    if service < due:
        raise _short(tender, standing, quoted, _payment_for(due, standing), fixed)
    kept, change = service - due, tender - spent
    if standing.balance_minor is None:
        kept, change = 0, change + kept
    taxes = tuple((tax.kind, tax.on, tax.amount_minor) for tax in billed.taxes)
    return tender, Settlement(from_account, kept, change, quoted.amount_minor, fixed, spent - service, taxes)


def _short(tender: int, standing: Standing, quoted: Quote, needed: int, fixed: int) -> Refused:
    price = f"{quoted.volume_ml} ml cost {quoted.amount_minor} minor units"
    price += f", the month's fixed charge {fixed}" if fixed else ""
    price += f", and with the debt's share {needed} must be paid" if standing.debt.owed_minor else ""
    paid = f"{tender} were tendered and {standing.balance_minor or 0} are on the account"
    return Refused("tender_short", f"{price}; {paid}.")
