"""Agreements on debts, write-offs, refunds of what is left over, and a statement in which every coin stands."""

from typing import Any

from cloud.keys import DATABASE
from cloud.vending.sale_models import PaymentDebt
from tests.cloud.served import Api, Town

DAY_S = 86_400


async def agree(api: Api, town: Town, **changes: Any) -> Any:
    body = {"currency": "KES", "percent": 50, "reason": "connection and an old bill"}
    return await api.post(f"/customers/{town.customer}/agreements", {**body, **changes})


def item(amount_minor: int) -> dict[str, Any]:
    return {"what": "connection", "amount_minor": amount_minor}


async def statement(api: Api, town: Town, **query: Any) -> Any:
    found = await api.get(f"/customers/{town.customer}/statement", currency="KES", **query)
    assert found.status == 200, found.body
    return found.body


def holds(said: Any) -> bool:
    """Whether each line sums up, and the lines lead from the first standing to the last."""
    for line in said["lines"]:
        came = line["paid_minor"] + line["debt_minor"] + line["bills_minor"]
        if came != line["charged_minor"] + line["taxes_minor"] + line["account_minor"]:
            return False
    return all(
        said["closing"][name] - said["opening"][name] == sum(line[name] for line in said["lines"])
        for name in ("account_minor", "debt_minor", "bills_minor")
    )


async def test_several_debts_become_one_with_a_plan(any_api: Api) -> None:
    town = await any_api.town()
    old = {"customer_id": town.customer, "currency": "KES", "principal_minor": 10_000, "percent": 5, "reason": "old"}
    first = await any_api.made("/debts", old)
    due = [any_api.clock.now() + number * DAY_S for number in (10, 40, 70)]

    agreed = (await agree(any_api, town, items=[item(15_000), item(6)], due=due)).body

    assert agreed["debt"]["principal_minor"] == 25_006
    assert [part["amount_minor"] for part in agreed["instalments"]] == [8_335, 8_335, 8_336]
    debts = (await any_api.get("/debts")).body["items"]
    assert [(one["id"] == first["id"], one["closed_at"] is None) for one in debts] == [(True, False), (False, True)]
    books = (await any_api.get(f"/books/{town.utility}")).body
    (owed,) = [one for one in books["accounts"] if one["code"] == f"debt:{town.customer}"]
    assert owed["balance"] == 25_006
    sale = await any_api.made("/vends", town.vend(volume_ml=None))
    assert sale["payment_debt_minor"] == 25_000, "half of what was paid"
    said = await statement(any_api, town)
    assert holds(said)
    assert said["closing"]["debt_minor"] == 6


async def test_who_is_behind_is_seen(api: Api) -> None:
    town = await api.town()
    due = [api.clock.now() + number * DAY_S for number in (10, 20)]
    agreed = (await agree(api, town, items=[item(10_000)], due=due, percent=10)).body
    await api.made(
        "/vends", town.vend(tender={"kind": "cash", "amount_minor": 30_000, "currency": "KES"}, volume_ml=None)
    )

    api.clock.time += 15 * DAY_S
    plan = (await api.get(f"/debts/{agreed['debt']['id']}/plan")).body

    assert (plan["due_minor"], plan["overdue_minor"]) == (5_000, 2_000)
    assert (plan["next_due_at"], plan["next_minor"]) == (due[1], 5_000)


async def test_a_plan_that_cannot_be_is_refused_and_nothing_moves(api: Api) -> None:
    town = await api.town()
    now = api.clock.now()
    wrong: list[dict[str, Any]] = [
        {"items": [item(5)], "due": [now - 1]},
        {"items": [item(5)], "due": [now + 20, now + 10]},
        {"items": [item(1)], "due": [now + 10, now + 20]},
        {"items": []},
    ]

    answers = [await agree(api, town, **one) for one in wrong]

    assert [answer.code for answer in answers] == ["plan_wrong", "plan_wrong", "plan_wrong", "nothing_owed"]
    assert (await api.get("/debts")).body["items"] == []


