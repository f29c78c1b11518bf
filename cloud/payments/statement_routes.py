"""The API of bank statements: each line of money that came in becomes a payment, once."""

import hashlib
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from cloud.api.fields import Body, Currency, View
from cloud.api.route import Call, Route
from cloud.audit import service as audit
from cloud.errors import BadRequest, NotFound
from cloud.keys import CHANNELS
from cloud.notify.texts import minor_digits
from cloud.payments import camt, rules, service, statements
from cloud.payments.channels import Channel, Channels
from cloud.payments.providers import parse
from cloud.payments.rules import Notice
from cloud.reports import payouts

Column = Annotated[str, StringConstraints(min_length=1, max_length=100)]


class CsvMapping(Body):
    """How to read a bank's CSV; see the form of dates in Python's strptime."""

    date: Column
    amount: Column
    text: Column
    reference: Column | None = None
    date_format: Annotated[str, StringConstraints(min_length=2, max_length=40)] = "%Y-%m-%d"
    delimiter: Literal[",", ";", "\t", "|"] = ","
    decimal: Literal[".", ","] = "."


class NewStatement(Body):
    """A statement to be imported: CAMT.053, or CSV with its mapping. `content` is the file as text."""

    channel: Column
    format: Literal["camt053", "csv"]
    currency: Currency
    mapping: CsvMapping | None = None
    content: str = Field(min_length=1, max_length=1 << 20)


class Imported(View):
    """How many lines of money that came in stood there, and how many of them were not known."""

    lines: int
    added: int


async def import_statement(call: Call[NewStatement, None]) -> Imported:
    """Import a bank statement; lines that are known add nothing."""
    body = call.body
    channel = _bank(call.app[CHANNELS], call, body.channel)
    lines = statements.check_references(_read(body))
    added = 0
    async with call.begin() as session:
        for line in lines:
            notice = _notice(channel, line)
            digest = hashlib.sha256(f"{notice.reference}\n{notice.amount_minor}\n{notice.paid_at}".encode()).digest()
            if await service.told(session, channel, notice, digest, call.now):
                added += 1
                await payouts.of_payment(session, notice.reference, call.now)
        detail = {"channel": channel.name, "lines": len(lines), "added": added}
        subject = f"channel:{channel.name}"
        await audit.record(
            session, call.actor, "statement.import", subject, detail, utility_id=channel.utility_id, now=call.now
        )
    return Imported(lines=len(lines), added=added)


def _bank(channels: Channels, call: Call[NewStatement, None], name: str) -> Channel:
    channel = channels.get(name)
    if channel is None or not call.actor.may_see(channel.utility_id) or channel.kind != "bank":
        raise NotFound("channel_unknown", "There is no bank of that name in PENSTOCK_PAYMENTS_FILE.")
    return channel


def _read(body: NewStatement) -> list[statements.Line]:
    digits = minor_digits(body.currency)
    if body.format == "camt053":
        return camt.read(body.content, body.currency, digits)
    if body.mapping is None:
        raise BadRequest("mapping_missing", "body.mapping: a CSV file needs one")
    mapping = statements.Mapping(**body.mapping.model_dump())
    return statements.read_csv(body.content, mapping, body.currency, digits)


def _notice(channel: Channel, line: statements.Line) -> Notice:
    # Banks number for themselves: the same number at another bank is another payment.
    reference = parse.reference(f"{channel.name}:{line.reference}")
    return Notice(rules.PAID, reference, line.amount_minor, line.currency, line.account_reference, line.booked_at)


ROUTES = [
    Route(
        "POST", "/bank-statements", import_statement, "payments:write", Imported,
        request=NewStatement, errors=(NotFound,), body_limit=1 << 21, tag="payments",
    ),
]  # fmt: skip
