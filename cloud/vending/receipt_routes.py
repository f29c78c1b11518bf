"""The API of receipts: as text for a small printer, as PDF for a roll or a page, in the customer's language."""

import asyncio
from typing import Literal

from cloud.accounts.models import Customer
from cloud.agents import selling
from cloud.api.fields import Query, View
from cloud.api.files import FileAnswer
from cloud.api.route import Call, Route
from cloud.errors import NotFound, Unavailable
from cloud.meters.models import Utility
from cloud.reports.zone import zone_data_of
from cloud.vending import service
from cloud.vending.receipt_lines import Row, Seller, rows
from cloud.vending.receipt_text import text
from cloud.vending.receipts import receipt
from cloud.vending.reprints import reprinted


class ReceiptQuery(Query):
    """How a receipt is wanted; without a language in the customer's, or in English where there is none."""

    format: Literal["json", "text", "pdf"] = "json"
    language: Literal["en", "fr"] | None = None
    paper: Literal["roll", "a4"] = "roll"


class ReceiptText(View):
    """A receipt as lines of text, with the digits of its tokens."""

    text: str


async def printed(call: Call[None, ReceiptQuery]) -> ReceiptText | FileAnswer:
    """Give a receipt as text or PDF, which is audited as a reprint."""
    query = call.query
    async with call.begin() as session:
        sold = await service.purchase_of(session, call.actor, str(call.path["purchase_id"]))
        sale = await reprinted(session, call.key_store, call.actor, sold, query.format, call.now)
        utility = await session.get_one(Utility, sale.meter.utility_id)
        agent = await selling.agent_of(session, sale.vend.purchase_id)
        seller = Seller(utility.name, await zone_data_of(session, utility.id), agent.name if agent else None)
        buyer = None if sale.meter.customer_id is None else await session.get(Customer, sale.meter.customer_id)
    language = query.language or (buyer.language if buyer else "en")
    found = receipt(sale)
    shown = rows(found, seller, language)
    if query.format == "json":
        return ReceiptText(text=text(shown))
    stem = f"receipt-{found.id}"
    if query.format == "text":
        return FileAnswer(content=text(shown).encode(), format="text", stem=stem)
    content = await asyncio.to_thread(_pdf, shown, f"{seller.name} {found.id}", found.created_at, query.paper)
    return FileAnswer(content=content, format="pdf", stem=stem)


def _pdf(shown: list[Row], title: str, made_at: int, paper: Literal["roll", "a4"]) -> bytes:
    from cloud.vending.receipt_pdf import receipt_pdf  # a large library, loaded when it is first needed

    return receipt_pdf(shown, title, made_at, paper)


ROUTES = [
    Route(
        "GET", "/vends/{purchase_id}/receipt", printed, "vend", ReceiptText,
        query=ReceiptQuery, errors=(NotFound, Unavailable), files=("text", "pdf"), tag="vending",
    ),
]  # fmt: skip
