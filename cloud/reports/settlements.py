"""A provider's statement, read from CSV with a mapping and kept line by line: what it has, kept, and paid out.

A fee and a payout leave the provider's clearing account when they are imported. A line that is known adds nothing.
"""

import csv
import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import InvalidOperation

from sqlalchemy.ext.asyncio import AsyncSession

from cloud.audit import service as audit
from cloud.auth.actor import Actor
from cloud.books import service as books
from cloud.books.rules import EXPENSE, Account, Draft, bank, cash, lines
from cloud.errors import BadRequest
from cloud.payments import rules, service
from cloud.payments.channels import Channel
from cloud.payments.providers import parse
from cloud.payments.statements import decimal
from cloud.reports import payouts
from cloud.reports.models import Settlement, SettlementLine

PAYMENT, REFUND, PAYOUT, FEE = "payment", "refund", "payout", "fee"
LINES_MAX = 20_000


@dataclass(frozen=True)
class Mapping:
    """How to read a provider's CSV: columns by name. `kinds` says what its words in the column `kind` mean.

    Without a column of kinds every line above zero is a payment, every one below a refund. `fee` counts above zero.
    """

    date: str
    reference: str
    amount: str
    fee: str | None
    kind: str | None
    kinds: dict[str, str]
    date_format: str
    delimiter: str = ","
    decimal: str = "."


@dataclass(frozen=True)
class Said:
    """One line: minor units, above zero for what came to the account at the provider."""

    kind: str
    reference: str
    amount_minor: int
    fee_minor: int
    at: int


def read(content: str, mapping: Mapping, digits: int) -> list[Said]:
    """Return the lines; BadRequest names the one that cannot be read."""
    reader = csv.DictReader(io.StringIO(content.removeprefix("\ufeff")), delimiter=mapping.delimiter, strict=True)
    wanted = [mapping.date, mapping.reference, mapping.amount, *filter(None, (mapping.fee, mapping.kind))]
    found: list[Said] = []
    try:
        missing = [name for name in wanted if name not in (reader.fieldnames or [])]
        if missing:
            raise BadRequest("column_missing", f"The statement has no column {missing[0]!r}; correct the mapping.")
        for row in reader:
            if None in row or None in row.values():
                raise BadRequest("csv_wrong", f"Line {reader.line_num} has another number of columns than the first.")
            if len(found) >= LINES_MAX:
                raise BadRequest("statement_long", f"A statement has at most {LINES_MAX} lines; split it.")
            found.append(_said(row, mapping, digits, reader.line_num))
    except csv.Error as error:
        raise BadRequest("csv_wrong", f"Line {reader.line_num} is no CSV: {error}.") from None
    return _once(found)


def _said(row: dict[str, str], mapping: Mapping, digits: int, number: int) -> Said:
    amount = _minor(row[mapping.amount], mapping, digits, number)
    fee = abs(_minor(row[mapping.fee], mapping, digits, number)) if mapping.fee else 0
    kind = _kind(row, mapping, amount, number)
    signed = abs(amount) if kind == PAYMENT else -abs(amount)
    at = parse.day_time(row[mapping.date].strip(), mapping.date_format, number)
    return Said(kind, parse.reference(row[mapping.reference].strip()), signed, fee, at)


def _kind(row: dict[str, str], mapping: Mapping, amount: int, number: int) -> str:
    if mapping.kind is None:
        return PAYMENT if amount > 0 else REFUND
    word = row[mapping.kind].strip()
    if word not in mapping.kinds:
        raise BadRequest("kind_unknown", f"Line {number}: {word[:40]!r} is in no kind of the mapping; add it.")
    return mapping.kinds[word]


def _minor(text: str, mapping: Mapping, digits: int, number: int) -> int:
    try:
        return rules.minor(decimal(text, mapping.decimal), digits)
    except (ValueError, InvalidOperation):
        raise BadRequest("amount_wrong", f"Line {number}: {text[:40]!r} is no amount.") from None


def _once(found: Sequence[Said]) -> list[Said]:
    seen = set()
    for one in found:
        if (one.kind, one.reference) in seen:
            raise BadRequest("reference_double", f"The {one.kind} {one.reference[:40]!r} stands there twice.")
        seen.add((one.kind, one.reference))
    return list(found)


async def keep(
    session: AsyncSession, actor: Actor, channel: Channel, currency: str, content: str, said: Sequence[Said], now: int
) -> tuple[int, int]:
    """Keep a statement and post what left the clearing account; return its lines, and how many of them are new."""
    values = {
        "utility_id": channel.utility_id,
        "channel": channel.name,
        "currency": currency,
        "sha256": hashlib.sha256(content.encode()).digest(),
        "lines": len(said),
        "covers_until": max((one.at for one in said), default=0),
        "imported_by": actor.label,
        "imported_at": now,
    }
    made = await service.insert_once(session, Settlement, values)
    added = 0
    for one in said if made is not None else ():
        added += await _keep_line(session, actor, channel, currency, made or 0, one, now)
    detail = {"channel": channel.name, "lines": len(said), "added": added}
    subject = f"channel:{channel.name}"
    await audit.record(session, actor, "settlement.import", subject, detail, utility_id=channel.utility_id, now=now)
    return len(said), added


async def _keep_line(
    session: AsyncSession, actor: Actor, channel: Channel, currency: str, settlement_id: int, one: Said, now: int
) -> int:
    values = {
        "utility_id": channel.utility_id,
        "settlement_id": settlement_id,
        "channel": channel.name,
        "provider": channel.kind,
        "tender_kind": tender_kind(channel),
        "kind": one.kind,
        "reference": one.reference,
        "amount_minor": one.amount_minor,
        "fee_minor": one.fee_minor,
        "currency": currency,
        "at": one.at,
    }
    line_id = await service.insert_once(session, SettlementLine, values)
    if line_id is None:
        return 0
    if one.kind == PAYOUT:
        await payouts.of_line(session, line_id, now)
    left = {PAYOUT: bank(currency), FEE: fees(currency)}.get(one.kind)
    clearing = cash(tender_kind(channel), currency)
    moved = [(left, -one.amount_minor, one.kind), (clearing, one.amount_minor, one.kind)] if left else []
    moved += [(fees(currency), one.fee_minor, FEE), (clearing, -one.fee_minor, FEE)]
    made = lines(*moved)
    if made:
        reason = f"{channel.name}: {one.kind} {one.reference}"
        # By what the provider says, not by our number: it is posted once, whatever becomes of these tables.
        named = hashlib.sha256(f"{channel.name}\n{one.kind}\n{one.reference}".encode()).hexdigest()
        key, subject = f"settlement:{named}", f"settlement:{settlement_id}"
        await books.post(session, Draft(channel.utility_id, key, "settlement", subject, reason, made), actor, now)
    return 1


def tender_kind(channel: Channel) -> str:
    """The kind of tender that a channel clears."""
    return "bank_transfer" if channel.provider is None else channel.provider.tender_kind


def fees(currency: str) -> Account:
    """Return what providers kept for their work."""
    return Account("provider_fees", currency, EXPENSE)
