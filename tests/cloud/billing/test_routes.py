"""The API of bills: a month from the policy to the payment, as an operator, an approver and a cashier live it."""

import uuid

from tests.cloud.billing.walked import bill, billed_town, days, pay, work
from tests.cloud.served import Api


async def test_a_month_from_the_reading_to_the_payment(any_api: Api) -> None:
    town, drn, _ = await billed_town(any_api)
    approver = await any_api.person("approver@penstock.example", "approver")
    await days(any_api, town, 17, 100_000)

    run = await bill(any_api, approver, town, "2025-06-30")
    (made,) = (await any_api.get("/bills", customer_id=town.customer, open="true")).body["items"]
    shown = (await any_api.get(f"/bills/{made['id']}")).body
    cashier = await any_api.person("till@penstock.example", "cashier")
    paid = await pay(cashier, town, made["total_minor"] + 25)

    assert (run["state"], run["through_day"]) == ("released", "2025-06-30")
    assert (made["volume_ml"], made["total_minor"], made["open_minor"]) == (1_600_000, 16_000, 16_000)
    assert shown["content"]["drn"] == drn and shown["content"]["stretches"][0]["volume_ml"] == 1_600_000
    assert (paid["amount_minor"], paid["kept_minor"]) == (16_025, 25)
    assert (await any_api.get("/bills", open="true")).body["items"] == []
    assert (await any_api.get("/bill-payments", customer_id=town.customer)).body["items"] == [paid]


async def test_a_bill_is_a_document_to_print_the_same_each_time(api: Api) -> None:
    town, _, _ = await billed_town(api)
    approver = await api.person("approver@penstock.example", "approver")
    await days(api, town, 17, 100_000)
    await bill(api, approver, town, "2025-06-30")
    (made,) = (await api.get("/bills")).body["items"]

    english, again, french = [
        await download(api, f"/bills/{made['id']}?format=pdf&language={language}") for language in ("en", "en", "fr")
    ]

    assert english.startswith(b"%PDF") and english == again != french


async def download(api: Api, path: str) -> bytes:
    headers = {"Authorization": f"Bearer {api.key}"}
    async with api.client.get("/api/v1" + path, headers=headers) as response:
        assert response.status == 200 and response.content_type == "application/pdf"
        return await response.read()


async def test_what_a_run_leaves_out_is_listed_with_its_reason(api: Api) -> None:
    town, _, _ = await billed_town(api)
    await days(api, town, 3, 100_000)
    api.clock.time += 30 * 86_400

    run = await api.made("/bill-runs", {"utility_id": town.utility, "through": "2025-06-30"})
    await work(api)

    (draft,) = (await api.get(f"/bill-runs/{run['id']}/drafts", omitted="true")).body["items"]
    assert draft["code"] == "reading_missing" and "2025-06-30" in draft["reason"]
    assert (await api.get(f"/bill-runs/{run['id']}/drafts", omitted="false")).body["items"] == []


async def test_bad_requests_are_refused_precisely_and_change_nothing(api: Api) -> None:
    town, drn, tariff = await billed_town(api)
    policy = {"utility_id": town.utility, "due_days": 14, "reason": "r"}
    debt = {"currency": "KES", "percent": 9, "reason": "r"}
    cases = [
        ("/billing-policies", {**policy, "disconnect_days": 5}, 422, "no_trickle_first"),
        ("/billing-policies", {**policy, "due_days": -1}, 400, "invalid_body"),
        ("/bill-runs", {"utility_id": town.utility, "through": "2030-01-01"}, 422, "day_not_over"),
        ("/bill-runs", {"utility_id": 10**6, "through": "2025-06-01"}, 404, "utility_unknown"),
        ("/bills/1/credits", {"reason": "r"}, 404, "not_found"),
        (f"/meters/{drn}/switches", {"payment": "credit", "tariff_id": tariff, "reason": "r"}, 422, "payment_same"),
        (
            f"/customers/{town.customer}/bill-debts",
            debt,
            422,
            "nothing_owed",
        ),
    ]
    for path, body, status, code in cases:
        answer = await api.post(path, body)
        assert (answer.status, answer.code) == (status, code), (path, answer.body)
    for path in ("/bill-runs", "/billing-policies", "/bills", "/switches"):
        assert (await api.get(path)).body["items"] == []


async def test_a_payment_is_repeated_by_its_id_and_a_second_use_is_refused(api: Api) -> None:
    town, _, _ = await billed_town(api)
    number = str(uuid.uuid4())

    first = await pay(api, town, 500, number)
    again = await pay(api, town, 500, number)
    tender = {"kind": "cash", "amount_minor": 501, "currency": "KES"}
    other = await api.post("/bill-payments", {"payment_id": number, "customer_id": town.customer, "tender": tender})

    assert first == again and first["kept_minor"] == 500
    assert (other.status, other.code) == (409, "payment_id_used")


async def test_who_works_for_another_utility_sees_no_bill(api: Api) -> None:
    town, drn, tariff = await billed_town(api)
    approver = await api.person("approver@penstock.example", "approver")
    await days(api, town, 17, 100_000)
    await bill(api, approver, town, "2025-06-30")
    (made,) = (await api.get("/bills")).body["items"]
    other = (await api.made("/utilities", {"name": "Other", "currency": "KES"}))["id"]
    stranger = await api.person("stranger@penstock.example", utility_id=other)

    seen = [await stranger.get(path) for path in (f"/bills/{made['id']}", f"/bill-runs/{made['run_id']}")]
    denied = [
        await stranger.post(f"/bills/{made['id']}/credits", {"reason": "r"}),
        await stranger.post(f"/meters/{drn}/switches", {"payment": "prepayment", "tariff_id": tariff, "reason": "r"}),
    ]

    assert [answer.status for answer in seen + denied] == [404] * 4
    assert (await stranger.get("/bills")).body["items"] == []


async def test_who_asks_for_a_credit_note_does_not_approve_it(api: Api) -> None:
    town, _, _ = await billed_town(api)
    approver = await api.person("approver@penstock.example", "approver")
    await days(api, town, 17, 100_000)
    await bill(api, approver, town, "2025-06-30")
    (made,) = (await api.get("/bills")).body["items"]
    asked = await api.made(f"/bills/{made['id']}/credits", {"reason": "wrong class"})

    own = await api.post(f"/bill-credits/{asked['id']}/approve")
    twice = await api.post(f"/bills/{made['id']}/credits", {"reason": "again"})
    approved = await approver.made(f"/bill-credits/{asked['id']}/approve", None)
    late = await approver.post(f"/bill-credits/{asked['id']}/decline")

    assert [(answer.status, answer.code) for answer in (own, twice, late)] == [
        (403, "own_request"),
        (409, "credit_asked"),
        (409, "request_decided"),
    ]
    note = (await api.get(f"/bills/{approved['note_id']}")).body["bill"]
    assert (note["total_minor"], note["corrects_id"]) == (-made["total_minor"], made["id"])
    assert (await api.get("/bills", open="true")).body["items"] == []
