"""Older sales, voids and accepted tokens as entries of the books, and customers' accounts out of the books again.

It reads and writes the form that migration 0006 found and made, whatever the program has become since.
"""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

import sqlalchemy as sa

_EVENTS = sa.text(
    "SELECT 'sale' AS kind, min(id) AS vend_id, min(created_at) AS at, 0 AS turn FROM vend GROUP BY purchase_id "
    "UNION ALL SELECT 'credit', id, consumed_at, 1 FROM vend WHERE consumed_by IS NOT NULL "
    "UNION ALL SELECT 'void', id, voided_at, 1 FROM vend WHERE voided_at IS NOT NULL "
    "ORDER BY at, vend_id, turn"
)
_VENDS = sa.text(
    "SELECT v.*, coalesce(m.commodity, 'water') AS commodity FROM vend v LEFT JOIN meter m ON m.id = v.meter_id "
    "WHERE v.purchase_id IN (SELECT purchase_id FROM vend WHERE id IN :ids) ORDER BY v.id"
).bindparams(sa.bindparam("ids", expanding=True))
_MOVED = sa.text(
    "SELECT p.purchase_id, p.kind, p.amount_minor, a.customer_id, a.currency FROM account_posting p "
    "JOIN customer_account a ON a.id = p.account_id WHERE p.kind <> 'void' "
    "AND p.purchase_id IN (SELECT purchase_id FROM vend WHERE id IN :ids) ORDER BY p.id"
).bindparams(sa.bindparam("ids", expanding=True))
_CHUNK = 400
_KINDS = {"cash": "asset", "clearing": "asset", "revenue": "income", "void": "income", "refunds": "expense"}
_KINDS |= {"issued": "expense"}
_UNITS = {"electricity": "mwh"}
_ACCOUNTS_BACK = sa.text(
    "INSERT INTO customer_account (id, utility_id, customer_id, currency, balance_minor, postings) "
    "SELECT a.id, a.utility_id, CAST(substr(a.code, 10) AS BIGINT), a.unit, a.held, count(*) "
    "FROM book_account a JOIN book_posting p ON p.account_id = a.id WHERE a.code LIKE 'customer:%' "
    "GROUP BY a.id, a.utility_id, a.code, a.unit, a.held"
)
_POSTINGS_BACK = sa.text(
    "INSERT INTO account_posting (id, account_id, sequence, purchase_id, kind, amount_minor, balance_minor, at) "
    "SELECT id, account_id, number, subject, what, -amount, balance, at FROM ("
    "SELECT p.id, p.account_id, row_number() OVER (PARTITION BY p.account_id ORDER BY p.id) AS number, e.subject, "
    "p.what, p.amount, -sum(p.amount) OVER (PARTITION BY p.account_id ORDER BY p.id) AS balance, e.at "
    "FROM book_posting p JOIN book_account a ON a.id = p.account_id JOIN book_entry e ON e.id = p.entry_id "
    "WHERE a.code LIKE 'customer:%') AS moved WHERE what IN ('used', 'kept', 'void') ORDER BY id"
)

Row = sa.RowMapping
Lines = list[tuple[str, str, int, str]]
"""Code and unit of an account, amount, and what for."""
Accounts = dict[tuple[int, str, str], int]

_POST = sa.text(
    "INSERT INTO book_posting (entry_id, line, lines, account_id, amount, what) "
    "VALUES (:entry_id, :line, :lines, :account_id, :amount, :what)"
)
_ENTER = sa.text(
    "INSERT INTO book_entry (id, lines, utility_id, key, sha256, kind, subject, actor, reason, at) "
    "VALUES (:id, :lines, :utility_id, :key, :sha256, :kind, :subject, :actor, :reason, :at)"
)
_OPEN = sa.text(
    "INSERT INTO book_account (utility_id, code, unit, kind, floored, held) "
    "VALUES (:utility_id, :code, :unit, :kind, :floored, 0) RETURNING id"
)
_HOLD = sa.text(
    "UPDATE book_account SET held = (SELECT -coalesce(sum(amount), 0) FROM book_posting "
    "WHERE account_id = book_account.id) WHERE floored"
)


def carry_over(connection: sa.Connection) -> None:
    """Write an entry for each sale, accepted token and void, in the order of their times; before there are triggers."""
    accounts: Accounts = {}
    events = connection.execute(_EVENTS).mappings().all()
    for start in range(0, len(events), _CHUNK):
        _enter(connection, accounts, start + 1, events[start : start + _CHUNK])
    connection.execute(_HOLD)
    if events and connection.dialect.name == "postgresql":
        connection.execute(sa.text("SELECT setval('book_entry_id_seq', (SELECT max(id) FROM book_entry))"))
        connection.execute(sa.text("SET CONSTRAINTS ALL IMMEDIATE"))


