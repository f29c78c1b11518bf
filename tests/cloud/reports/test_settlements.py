"""Providers' statements against payments, and tenders that were typed: each minor unit agrees, or is listed."""

from typing import Any

import pytest

from cloud.keys import DATABASE
from cloud.reports import reconciliation
from cloud.reports.reconciliation import Report
from shared.civil import DAY_S
from tests.cloud.payments.paying import Paying
from tests.cloud.served import START, Answer
from tests.fakes.utility import ADMIN

MAPPING = {"date": "when", "reference": "id", "amount": "gross", "fee": "fee", "kind": "type"}
KINDS = {"charge": "payment", "refund": "refund", "payout": "payout"}
DAY = "2025-06-15"


def statement(*rows: tuple[str, str, str, str], channel: str = "flw", day: str = DAY) -> dict[str, Any]:
    """A provider's CSV of (type, reference, gross, fee)."""
    lines = [f"{day},{reference},{gross},{fee},{kind}" for kind, reference, gross, fee in rows]
    mapping = {**MAPPING, "kinds": KINDS}
    content = "when,id,gross,fee,type\n" + "\n".join(lines) + "\n"
    return {"channel": channel, "currency": "KES", "mapping": mapping, "content": content}


async def reconciled(paying: Paying) -> Report:
    """Reconcile the day that has just ended."""
    clock = paying.api.clock
    clock.time += DAY_S
    return await reconciliation.run(paying.app[DATABASE], ADMIN, paying.town.utility, None, clock.now())


def listed(report: Report) -> list[tuple[str, int]]:
    assert report.run.holds, [line for line in report.run.lines if line["unexplained"]]
    return [(item.code, item.amount) for item in report.items]


async def import_(paying: Paying, body: dict[str, Any]) -> dict[str, int]:
    answer: dict[str, int] = await paying.api.made("/settlements", body)
    return answer


async def paid(paying: Paying, amount_minor: int = 50_000) -> str:
    """A payment by card that was sold for; its reference."""
    paying.fake.pay("flutterwave", paying.town.drn, amount_minor)
    await paying.settle()
    return str((await paying.payments())[-1]["reference"])


async def balance(paying: Paying, code: str) -> int:
    body = (await paying.api.get(f"/books/{paying.town.utility}")).body
    assert body["holds"]
    return sum(row["balance"] for row in body["accounts"] if row["code"] == code)


async def test_a_statement_that_agrees_leaves_nothing_but_what_was_paid_out(any_paying: Paying) -> None:
    reference = await paid(any_paying)
    rows = (("charge", reference, "500.00", "14.50"), ("payout", "po-1", "-400.00", "0"))
    body = statement(*rows)

    first = await import_(any_paying, body)
    again = await import_(any_paying, body)

    assert (first, again) == ({"lines": 2, "added": 2}, {"lines": 2, "added": 0})
    assert await balance(any_paying, "bank") == 40_000
    assert await balance(any_paying, "provider_fees") == 1_450
    assert await balance(any_paying, "clearing:card") == 50_000 - 40_000 - 1_450
    assert listed(await reconciled(any_paying)) == []


async def test_what_the_provider_does_not_have_is_under_way_and_then_missing(paying: Paying) -> None:
    await paid(paying)
    await import_(paying, statement(("charge", "other", "1.00", "0")))

    assert listed(await reconciled(paying)) == [("payment_unknown", 100)]
    await import_(paying, statement(("charge", "later", "1.00", "0"), day="2025-06-20"))

    assert sorted(listed(await reconciled(paying))) == [
        ("payment_missing", -50_000),
        ("payment_unknown", 100),
        ("payment_unknown", 100),
    ]


async def test_an_amount_that_differs_is_listed_with_the_difference(paying: Paying) -> None:
    reference = await paid(paying)

    await import_(paying, statement(("charge", reference, "499.99", "0")))

    assert listed(await reconciled(paying)) == [("payment_differs", -1)]


async def test_a_statement_that_cannot_be_read_says_where_and_changes_nothing(paying: Paying) -> None:
    wrong = {
        "kind_unknown": statement(("gift", "r", "1.00", "0")),
        "amount_wrong": statement(("charge", "r", "1.001", "0")),
        "reference_double": statement(("charge", "r", "1", "0"), ("charge", "r", "2", "0")),
        "date_wrong": statement(("charge", "r", "1", "0"), day="15/06/2025"),
        "channel_unknown": statement(channel="nobody"),
    }

    answers: dict[str, Answer] = {code: await paying.api.post("/settlements", body) for code, body in wrong.items()}

    assert {code: answer.code for code, answer in answers.items()} == {code: code for code in wrong}
    assert (await paying.api.get("/settlements")).body["items"] == []


