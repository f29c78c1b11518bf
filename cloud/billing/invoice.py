"""A bill on paper: from and to, each month with its registers, blocks, charges and taxes, and what is left to pay."""

import asyncio
from dataclasses import dataclass

from cloud.billing.document import Content, Stretch
from cloud.billing.models import Bill
from cloud.billing.rules import date_text
from cloud.notify.texts import minor_digits, money

_WORDS = {
    "en": {
        "bill": "Bill",
        "credit-note": "Credit note",
        "for": "For",
        "meter": "Meter",
        "issued": "Issued",
        "due": "To pay by",
        "class": "Tariff",
        "period": "{begin} to {end}",
        "registers": "Register at the beginning and the end",
        "late": "The register was read through {day}.",
        "carried": "Of it owed from prepayment",
        "volume": "Used",
        "block": "{volume} at {price} per {unit}",
        "free": "Of it free: {volume}",
        "fixed": "Fixed charge for {days} days",
        "minimum": "Up to the least charge of the month",
        "tax volume": "{kind} {rate} % on what was used",
        "tax fixed": "{kind} {rate} % on the fixed charge",
        "tax minimum": "{kind} {rate} % on the least charge",
        "sum": "Sum",
        "owed": "Owed at the meter from prepayment",
        "total": "Total",
        "left": "Left to pay",
    },
    "fr": {
        "bill": "Facture",
        "credit-note": "Avoir",
        "for": "Pour",
        "meter": "Compteur",
        "issued": "Émise le",
        "due": "À payer au plus tard le",
        "class": "Tarif",
        "period": "Du {begin} au {end}",
        "registers": "Index au début et à la fin",
        "late": "L'index a été relevé à la fin du {day}.",
        "carried": "Dont dû du prépaiement",
        "volume": "Consommé",
        "block": "{volume} à {price} par {unit}",
        "free": "Dont gratuit : {volume}",
        "fixed": "Redevance fixe pour {days} jours",
        "minimum": "Complément au minimum du mois",
        "tax volume": "{kind} {rate} % sur la consommation",
        "tax fixed": "{kind} {rate} % sur la redevance fixe",
        "tax minimum": "{kind} {rate} % sur le complément",
        "sum": "Somme",
        "owed": "Dû au compteur, du prépaiement",
        "total": "Total",
        "left": "Reste à payer",
    },
}


@dataclass(frozen=True)
class Invoice:
    """A bill, who sends it and to whom, on which civil day it was issued, and what is left of it."""

    seller: str
    customer: str
    bill: Bill
    content: Content
    issued_day: int
    left_minor: int


async def pdf(invoice: Invoice, language: str) -> bytes:
    """Return the bill as PDF, dated as it was issued; rendered beside the event loop."""
    return await asyncio.to_thread(_pdf, invoice, language)


def _pdf(invoice: Invoice, language: str) -> bytes:
    from cloud.reports.paper import Paper  # it comes with a large library

    words, bill, content = _WORDS[language], invoice.bill, invoice.content
    title = f"{words['bill' if bill.corrects_id is None else 'credit-note']} {bill.number}"
    paper = Paper(title, bill.issued_at)
    paper.add_page()
    paper.line_of(invoice.seller, 12, bold=True)
    paper.line_of(title, 16, bold=True)
    paper.pair(words["for"], invoice.customer)
    paper.pair(words["meter"], content.drn)
    paper.pair(words["class"], content.tariff)
    paper.pair(words["issued"], date_text(invoice.issued_day))
    if bill.corrects_id is None:
        paper.pair(words["due"], date_text(bill.due_day), bold=True)
    for part in content.stretches:
        paper.rule()
        for left, right, bold in _lines(part, content, words):
            paper.pair(left, right, bold=bold)
    paper.rule()
    if content.carried_minor:
        paper.pair(words["owed"], f"{_money(content.carried_minor, bill.currency)} {bill.currency}")
    paper.pair(words["total"], f"{_money(bill.total_minor, bill.currency)} {bill.currency}", 12, bold=True)
    if bill.corrects_id is None:
        paper.pair(words["left"], f"{_money(invoice.left_minor, bill.currency)} {bill.currency}", 12, bold=True)
    return paper.done()


def _lines(part: Stretch, content: Content, words: dict[str, str]) -> list[tuple[str, str, bool]]:
    """The lines of one stretch: label, value, and whether it is a heading or sum."""
    currency, unit = content.currency, content.commodity
    last = max(part.from_day, part.until_day - 1)
    period = words["period"].format(begin=date_text(part.from_day), end=date_text(last))
    registers = f"{_amount(part.from_register_ml, unit)} / {_amount(part.until_register_ml, unit)}"
    lines = [(period, "", True), (words["registers"], registers, False)]
    if part.read_day >= part.until_day and part.until_day != part.from_day:
        lines.append((words["late"].format(day=date_text(part.read_day)), "", False))
    lines.append((words["volume"], _amount(part.volume_ml, unit), False))
    if part.carried_ml:
        lines.append((words["carried"], _amount(part.carried_ml, unit), False))
    for block in part.blocks:
        volume, price = _amount(block.volume_ml, unit), _price(block.price_milliminor, currency)
        said = words["block"].format(volume=volume, price=price, unit=_unit(unit))
        lines.append((said, _money(block.amount_minor, currency), False))
        if block.free_ml:
            lines.append((words["free"].format(volume=_amount(block.free_ml, unit)), "", False))
    if part.fixed_minor:
        days = part.until_day - part.from_day
        lines.append((words["fixed"].format(days=days), _money(part.fixed_minor, currency), False))
    if part.minimum_minor:
        lines.append((words["minimum"], _money(part.minimum_minor, currency), False))
    for tax in [one for one in part.taxes if one.amount_minor]:
        rate = f"{tax.permille // 10}.{tax.permille % 10}"
        lines.append(
            (words[f"tax {tax.on}"].format(kind=tax.kind, rate=rate), _money(tax.amount_minor, currency), False)
        )
    return [*lines, (words["sum"], _money(part.total_minor, currency), True)]


def _money(amount_minor: int, currency: str) -> str:
    return ("-" if amount_minor < 0 else "") + money(abs(amount_minor), currency)


def _price(milliminor: int, currency: str) -> str:
    """A price with every decimal that it has beyond those of the currency."""
    places = minor_digits(currency) + 3
    whole, rest = divmod(milliminor, 10**places)
    least = minor_digits(currency)
    decimals = f"{rest:0{places}d}"
    kept = decimals[:least] + decimals[least:].rstrip("0")
    return f"{whole}.{kept}" if kept else str(whole)


def _amount(value: int, commodity: str) -> str:
    """ml as m3, mWh as kWh: both are millionths."""
    return f"{value // 1_000_000}.{value % 1_000_000 // 1000:03d} {_unit(commodity)}"


def _unit(commodity: str) -> str:
    return "kWh" if commodity == "electricity" else "m³"