def _enter(connection: sa.Connection, accounts: Accounts, first: int, events: Sequence[Row]) -> None:
    entries: list[dict[str, Any]] = []
    postings: list[dict[str, Any]] = []
    for number, (event, vend, lines) in enumerate(_lines_of(connection, events), first):
        kept = [line for line in lines if line[2]]
        entries.append(_entry(number, event, vend, kept))
        for line, (code, unit, amount, what) in enumerate(kept, 1):
            account = _account(connection, accounts, (vend["utility_id"], code, unit))
            place = {"entry_id": number, "line": line, "lines": len(kept)}
            postings.append({**place, "account_id": account, "amount": amount, "what": what})
    connection.execute(_POST, postings)
    connection.execute(_ENTER, entries)


def _lines_of(connection: sa.Connection, events: Sequence[Row]) -> Iterator[tuple[Row, Row, Lines]]:
    ids = {"ids": [event["vend_id"] for event in events]}
    vends = {row["id"]: row for row in connection.execute(_VENDS, ids).mappings()}
    parts, moved = defaultdict(list), defaultdict(list)
    for row in vends.values():
        parts[row["purchase_id"]].append(row)
    for row in connection.execute(_MOVED, ids).mappings():
        moved[row["purchase_id"]].append(row)
    for event in events:
        vend = vends[event["vend_id"]]
        purchase_id = vend["purchase_id"]
        is_sale = event["kind"] == "sale"
        yield event, vend, _sale(parts[purchase_id], moved[purchase_id]) if is_sale else _later(event["kind"], vend)


def _sale(parts: list[Row], moved: list[Row]) -> Lines:
    first, currency = parts[0], parts[0]["currency"]
    kind = first["tender_kind"]
    till = "cash" if kind == "cash" else f"clearing:{kind}"
    price = sum(part["amount_minor"] for part in parts)
    money: Lines = [
        (till, currency, first["tender_minor"], "tender"),
        (till, currency, -first["change_minor"], "change"),
        (f"revenue:{first['commodity']}", currency, -price, "price"),
    ]
    money += [(f"customer:{row['customer_id']}", currency, -row["amount_minor"], row["kind"]) for row in moved]
    # Nothing kept says where a difference went; it waits for a person, in sight.
    money.append(("suspense", currency, -sum(line[2] for line in money), "history"))
    return money + _volume(first, "issued", "in_flight", sum(part["volume_ml"] for part in parts), "sale")


def _later(kind: str, vend: Row) -> Lines:
    if kind == "credit":
        return _volume(vend, "in_flight", "meter_credit", vend["volume_ml"], kind)
    amount, currency = vend["amount_minor"], vend["currency"]
    returned = f"customer:{vend['customer_id']}"
    money: Lines = [(f"refunds:{vend['commodity']}", currency, amount, kind), (returned, currency, -amount, kind)]
    return money + _volume(vend, "in_flight", "void", vend["volume_ml"], kind)


def _volume(vend: Row, debit: str, credit: str, volume: int, what: str) -> Lines:
    commodity = vend["commodity"]
    unit = _UNITS.get(commodity, "ml")
    return [(f"{debit}:{commodity}", unit, volume, what), (f"{credit}:{commodity}", unit, -volume, what)]


def _entry(number: int, event: Row, vend: Row, lines: Lines) -> dict[str, Any]:
    kind = event["kind"]
    is_sale = kind == "sale"
    reason = f"tariff {vend['tariff_id']}" if is_sale else f"part {vend['part']}, TID {vend['tid']}"
    said = json.dumps([kind, vend["purchase_id"], reason, lines], separators=(",", ":"))
    return {
        "id": number,
        "lines": len(lines),
        "utility_id": vend["utility_id"],
        "key": f"{kind}:{vend['purchase_id'] if is_sale else vend['id']}",
        "sha256": hashlib.sha256(said.encode()).digest(),
        "kind": kind,
        "subject": vend["purchase_id"],
        "actor": vend["actor"] if is_sale else "system:ledger",
        "reason": reason,
        "at": event["at"],
    }


def _account(connection: sa.Connection, accounts: Accounts, name: tuple[int, str, str]) -> int:
    if name not in accounts:
        utility_id, code, unit = name
        kind = _KINDS.get(code.partition(":")[0], "liability")
        row = {"utility_id": utility_id, "code": code, "unit": unit, "kind": kind}
        accounts[name] = connection.execute(_OPEN, {**row, "floored": code.startswith("customer:")}).scalar_one()
    return accounts[name]


def carry_back(connection: sa.Connection) -> None:
    """Write customers' accounts and their postings, as the form before had them, out of the books.

    It knows movements by purchases only: what came from elsewhere stands in the balances, and in no posting.
    """
    connection.execute(_ACCOUNTS_BACK)
    connection.execute(_POSTINGS_BACK)
    if connection.dialect.name == "postgresql":
        for table in ("customer_account", "account_posting"):
            name = f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), max(id)) FROM {table} HAVING max(id) > 0"  # noqa: S608
            connection.execute(sa.text(name))