async def test_a_typed_tender_is_proven_by_the_providers_line_once(any_paying: Paying) -> None:
    api, town = any_paying.api, any_paying.town
    card = {"kind": "card", "amount_minor": 50_000, "currency": "KES"}
    first, second = [await api.made("/vends", town.vend(tender=card)) for _ in range(2)]
    await import_(any_paying, statement(("charge", "slip-1", "500.00", "0")))
    proof = {"provider": "flutterwave", "reference": "slip-1", "reason": "the slip"}

    unknown = await api.post(f"/vends/{first['purchase_id']}/tender-proof", {**proof, "reference": "slip-2"})
    await api.made(f"/vends/{first['purchase_id']}/tender-proof", proof)
    used = await api.post(f"/vends/{second['purchase_id']}/tender-proof", proof)
    own = await api.post(f"/vends/{second['purchase_id']}/tender-proof", {"reason": "I saw it"})
    other = await api.person("second@penstock.example", "approver")
    await other.made(f"/vends/{second['purchase_id']}/tender-proof", {"reason": "seen on the terminal"})

    assert (unknown.code, used.code, own.code) == ("reference_unknown", "reference_used", "own_request")
    api.clock.time += 4 * DAY_S
    assert listed(await reconciled(any_paying)) == []


async def test_a_tender_of_cash_and_a_payment_need_no_proof(paying: Paying) -> None:
    await paid(paying)
    cash = await paying.api.made("/vends", paying.town.vend())
    sold = (await paying.payments())[-1]["purchase_id"]

    for purchase_id in (cash["purchase_id"], sold):
        answer = await paying.api.post(f"/vends/{purchase_id}/tender-proof", {"reason": "r"})
        assert answer.code == "tender_not_typed"
    assert listed(await reconciled(paying)) == []


async def test_a_payment_that_waits_for_a_person_is_listed_with_its_age(any_paying: Paying) -> None:
    any_paying.fake.pay("flutterwave", "no meter", 12_300)
    await any_paying.settle()

    report = await reconciled(any_paying)

    assert listed(report) == [("payment_listed", 12_300)]
    assert START - DAY_S < report.items[0].since < any_paying.api.clock.now()


def bank_line(text: str, amount: str) -> dict[str, Any]:
    """A bank statement with one line."""
    mapping = {"date": "d", "amount": "a", "text": "t", "reference": "r"}
    content = f"d,a,t,r\n2025-06-16,{amount},{text},{text}\n"
    return {"channel": "bank", "format": "csv", "currency": "KES", "mapping": mapping, "content": content}


@pytest.mark.parametrize("bank_first", [False, True])
async def test_a_payout_that_comes_to_the_bank_is_no_customers_payment(any_paying: Paying, bank_first: bool) -> None:
    reference = await paid(any_paying)
    body = statement(("charge", reference, "500.00", "0"), ("payout", "PO-17", "-400.00", "0"))
    there = bank_line("FLUTTERWAVE po 17 thanks", "400.00")

    if bank_first:
        await any_paying.api.made("/bank-statements", there)
        await import_(any_paying, body)
    else:
        await import_(any_paying, body)
        await any_paying.api.made("/bank-statements", there)

    states = {one["provider"]: one["state"] for one in await any_paying.payments()}
    assert states == {"flutterwave": "vended", "bank": "used"}
    assert await balance(any_paying, "bank") == 0
    assert await balance(any_paying, "clearing:bank_transfer") == 40_000
    assert listed(await reconciled(any_paying)) == []


async def test_a_payout_that_never_comes_is_listed(paying: Paying) -> None:
    reference = await paid(paying)
    await import_(paying, statement(("charge", reference, "500.00", "0"), ("payout", "PO-17", "-400.00", "0")))
    await paying.api.made("/bank-statements", bank_line("FLUTTERWAVE PO 18", "400.00"))
    await paying.settle()
    assert listed(await reconciled(paying)) == [("payment_listed", 40_000)]

    paying.api.clock.time += 5 * DAY_S

    assert ("payout_missing", 40_000) in listed(await reconciled(paying))


async def test_the_report_is_a_file_in_every_format(paying: Paying) -> None:
    paying.fake.pay("flutterwave", "no meter", 12_300)
    await paying.settle()
    api = paying.api
    api.clock.time += DAY_S
    made = await api.made("/reconciliations", {"utility_id": paying.town.utility})
    path = f"/api/v1/reconciliations/{made['id']}"

    assert made["holds"] and [item["code"] for item in made["items"]] == ["payment_listed"]
    for form, front in (("csv", b"Reconciliation"), ("xlsx", b"PK"), ("pdf", b"%PDF")):
        headers = {"Authorization": f"Bearer {api.key}"}
        async with api.client.get(path, params={"format": form}, headers=headers) as response:
            assert response.status == 200
            assert (await response.read()).lstrip(b"\xef\xbb\xbf").startswith(front)
