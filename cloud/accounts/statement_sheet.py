"""The statement of a customer as a sheet, in English and French."""

from cloud.accounts.statement import CustomerStatement, Standing, StatementLine
from cloud.reports.sheet import Cell, Column, Sheet

_WORDS = {
    "en": {
        "title": "Statement of account",
        "customer": "Customer",
        "before": "Brought forward",
        "total": "Total",
        "columns": (
            "Time", "What", "Meter", "Reference", "Paid", "Price",
            "Taxes", "Account", "Balance", "Debts", "Bills",
        ),
        "note": "Balance: left over for the next purchase. Debts and bills: still owed after the line.",
    },
    "fr": {
        "title": "Relevé de compte",
        "customer": "Client",
        "before": "Report",
        "total": "Total",
        "columns": (
            "Date", "Objet", "Compteur", "Référence", "Payé", "Prix",
            "Taxes", "Compte", "Solde", "Dettes", "Factures",
        ),
        "note": "Solde : disponible pour le prochain achat. Dettes et factures : encore dues après la ligne.",
    },
}  # fmt: skip
_KINDS = {
    "en": {
        "sale": "Purchase",
        "void": "Token taken back",
        "payment": "Payment",
        "debt": "Debt",
        "bill": "Bill",
        "bill-payment": "Payment of bills",
        "bill-debt": "Bills into instalments",
        "closing": "Credit returned",
        "refund": "Paid out",
        "switch": "Change of payment mode",
        "history": "Carried over",
    },
    "fr": {
        "sale": "Achat",
        "void": "Jeton repris",
        "payment": "Paiement",
        "debt": "Dette",
        "bill": "Facture",
        "bill-payment": "Paiement de factures",
        "bill-debt": "Factures en échéances",
        "closing": "Crédit rendu",
        "refund": "Remboursement",
        "switch": "Changement de mode de paiement",
        "history": "Report de l'ancien système",
    },
}


def kind_text(kind: str, language: str) -> str:
    """Return what an event is called; one without a name of its own by that of its entry."""
    return _KINDS[language].get(kind, kind)


def sheet(found: CustomerStatement, language: str, zone: bytes, made_at: int) -> Sheet:
    """Return the statement as a table; its first row is what was there before, its last the sums."""
    words = _WORDS[language]
    kinds = ("time", "text", "text", "text", *(("money",) * 7))
    columns = [
        Column(name, kind, found.currency if kind == "money" else None)  # type: ignore[arg-type]  # a Kind each
        for name, kind in zip(words["columns"], kinds, strict=True)
    ]
    rows = [_before(str(words["before"]), found), *(_row(line, language) for line in found.lines)]
    return Sheet(
        title=str(words["title"]),
        columns=columns,
        rows=rows,
        totals=_totals(str(words["total"]), found),
        facts=[(str(words["customer"]), f"{found.customer.name} ({found.customer.id})")],
        notes=[str(words["note"])],
        zone=zone,
        made_at=made_at,
        language=language,
    )


def _before(name: str, found: CustomerStatement) -> list[Cell]:
    return [found.from_s or None, name, None, None, None, None, None, None, *_stands(found.opening)]


def _row(line: StatementLine, language: str) -> list[Cell]:
    moved: list[Cell] = [line.paid_minor, line.charged_minor, line.taxes_minor, line.account_minor]
    reference = line.reason if line.kind in ("payment", "debt") else line.reference
    return [line.at, kind_text(line.kind, language), line.drn, reference, *moved, *_stands(line.after)]


def _stands(standing: Standing) -> list[Cell]:
    return [standing.account_minor, standing.debt_minor, standing.bills_minor]


def _totals(name: str, found: CustomerStatement) -> list[Cell]:
    lines = found.lines
    sums: list[Cell] = [
        sum(line.paid_minor for line in lines),
        sum(line.charged_minor for line in lines),
        sum(line.taxes_minor for line in lines),
        sum(line.account_minor for line in lines),
    ]
    return [None, name, None, None, *sums, *_stands(found.closing)]
