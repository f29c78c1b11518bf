"""CAMT.053, the statement of ISO 20022: credits that are booked, in one account's currency.

Read with the standard library's expat after its own refusal of document types: without those there is no entity, and so
nothing that grows or reaches out.
"""

from collections import Counter
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from cloud.errors import BadRequest
from cloud.payments import rules
from cloud.payments.providers import parse
from cloud.payments.statements import LINES_MAX, Line, digest_of


def read(content: str, currency: str, digits: int) -> list[Line]:
    """Return the money that came in; BadRequest for what is no statement, or is one in another currency."""
    if "<!DOCTYPE" in content.upper() or "<!ENTITY" in content.upper():
        raise BadRequest("xml_type", "A statement declares no document type; this file is none.")
    try:
        root = ElementTree.fromstring(content)  # noqa: S314  # no document type, so no entities
    except ElementTree.ParseError as error:
        raise BadRequest("xml_wrong", f"The statement is no XML: {error}.") from None
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]  # versions differ in the name space only, as far as we read
    if root.tag != "Document" or root.find("BkToCstmrStmt/Stmt") is None:
        raise BadRequest("camt_wrong", "This is no CAMT.053 statement; export it as camt.053.")
    entries = root.findall("BkToCstmrStmt/Stmt/Ntry")
    if len(entries) > LINES_MAX:
        raise BadRequest("statement_long", f"A statement has at most {LINES_MAX} entries; split it.")
    seen: Counter[str] = Counter()
    return [line for entry in entries if _is_credit(entry) for line in _lines(entry, currency, digits, seen)]


def _is_credit(entry: Element) -> bool:
    """Booked, incoming, and not the reversal of a debit."""
    status = _text(entry, "Sts/Cd") or _text(entry, "Sts")
    return status == "BOOK" and _text(entry, "CdtDbtInd") == "CRDT" and _text(entry, "RvslInd") != "true"


def _lines(entry: Element, currency: str, digits: int, seen: Counter[str]) -> list[Line]:
    details = entry.findall("NtryDtls/TxDtls")
    booked_at = parse.iso_time(_text(entry, "BookgDt/Dt") or _text(entry, "BookgDt/DtTm"))
    if len(details) <= 1:
        return [_line(entry, details[0] if details else entry, currency, digits, seen, booked_at)]
    # A batch: each transaction has an amount of its own, and all of them are the entry's.
    lines = [_line(one, one, currency, digits, seen, booked_at) for one in details]
    if sum(line.amount_minor for line in lines) != _amount(entry, currency, digits):
        raise BadRequest("camt_batch", "The transactions of an entry do not add up to its amount; ask the bank.")
    return lines


def _line(priced: Element, detail: Element, currency: str, digits: int, seen: Counter[str], booked_at: int) -> Line:
    amount = _amount(priced, currency, digits)
    refs = ("Refs/AcctSvcrRef", "Refs/TxId", "AcctSvcrRef")
    own = next((text for text in (_text(detail, path) for path in refs) if text), "") or _text(priced, "AcctSvcrRef")
    written = " ".join(part.text.strip() for part in detail.findall("RmtInf/Ustrd") if part.text)
    written = _text(detail, "RmtInf/Strd/CdtrRefInf/Ref") or written or _text(detail, "Refs/EndToEndId")
    fields = [str(booked_at), str(amount), written]
    key = "\x1f".join(fields)
    reference = own or digest_of(fields, seen[key])
    seen[key] += 1
    return Line(reference, amount, currency, parse.account_reference(written), booked_at)


def _amount(element: Element, currency: str, digits: int) -> int:
    amount = element.find("Amt")
    if amount is None:
        amount = element.find("AmtDtls/TxAmt/Amt")
    if amount is None or amount.get("Ccy") != currency:
        raise BadRequest("currency_wrong", f"An entry of the statement is not in {currency}.")
    try:
        return parse.positive(rules.minor((amount.text or "").strip(), digits))
    except ValueError:
        raise BadRequest("amount_wrong", f"An entry of the statement has no amount of {currency}.") from None


def _text(element: Element, path: str) -> str:
    return (element.findtext(path) or "").strip()