async def test_a_large_debt_is_written_off_by_two_people(any_api: Api) -> None:
    town = await any_api.town()
    approver = await any_api.person("approver@b.example", "approver")
    debt = (await agree(any_api, town, items=[item(100_001)])).body["debt"]
    path = f"/debts/{debt['id']}"

    alone = await any_api.post(f"{path}/close", {"reason": "dead"})
    asked = await any_api.made(f"{path}/write-off", {"reason": "dead"})
    twice = await any_api.post(f"{path}/write-off", {"reason": "dead"})
    own = await any_api.post(f"/write-offs/{asked['id']}/approve")
    await approver.made(f"/write-offs/{asked['id']}/approve", None)

    assert (alone.code, asked["state"], twice.code, own.code) == (
        "write_off_limit",
        "waiting",
        "write_off_there",
        "own_request",
    )
    said = await statement(any_api, town)
    assert holds(said)
    assert said["closing"]["debt_minor"] == 0
    assert (await any_api.get(f"{path}/plan")).body["debt"]["closed_at"] is not None


async def test_what_is_left_over_goes_back_and_cannot_be_spent_meanwhile(any_api: Api) -> None:
    town = await any_api.town()
    await any_api.made(
        "/vends", town.vend(change="account", tender={"kind": "cash", "amount_minor": 80_000, "currency": "KES"})
    )
    path = f"/customers/{town.customer}/refunds"

    too_much = await any_api.post(path, {"currency": "KES", "amount_minor": 30_001, "reason": "r"})
    order = await any_api.made(path, {"currency": "KES", "reason": "asked for"})
    trial = await any_api.made("/trial-vends", {"drn": town.drn, "currency": "KES", "volume_ml": 1_000_000})
    early = await any_api.post(f"/refund-orders/{order['id']}/pay", {"source": "cash", "reference": "7"})

    assert (too_much.code, early.code) == ("account_short", "refund_state")
    assert (order["state"], order["amount_minor"], trial["from_account_minor"]) == ("waiting", 30_000, 0)
    said = await statement(any_api, town)
    assert holds(said)
    assert [line["kind"] for line in said["lines"]] == ["sale", "refund"]


async def test_a_statement_of_a_time_begins_with_what_was_before(api: Api) -> None:
    town = await api.town()
    money = {"kind": "cash", "amount_minor": 60_000, "currency": "KES"}
    await api.made("/vends", town.vend(change="account", tender=money))
    api.clock.time += DAY_S
    until = api.clock.now()
    await api.made("/vends", town.vend(change="account", tender=money))

    before = await statement(api, town, until_s=until)
    after = await statement(api, town, from_s=until)

    assert holds(before) and holds(after)
    assert before["closing"] == after["opening"]
    assert [len(before["lines"]), len(after["lines"])] == [1, 1]
    assert after["closing"]["account_minor"] == 20_000


async def test_a_statement_is_a_file_in_the_customers_language(api: Api) -> None:
    town = await api.town()
    await api.made("/vends", town.vend())
    path = f"/customers/{town.customer}/statement"

    table = await api.get(path, currency="KES", format="csv")
    paper = await api.get(path, currency="KES", format="pdf", language="en")

    assert "Compteur" in table.body.decode("utf-8-sig")
    assert "Achat" in table.body.decode("utf-8-sig")
    assert paper.body.startswith(b"%PDF")


async def test_a_customer_of_another_utility_is_not_there(api: Api) -> None:
    town = await api.town()
    other = await api.town()
    stranger = await api.person("s@b.example", "administrator", utility_id=other.utility)

    answers = [
        await stranger.get(f"/customers/{town.customer}/statement", currency="KES"),
        await stranger.post(f"/customers/{town.customer}/refunds", {"currency": "KES", "reason": "r"}),
        await stranger.get(f"/customers/{town.customer}"),
        await stranger.post(f"/meters/{town.drn}/swap", {"new_drn": other.drn, "reason": "r"}),
        await stranger.get("/service-points/1"),
    ]

    assert {answer.status for answer in answers} == {404}


async def test_debts_in_the_books_are_what_the_debts_say(api: Api) -> None:
    town = await api.town()
    await agree(api, town, items=[item(9_000)])
    await agree(api, town, items=[item(1_000)])
    app = api.client.app
    assert app is not None
    async with app[DATABASE].read() as session:
        rows = [await session.get_one(PaymentDebt, number) for number in (1, 2)]

    assert [row.principal_minor - row.paid_minor for row in rows] == [0, 10_000]
