"""What a sale, a void and a token's arrival at its meter are in the books, as pure entries."""

from collections.abc import Sequence

from cloud.books import rules as books
from cloud.books.rules import Draft
from cloud.tariffs.terms import FIXED, VOLUME
from cloud.vending.models import Vend
from cloud.vending.rules import Settlement
from cloud.vending.sale_models import PaymentDebt

SALE, VOID, CREDIT = "sale", "void", "credit"
USED, KEPT = "used", "kept"


def sale_key(purchase_id: str) -> str:
    """Return the key under which the entry of a purchase stands."""
    return f"{SALE}:{purchase_id}"


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


def void(vend: Vend, commodity: str) -> Draft:
    """Return the entry of a token that was burnt unused: its price is the customer's again."""
    assert vend.customer_id is not None, "only a vend with a customer is voided"
    account = books.customer(vend.customer_id, vend.currency)
    lines = [
        (books.refunds(commodity, vend.currency), vend.amount_minor, VOID),
        (account, -vend.amount_minor, VOID),
        *_volume(books.in_flight(commodity), books.void(commodity), vend.volume_ml, VOID),
    ]
    return _draft(vend, f"{VOID}:{vend.id}", VOID, f"part {vend.part}, TID {vend.tid} burnt", lines)


def credit(vend: Vend, commodity: str) -> Draft:
    """Return the entry of a token that its meter took in."""
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
    if settled.debt_minor:
        assert first.customer_id is not None, "only a customer owes"
        lines.append((books.debt(first.customer_id, currency), -settled.debt_minor, "instalment"))
    return lines


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
