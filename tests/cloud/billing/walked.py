"""Every route of bills, called with success: a meter in credit mode lives through a month."""

import uuid
from typing import Any

from cloud.billing.worker import Billing
from cloud.keys import CLOCK, COMMANDS_WAITING, DATABASE
from shared import kinds
from shared.civil import DAY_S
from tests.cloud.commands.orders import take_in
from tests.cloud.served import Api, Town, new_drn

_BLOCKS = [{"limit_ml": None, "price_milliminor": 10_000_000}]


async def work(api: Api) -> None:
    """Let the service of bills do what is due."""
    app = api.client.app
    assert app is not None
    await Billing(app[DATABASE], app[CLOCK], app[COMMANDS_WAITING]).work_due()


async def credit_class(api: Api, town: Town) -> int:
    """A class with the consumption basis that holds from tomorrow."""
    made = await api.made(
        "/tariffs",
        {"utility_id": town.utility, "name": f"Billed {uuid.uuid4()}", "commodity": "water", "currency": "KES"},
    )
    from_s = api.clock.now() + 60
    terms = {"reason": "r", "block_basis": "consumption", "blocks": _BLOCKS, "effective_from_s": from_s}
    await api.made(f"/tariffs/{made['id']}/versions", terms)
    await api.made(f"/tariffs/{made['id']}/versions/1/submit", None)
    approver = await api.person(f"{uuid.uuid4()}@penstock.example", "approver")
    await approver.made(f"/tariffs/{made['id']}/versions/1/approve", None)
    api.clock.time = from_s + 60
    return int(made["id"])


async def billed_town(api: Api) -> tuple[Town, str, int]:
    """A town, the number of a meter on its channel 1 that is billed, and its class."""
    town = await Town(api).found(enrol=False)
    tariff = await credit_class(api, town)
    drn = new_drn()
    await api.made("/meters", town.meter(channel=1, drn=drn, payment="credit", tariff_id=tariff))
    await town.enrol(town.device)
    await take_in(api, town, town.device.hello(), town.device.batch())
    return town, drn, tariff


async def days(api: Api, town: Town, count: int, a_day_ml: int) -> None:
    """Days go by at the billed meter, and are heard of."""
    device = town.device
    for _ in range(count):
        device.clock_s = (device.clock_s // DAY_S + 1) * DAY_S
        device.drive(1)
        device.charge(1, a_day_ml)
        device.write(kinds.DAY, 1, detail=device.clock_s // DAY_S - 1, rule=kinds.RULE_DAY)
        await take_in(api, town, device.batch())
    api.clock.time = max(api.clock.time, device.clock_s + 60)


async def bill(api: Api, approver: Api, town: Town, through: str) -> Any:
    """A run through a day, released by another person; its view."""
    run = await api.made("/bill-runs", {"utility_id": town.utility, "through": through})
    await work(api)
    await release(api, approver, run["id"])
    return (await api.get(f"/bill-runs/{run['id']}")).body


async def release(api: Api, approver: Api, run: int) -> None:
    """Another person releases a run as it was counted."""
    seen = (await approver.get(f"/bill-runs/{run}")).body["content_sha256"]
    await approver.made(f"/bill-runs/{run}/release", {"content_sha256": seen})
    await work(api)


async def walk_billing(api: Api) -> dict[str, int]:
    """All of it; numbers for the paths."""
    town, drn, tariff = await billed_town(api)
    approver = await api.person("bills@penstock.example", "approver")
    policy = {"utility_id": town.utility, "due_days": 14, "reminder_days": [-3], "trickle_days": 10, "reason": "r"}
    first, second = [await api.made("/billing-policies", policy) for _ in range(2)]
    await approver.made(f"/billing-policies/{first['id']}/approve", None)
    await approver.made(f"/billing-policies/{second['id']}/decline", None)
    await days(api, town, 20, 200_000)
    run = await bill(api, approver, town, "2025-07-01")
    made = (await api.get("/bills")).body["items"][-1]
    asked_back = [await api.made(f"/bills/{made['id']}/credits", {"reason": "r"})]
    await approver.made(f"/bill-credits/{asked_back[0]['id']}/decline", None)
    asked_back += [await api.made(f"/bills/{made['id']}/credits", {"reason": "r"})]
    await approver.made(f"/bill-credits/{asked_back[1]['id']}/approve", None)
    await api.made(f"/bill-runs/{run['id']}/recount", None)
    await work(api)
    await release(api, approver, run["id"])
    await pay(api, town, 100)
    await api.made(f"/customers/{town.customer}/bill-debts", {"currency": "KES", "percent": 10, "reason": "r"})
    switch = {"payment": "prepayment", "tariff_id": town.tariff, "reason": "r"}
    asked = await api.made(f"/meters/{drn}/switches", switch)
    await approver.made(f"/switches/{asked['id']}/decline", None)
    again = await api.made(f"/meters/{drn}/switches", switch)
    await approver.made(f"/switches/{again['id']}/approve", None)
    assert tariff
    cycle = await api.made("/billing-cycles", {"utility_id": town.utility, "cycle": 1, "day": 3})
    await api.call("PUT", f"/meters/{drn}/billing-cycle", json={"cycle": 2})
    return {
        "billing_cycle": cycle["id"],
        "bill": made["id"],
        "bill_run": run["id"],
        "credit_request": asked_back[0]["id"],
        "billing_policy": first["id"],
        "mode_switch": again["id"],
    }


async def pay(api: Api, town: Town, amount_minor: int, payment_id: str = "") -> Any:
    """Cash for bills of the town's customer."""
    tender = {"kind": "cash", "amount_minor": amount_minor, "currency": "KES"}
    body = {"payment_id": payment_id or str(uuid.uuid4()), "customer_id": town.customer, "tender": tender}
    return await api.made("/bill-payments", body)
