"""Receipts: the same content as text and on paper, in the customer's language, and each is audited as a reprint."""

import uuid
from typing import Any

import pytest
from sqlalchemy import func, select

from cloud.audit.models import AuditEntry
from cloud.keys import DATABASE
from cloud.reports.sheet import decimal
from cloud.vending.receipt_lines import Row
from cloud.vending.receipt_pdf import receipt_pdf
from cloud.vending.receipt_text import text
from cloud.vending.receipt_words import WORDS
from tests.cloud.served import Answer, Api
from tests.cloud.tariffs.test_device_tariffs import with_money


async def sold(api: Api) -> Any:
    town = await api.town()
    return await api.made("/vends", town.vend())


async def receipt(api: Api, sale: Any, **query: Any) -> Answer:
    return await api.get(f"/vends/{sale['purchase_id']}/receipt", **query)


async def test_a_receipt_speaks_the_customers_language_unless_asked_otherwise(api: Api) -> None:
    sale = await sold(api)

    own = (await receipt(api, sale)).body["text"]
    asked = (await receipt(api, sale, language="en")).body["text"]

    assert "Jeton" in own and "Quantité" in own
    assert "Token" in asked and "Volume" in asked


async def test_a_receipt_names_the_utility_and_the_time_in_its_zone(api: Api) -> None:
    sale = await sold(api)
    town = (await api.get("/utilities")).body["items"][0]
    east = {"offset_min": 180}
    await api.made("/policies", {"utility_id": town["id"], "meter_group": 0, "fields": {}, "zone": east})

    printed = (await receipt(api, sale, language="en")).body["text"].split("\n")

    assert " ".join(printed[:2]) == town["name"]
    assert "Sold                    2025-06-15 18:06" in printed  # 15:06:40 UTC


async def test_the_text_file_has_the_same_text(api: Api) -> None:
    sale = await sold(api)

    shown = (await receipt(api, sale, language="en")).body["text"]
    answer = await receipt(api, sale, format="text", language="en")

    assert answer.body.decode() == shown
    assert answer.headers["Content-Disposition"] == f'attachment; filename="receipt-{sale["id"]}.txt"'


@pytest.mark.parametrize("paper", ["roll", "a4"])
async def test_a_receipt_comes_as_pdf_and_is_the_same_each_time(any_api: Api, paper: str) -> None:
    sale = await sold(any_api)

    first = await receipt(any_api, sale, format="pdf", paper=paper)
    again = await receipt(any_api, sale, format="pdf", paper=paper)

    assert first.headers["Content-Type"] == "application/pdf"
    assert first.body.startswith(b"%PDF-") and first.body == again.body
    assert first.body.count(b"/Type /Page\n") == 1


async def test_every_form_of_a_receipt_is_audited(api: Api) -> None:
    sale = await sold(api)
    app = api.client.app
    assert app is not None

    async def entries() -> int:
        async with app[DATABASE].read() as session:
            return await session.scalar(select(func.count()).select_from(AuditEntry)) or 0

    counts = [await entries()]
    for form in ("json", "text", "pdf"):
        await receipt(api, sale, format=form)
        counts.append(await entries())

    assert counts == sorted(set(counts))


async def test_a_form_that_is_not_there_is_named(api: Api) -> None:
    sale = await sold(api)

    answer = await receipt(api, sale, format="docx")

    assert (answer.status, answer.code) == (400, "invalid_query")
    assert answer.message.startswith("query.format:")


def test_both_languages_have_all_words() -> None:
    assert WORDS["en"].keys() == WORDS["fr"].keys()


def test_text_that_is_too_long_for_a_line_goes_on_in_the_next() -> None:
    printed = text([Row("A" * 20, "B" * 30), Row("word " * 20), Row(look="rule")])

    assert all(len(line) <= 40 for line in printed.splitlines())
    assert printed.splitlines()[1] == " " * 10 + "B" * 30


def test_a_roll_is_as_long_as_its_receipt() -> None:
    def height(rows: int) -> float:
        page = receipt_pdf([Row("left", "right")] * rows, "R", 0, "roll")
        box = page.split(b"/MediaBox [")[1].split(b"]")[0].split()
        assert float(box[2]) == pytest.approx(80 / 25.4 * 72, abs=0.1)
        return float(box[3])

    assert height(100) - height(50) == pytest.approx(height(150) - height(100), abs=0.1)
    assert height(50) > 50 * 8.5


async def test_the_receipt_of_money_says_what_the_meter_holds_and_rounds_nothing(api: Api) -> None:
    town = await with_money(api)
    drn = (await api.get("/meters")).body["items"][-1]["drn"]
    tender = {"kind": "cash", "amount_minor": 12_345, "currency": "KES"}
    sale = await api.made("/vends", {"purchase_id": str(uuid.uuid4()), "drn": drn, "tender": tender})

    printed = (await receipt(api, sale, language="en")).body["text"]

    assert sale["credit_unit"] == "money_100000" and town
    shown = decimal(sale["credit"], 5, 2)
    assert f"Credit{f'{shown} KES'.rjust(34)}" in printed.split("\n")
    assert "2 Accumulated debt" in printed and "4 Service" in printed
    assert all(len(line) <= 40 for line in printed.split("\n"))


async def test_the_receipt_of_a_token_that_is_taken_back_says_so(api: Api) -> None:
    sale = await sold(api)
    await api.made(f"/vends/{sale['purchase_id']}/void", {})

    assert "Taken back: do not enter it." in (await receipt(api, sale, language="en")).body["text"]
