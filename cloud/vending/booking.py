"""What a sale, a void and a token's arrival at its meter are in the books, as pure entries."""

from collections.abc import Sequence

from cloud.books import rules as books
from cloud.books.rules import Draft
from cloud.tariffs.terms import FIXED, VOLUME
from cloud.vending.models import Vend
from cloud.vending.order import FREE
from cloud.vending.rules import Settlement
from cloud.vending.sale_models import PaymentDebt

SALE, VOID, CREDIT, CANCEL = "sale", "void", "credit", "cancel"
USED, KEPT = "used", "kept"


def sale_key(purchase_id: str) -> str:
    """Return the key under which the entry of a purchase stands."""
    return f"{SALE}:{purchase_id}"


def cancel_key(purchase_id: str) -> str:
    """Return the key under which the entry stands that undoes a purchase."""
    return f"{CANCEL}:{purchase_id}"


def sale(vends: Sequence[Vend], commodity: str, settled: Settlement) -> Draft:
    """Return the entry of a purchase: the tender is revenue, change, and what the account keeps; volume is owed."""
    first = vends[0]
    till = books.cash(first.tender_kind, first.currency)
    lines = [
        (till, first.tender_minor, "tender"),
        (till, -settled.change_minor, "change"),
        *_charges(first, commodity, settled),
        *_of_customer(first, settled),
        *_volume(books.issued(commodity), books.in_flight(commodity), sum(vend.volume_ml for vend in vends), SALE),
    ]
    return _draft(first, sale_key(first.purchase_id), SALE, f"tariff {first.tariff_id}", lines)


def money_sale(vends: Sequence[Vend], settled: Settlement) -> Draft:
    """Return the entry of a purchase of money for a meter: it is owed, with its taxes, until the meter has used it."""
    first = vends[0]
    till = books.cash(first.tender_kind, first.currency)
    lines = [
        (till, first.tender_minor, "tender"),
        (till, -settled.change_minor, "change"),
        (books.meter_money(first.currency), -settled.volume_minor, "credit"),
        *_instalment(first, settled),
        *_of_customer(first, settled),
    ]
    return _draft(first, sale_key(first.purchase_id), SALE, f"tariff {first.tariff_id}", lines)


def gift(vends: Sequence[Vend], commodity: str, reason: str) -> Draft:
    """Return the entry of tokens that nobody pays for: an expense in volume, or in money for a meter that holds it."""
    first = vends[0]
    free = books.free(commodity, first.currency if first.money is not None else books.UNITS[commodity])
    if first.money is None:
        given, lines = sum(vend.volume_ml for vend in vends), books.in_flight(commodity)
    else:
        given, lines = sum(vend.amount_minor for vend in vends), books.meter_money(first.currency)
    return _draft(first, sale_key(first.purchase_id), FREE, reason, _volume(free, lines, given, FREE))


def void(vend: Vend, commodity: str, taxes: Sequence[tuple[str, int]] = ()) -> Draft:
    """Return the entry of a token that was burnt unused: its price is the customer's again, its taxes are owed no more.

    What was given for nothing goes back to where it came from.
    """
    lines = _money_back(vend, commodity, taxes)
    if vend.money is None:
        lines += _volume(books.in_flight(commodity), books.void(commodity), vend.volume_ml, VOID)
    return _draft(vend, f"{VOID}:{vend.id}", VOID, f"part {vend.part}, TID {vend.tid} burnt", lines)


def _money_back(vend: Vend, commodity: str, taxes: Sequence[tuple[str, int]]) -> "list[_Wanted]":
    currency, price = vend.currency, vend.amount_minor
    if vend.tender_kind == FREE:
        return _volume(books.meter_money(currency), books.free(commodity, currency), price, VOID)
    if price == 0:
        return []
    assert vend.customer_id is not None, "only a vend with a customer is voided"
    given_up = price - sum(amount for _, amount in taxes)
    from_whom = books.refunds(commodity, currency) if vend.money is None else books.meter_money(currency)
    returned = [(books.tax(kind, currency), amount, VOID) for kind, amount in taxes]
    return [(from_whom, given_up, VOID), *returned, (books.customer(vend.customer_id, currency), -price, VOID)]


def credit(vend: Vend, commodity: str) -> Draft:
    """Return the entry of a token of volume that its meter took in; money is owed before and after that alike."""
    assert vend.money is None, "money is owed until it is used"
    lines = _volume(books.in_flight(commodity), books.meter_credit(commodity), vend.volume_ml, CREDIT)
    return _draft(vend, f"{CREDIT}:{vend.id}", CREDIT, f"part {vend.part}, TID {vend.tid} accepted", lines)


_Wanted = tuple[books.Account, int, str]


def _charges(first: Vend, commodity: str, settled: Settlement) -> list[_Wanted]:
    """Price and fixed charge without their taxes, each kind of tax by itself, and the instalment of a debt."""
    currency = first.currency
    taxed = {line: sum(amount for _, on, amount in settled.taxes if on == line) for line in (VOLUME, FIXED)}
    lines = [
        (books.revenue(commodity, currency), taxed[VOLUME] - settled.volume_minor, "price"),
        (books.fees(currency), taxed[FIXED] - settled.fixed_minor, "fixed"),
    ]
    lines += [(books.tax(kind, currency), -amount, f"tax {on}") for kind, on, amount in settled.taxes]
    return lines + _instalment(first, settled)


def _instalment(first: Vend, settled: Settlement) -> list[_Wanted]:
    if not settled.debt_minor:
        return []
    assert first.customer_id is not None, "only a customer owes"
    return [(books.debt(first.customer_id, first.currency), -settled.debt_minor, "instalment")]


def debt_moved(row: PaymentDebt, amount_minor: int, what: str, reason: str) -> Draft:
    """Return the entry that opens a debt, or, with less than nothing, writes off what is left of one."""
    moved = [(books.debt(row.customer_id, row.currency), amount_minor, what)]
    moved.append((books.Account("debts_opened", row.currency, books.INCOME), -amount_minor, what))
    return Draft(row.utility_id, f"debt:{row.id}:{what}", "debt", f"debt:{row.id}", reason, books.lines(*moved))


def _of_customer(first: Vend, settled: Settlement) -> list[_Wanted]:
    if first.customer_id is None:
        return []
    account = books.customer(first.customer_id, first.currency)
    return [(account, settled.from_account_minor, USED), (account, -settled.to_account_minor, KEPT)]


def _volume(owing: books.Account, to: books.Account, volume_ml: int, what: str) -> list[_Wanted]:
    return [(owing, volume_ml, what), (to, -volume_ml, what)]


def _draft(vend: Vend, key: str, kind: str, reason: str, lines: Sequence[_Wanted]) -> Draft:
    return Draft(vend.utility_id, key, kind, vend.purchase_id, reason, books.lines(*lines))
