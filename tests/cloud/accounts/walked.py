"""Every route of customers, places and accounts with success, as the story of a day at a utility."""

from typing import Any

from tests.cloud.commands.orders import take_in
from tests.cloud.served import SGC, Api, Town, new_drn

DAY_S = 86_400


async def walk_accounts(api: Api) -> dict[str, int]:
    """Open, swap, close, agree, write off and refund; the numbers that paths need."""
    town = await api.town()
    await take_in(api, town, town.device.hello(), town.device.batch())
    approver = await api.person("accounts@penstock.example", "approver")
    contacts: dict[str, Any] = {"contacts": [{"email": "w@example.org"}], "language": "en"}
    await api.call("PUT", f"/customers/{town.customer}/contacts", json=contacts)
    stays = {"move_credit": "place", "reason": "r"}
    await api.call("PUT", f"/utilities/{town.utility}/move-credit", json=stays)
    opened = await api.made("/accounts", new_account(town, new_drn(), channel=1))
    places = {"account": opened["id"], "service_point": opened["service_point_id"]}
    places |= await _swaps(api, approver, town)
    places |= await _closings(api, approver, town, opened["id"])
    places |= await _debts(api, approver, town)
    return places | await _refunds(api, approver, town)


def new_account(town: Town, drn: str, channel: int, **changes: Any) -> dict[str, Any]:
    """The body that opens an account with everything new."""
    meter = {"gateway_id": town.gateway, "channel": channel, "drn": drn, "pulse_volume_ml": 1000}
    contacts = [{"phone": "+254700000009"}, {"email": "a@example.org", "consent": False}]
    return {
        "utility_id": town.utility,
        "customer": {"name": "Achieng", "language": "en", "contacts": contacts},
        "service_point": {"new": {"place": "Plot 7", "address": "Hill Road 7", "latitude_e6": -1_286_389}},
        "meter": {"new": {**meter, "sgc": SGC, "krn": 1, "ti": 1}},
        "tariff_id": town.tariff,
        "billing": {"payment": "prepayment", "persons": 4},
        **changes,
    }


async def spare(api: Api, town: Town, channel: int) -> str:
    """A meter that nobody has."""
    drn = new_drn()
    await api.made("/meters", town.meter(channel=channel, drn=drn, customer_id=None))
    return drn


async def _swaps(api: Api, approver: Api, town: Town) -> dict[str, int]:
    new = await spare(api, town, 2)
    path, body = f"/meters/{town.drn}/swap", {"new_drn": new, "proof": "last_verified", "reason": "r"}
    first = await api.made(path, body)
    await api.made(f"/meter-swaps/{first['id']}/decline", None)
    second = await api.made(path, body)
    await approver.made(f"/meter-swaps/{second['id']}/approve", None)
    await api.made(f"/meter-swaps/{second['id']}/carry", None)
    return {"meter_swap": second["id"]}


async def _closings(api: Api, approver: Api, town: Town, account: int) -> dict[str, int]:
    path = f"/accounts/{account}/close"
    body = {"credit": "refund", "bar_meter": True, "proof": "last_verified", "reason": "r"}
    first = await api.made(path, body)
    await api.made(f"/account-closings/{first['id']}/decline", None)
    second = await api.made(path, body)
    await approver.made(f"/account-closings/{second['id']}/approve", None)
    empty = await api.made("/accounts", new_account(town, new_drn(), channel=3))
    stays = {"credit": "place", "proof": "last_verified", "reason": "r"}
    await api.made(f"/accounts/{empty['id']}/close", stays)
    await api.call("DELETE", f"/service-points/{empty['service_point_id']}/meter")
    return {"account_closing": second["id"]}


async def _debts(api: Api, approver: Api, town: Town) -> dict[str, int]:
    body = {"currency": "KES", "items": [{"what": "w", "amount_minor": 300_000}], "percent": 10, "reason": "r"}
    plan = {"due": [api.clock.now() + DAY_S, api.clock.now() + 2 * DAY_S]}
    agreed = await api.made(f"/customers/{town.customer}/agreements", body | plan)
    path = f"/debts/{agreed['debt']['id']}/write-off"
    first = await api.made(path, {"reason": "r"})
    await api.made(f"/write-offs/{first['id']}/decline", None)
    second = await api.made(path, {"reason": "r"})
    await approver.made(f"/write-offs/{second['id']}/approve", None)
    return {"write_off": second["id"]}


async def _refunds(api: Api, approver: Api, town: Town) -> dict[str, int]:
    """What a purchase left over goes back: once declined, once paid."""
    other = await api.town(utility=0)
    tender = {"kind": "cash", "amount_minor": 90_000, "currency": "KES"}
    await api.made("/vends", other.vend(tender=tender, change="account"))
    path, body = f"/customers/{other.customer}/refunds", {"currency": "KES", "amount_minor": 10_000, "reason": "r"}
    first = await api.made(path, body)
    await api.made(f"/refund-orders/{first['id']}/decline", None)
    second = await api.made(path, body)
    await approver.made(f"/refund-orders/{second['id']}/approve", None)
    await api.made(f"/refund-orders/{second['id']}/pay", {"source": "bank", "reference": "T"})
    for form in ("json", "csv", "xlsx", "pdf"):
        await api.get(f"/customers/{other.customer}/statement", currency="KES", format=form, language="fr")
    return {"refund_order": second["id"]}
