"""The books as pure values: accounts by their codes, entries that balance, and the hash of what an entry says.

Amounts are integers in the account's unit; a debit is above zero, a credit below. Each unit sums to zero by itself, so
the book of money and the book of commodities never mix.
"""

import hashlib
import json
from collections import Counter
from dataclasses import dataclass

ASSET, LIABILITY, INCOME, EXPENSE = "asset", "liability", "income", "expense"
UNITS = {"water": "ml", "gas": "ml", "electricity": "mwh"}
"""The unit of each commodity: millilitres or milliwatt-hours."""


@dataclass(frozen=True)
class Account:
    """An account by its code, e.g. `cash` or `customer:7`; a floored one is owed by the utility, never below zero."""

    code: str
    unit: str
    kind: str
    floored: bool = False


@dataclass(frozen=True)
class Line:
    """A posting to be: `what` says in a word why the account moves, e.g. `tender`."""

    account: Account
    amount: int
    what: str


@dataclass(frozen=True)
class Draft:
    """An entry to be. `key` is of the event, so that a repeat is known; `subject` is what it was about."""

    utility_id: int
    key: str
    kind: str
    subject: str
    reason: str
    lines: tuple[Line, ...]


def cash(tender_kind: str, currency: str) -> Account:
    """Return where money of a kind arrives: the till for cash, else what the provider of that kind owes."""
    return Account("cash" if tender_kind == "cash" else f"clearing:{tender_kind}", currency, ASSET)


def customer(customer_id: int, currency: str) -> Account:
    """Return a customer's account, which the utility owes."""
    return Account(f"customer:{customer_id}", currency, LIABILITY, floored=True)


def revenue(commodity: str, currency: str) -> Account:
    """Return what was earned with a commodity."""
    return Account(f"revenue:{commodity}", currency, INCOME)


def refunds(commodity: str, currency: str) -> Account:
    """Return what was given back of what was earned."""
    return Account(f"refunds:{commodity}", currency, EXPENSE)


def tax(kind: str, currency: str) -> Account:
    """Return what is owed to the state of one tax."""
    return Account(f"tax:{kind}", currency, LIABILITY)


def fees(currency: str) -> Account:
    """Return what was earned with fixed charges."""
    return Account("fees", currency, INCOME)


def debt(customer_id: int, currency: str) -> Account:
    """Return what a customer owes the utility."""
    return Account(f"debt:{customer_id}", currency, ASSET)


def agent(agent_id: int, currency: str) -> Account:
    """Return the float of an agent: paid in before it is sold from, so it is owed and never below zero."""
    return Account(f"agent:{agent_id}", currency, LIABILITY, floored=True)


def bank(currency: str) -> Account:
    """Return the utility's money at its bank."""
    return Account("bank", currency, ASSET)


def suspense(unit: str) -> Account:
    """Return where stands what nobody could say more about yet."""
    return Account("suspense", unit, LIABILITY)


def issued(commodity: str) -> Account:
    """Return how much of a commodity was promised by tokens, in its unit."""
    return Account(f"issued:{commodity}", UNITS[commodity], EXPENSE)


def in_flight(commodity: str) -> Account:
    """Return how much is owed by tokens that no meter has shown yet."""
    return Account(f"in_flight:{commodity}", UNITS[commodity], LIABILITY)


def meter_credit(commodity: str) -> Account:
    """Return how much meters took in from tokens."""
    return Account(f"meter_credit:{commodity}", UNITS[commodity], LIABILITY)


def meter_money(currency: str) -> Account:
    """Return what money tokens and grants gave to meters, which the meters have not charged yet; taxes are inside."""
    return Account(f"meter_money:{currency}", currency, LIABILITY)


def free(commodity: str, unit: str) -> Account:
    """Return what was given to meters by tokens that nobody paid for: in its unit, or in money."""
    return Account(f"free:{commodity}", unit, EXPENSE)


def consumed(commodity: str) -> Account:
    """Return how much of a commodity meters charged, in its unit."""
    return Account(f"consumed:{commodity}", UNITS[commodity], INCOME)


def granted(commodity: str, unit: str) -> Account:
    """Return what meters were given that nobody paid for: free allowances and adjustments."""
    return Account(f"granted:{commodity}", unit, EXPENSE)


def cleared(commodity: str, unit: str) -> Account:
    """Return what tokens took from meters."""
    return Account(f"cleared:{commodity}", unit, INCOME)


def carried(commodity: str, unit: str) -> Account:
    """Return what meters brought along or left: what left one and did not come to another stands here."""
    return Account(f"carried:{commodity}", unit, ASSET)


def unexplained(commodity: str, unit: str) -> Account:
    """Return what stands on meters, and nothing allows it."""
    return Account(f"unexplained:{commodity}", unit, EXPENSE)


def void(commodity: str) -> Account:
    """Return how much was promised by tokens that were burnt unused."""
    return Account(f"void:{commodity}", UNITS[commodity], INCOME)


def lines(*wanted: tuple[Account, int, str]) -> tuple[Line, ...]:
    """Return the lines of an entry, without those that move nothing."""
    return tuple(Line(account, amount, what) for account, amount, what in wanted if amount)


def imbalance(draft: Draft) -> dict[str, int]:
    """Return what is left over by unit; empty for an entry that balances."""
    left: Counter[str] = Counter()
    for line in draft.lines:
        left[line.account.unit] += line.amount
    return {unit: amount for unit, amount in left.items() if amount}


def content_hash(draft: Draft) -> bytes:
    """Return 32 bytes over all that an entry says but its key: who repeats it, and when, may differ."""
    said = [[line.account.code, line.account.unit, line.amount, line.what] for line in draft.lines]
    fields = [draft.kind, draft.subject, draft.reason, said]
    return hashlib.sha256(json.dumps(fields, separators=(",", ":")).encode()).digest()
