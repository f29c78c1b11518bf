"""Vouchers: each is redeemed once, its code is nowhere, and nobody guesses for long."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import text

from cloud.keys import DATABASE
from cloud.payments.voucher_models import VoucherBatch
from cloud.payments.voucher_paper import Issuer, voucher_pdf
from cloud.reports.paper import Paper
from tests.cloud.payments.paying import Paying
from tests.cloud.payments.test_payments import balances
from tests.cloud.served import START, new_drn

DAY_S = 86_400


async def batch(paying: Paying, **changes: Any) -> Any:
    order = {"utility_id": 1, "count": 3, "amount_minor": 50_000, "currency": "KES", "expires_at": START + 30 * DAY_S}
    return await paying.api.made("/voucher-batches", {**order, **changes})


def redemption(paying: Paying, code: str) -> dict[str, str]:
    return {"code": code, "drn": paying.town.drn}


async def test_a_voucher_becomes_tokens_once_whoever_repeats(any_paying: Paying) -> None:
    code = (await batch(any_paying))["vouchers"][0]["code"]

    answers = await asyncio.gather(
        *(any_paying.api.post("/vouchers/redeem", redemption(any_paying, code)) for _ in range(4))
    )

    assert [answer.status for answer in answers] == [200] * 4
    assert all(answer.body == answers[0].body for answer in answers)
    assert [vend["volume_ml"] for vend in await any_paying.vends()] == [5_000_000]
    assert (await any_paying.only())["tender_kind"] == "voucher"
    assert "suspense" not in await balances(any_paying)


async def test_a_batch_comes_as_pages_to_print_and_its_vouchers_work(paying: Paying) -> None:
    order = {"utility_id": 1, "count": 30, "amount_minor": 50_000, "currency": "KES", "expires_at": START + DAY_S}

    answer = await paying.api.call("POST", "/voucher-batches?format=pdf&language=fr", json=order)

    assert (answer.status, answer.headers["Content-Type"]) == (201, "application/pdf")
    assert answer.body.count(b"/Type /Page\n") == 3
    (made,) = (await paying.api.get("/voucher-batches")).body["items"]
    assert answer.headers["Content-Disposition"] == f'attachment; filename="vouchers-{made["id"]}.pdf"'
    assert (made["count"], made["amount_minor"]) == (30, 50_000)


def test_a_page_of_vouchers_shows_code_amount_number_and_last_day(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[str] = []
    monkeypatch.setattr(Paper, "cell", lambda self, *args, **kwargs: written.append(args[2]))
    made = VoucherBatch(id=7, amount_minor=50_000, currency="KES", expires_at=20_000 * DAY_S, created_at=START)

    voucher_pdf(made, [(1, "1234567890123456")], Issuer("Town", b"", "en"))

    for text_ in ("Town", "500.00 KES", "1234 5678 9012 3456", "7-1", "Valid until 2024-10-03"):
        assert text_ in written


async def test_what_came_of_a_redemption_is_said_by_its_outcome(paying: Paying) -> None:
    code = (await batch(paying))["vouchers"][0]["code"]
    nobody = paying.api.as_key(None)

    wrong = await paying.api.post("/vouchers/redeem", redemption(paying, "0" * 16))
    unknown = await nobody.post("/vouchers/redeem", redemption(paying, code))
    sold = await paying.api.post("/vouchers/redeem", redemption(paying, code))

    assert [one.body["outcome"] for one in (wrong, unknown, sold)] == ["failed", "unknown", "success"]


async def test_a_used_voucher_buys_nothing_for_another_meter(paying: Paying) -> None:
    code = (await batch(paying))["vouchers"][0]["code"].replace(" ", "")
    await paying.api.made("/vouchers/redeem", redemption(paying, code))
    other = new_drn()
    await paying.api.made("/meters", paying.town.meter(channel=1, drn=other))

    answer = await paying.api.post("/vouchers/redeem", {"code": code, "drn": other})

    assert (answer.status, answer.code, len(await paying.vends())) == (409, "voucher_used", 1)


async def test_a_meter_has_five_wrong_codes_a_day_and_right_ones_do_not_count(paying: Paying) -> None:
    codes = [one["code"] for one in (await batch(paying, count=8))["vouchers"]]
    for code in codes[:6]:
        await paying.api.made("/vouchers/redeem", redemption(paying, code))
    wrong = [await paying.api.post("/vouchers/redeem", redemption(paying, f"{n:016d}")) for n in range(6)]
    barred = await paying.api.post("/vouchers/redeem", redemption(paying, codes[6]))
    paying.api.clock.time += DAY_S
    later = await paying.api.post("/vouchers/redeem", redemption(paying, codes[6]))

    assert [answer.code for answer in wrong] == ["voucher_unknown"] * 5 + ["too_many_attempts"]
    assert (barred.status, later.status) == (429, 200)


async def test_guesses_at_once_are_counted_before_they_are_looked_up(any_paying: Paying) -> None:
    await batch(any_paying)

    answers = await asyncio.gather(
        *(any_paying.api.post("/vouchers/redeem", redemption(any_paying, f"{n:016d}")) for n in range(12))
    )

    assert sorted(answer.status for answer in answers) == [422] * 5 + [429] * 7


async def test_a_refused_sale_leaves_the_voucher_unused(paying: Paying) -> None:
    code = (await batch(paying, amount_minor=1))["vouchers"][0]["code"]

    answers = [await paying.api.post("/vouchers/redeem", redemption(paying, code)) for _ in range(2)]

    assert [answer.code for answer in answers] == ["purchase_too_small"] * 2
    assert await paying.payments() == []


async def test_expired_and_stopped_vouchers_buy_nothing(paying: Paying) -> None:
    stopped, expired = await batch(paying), await batch(paying, expires_at=START + 60)
    await paying.api.made(f"/voucher-batches/{stopped['batch']['id']}/stop", None)
    paying.api.clock.time += 60

    for made in (stopped, expired):
        answer = await paying.api.post("/vouchers/redeem", redemption(paying, made["vouchers"][0]["code"]))
        assert (answer.status, answer.code) == (422, "voucher_ended")
    assert (await paying.api.post("/vouchers/redeem", redemption(paying, "1234"))).status == 400


async def test_no_code_stands_in_the_database(paying: Paying) -> None:
    code = (await batch(paying))["vouchers"][0]["code"].replace(" ", "")

    async with paying.app[DATABASE].read() as session:
        rows = (await session.execute(text("SELECT hex(code_hmac) FROM voucher"))).scalars().all()
        said = str((await session.execute(text("SELECT detail FROM audit_entry"))).scalars().all())

    assert len(set(rows)) == 3
    assert code not in said
