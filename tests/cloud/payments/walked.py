"""Every route of payments once, for the walk over all routes; the provider is served meanwhile."""

import json
from typing import Any

from aiohttp.test_utils import TestServer

from cloud.keys import CHANNELS, CLOCK, CONFIG
from cloud.payments.channels import channels
from tests.cloud.payments.paying import Paying
from tests.cloud.served import Api, Town
from tests.fakes.provider import FakeProvider
from tests.fakes.provider import channels as channels_file


async def walk_payments(api: Api, town: Town) -> dict[str, Any]:
    """Call them; the numbers of a payment and of a push request."""
    fake = FakeProvider()
    app = api.client.app
    assert app is not None
    async with TestServer(fake.app()) as server:
        file = app[CONFIG].kek_file.parent / "payments.json"
        file.write_text(json.dumps(channels_file(str(server.make_url("/")), town.utility)))
        config = app[CONFIG].model_copy(update={"payments_file": file})
        app[CHANNELS].update(channels(config, app[CLOCK].now))
        paying = Paying(api, town, fake)
        push = {"channel": "paybill", "drn": town.drn, "phone": "+254708374149", "amount_minor": 50_000}
        asked = await api.made("/push-requests", push)
        mapping = {"date": "d", "amount": "a", "text": "t", "reference": "r"}
        lines = "".join(f"2025-06-15,500.00,x,{number}\n" for number in range(3))
        statement = {"channel": "bank", "format": "csv", "currency": "KES", "mapping": mapping}
        await api.made("/bank-statements", {**statement, "content": "d,a,t,r\n" + lines})
        forged = fake.pay("flutterwave", town.drn, 50_000)
        del fake.paid[forged.reference]
        await paying.settle()
        first, second, third, closed = [f"/payments/{one['id']}" for one in await paying.payments()]
    await api.made(f"{first}/assign", {"drn": town.drn})
    await api.made(f"{second}/refund", {"reference": "r"})
    await api.made(f"{second}/refund/decline", None)
    await api.made(f"{third}/refund", {"reference": "r"})
    approver = await api.person("payments@b.example", scopes=["payments:approve"])
    await approver.made(f"{third}/refund/approve", None)
    await api.made(f"{closed}/close", {"note": "n"})
    order = {"utility_id": town.utility, "count": 1, "amount_minor": 50_000, "currency": "KES", "expires_at": 2**31}
    made = await api.made("/voucher-batches", order)
    await api.made("/vouchers/redeem", {"code": made["vouchers"][0]["code"], "drn": town.drn})
    await api.made(f"/voucher-batches/{made['batch']['id']}/stop", None)
    await _large_batches(api, order)
    return {"payment": int(first.rpartition("/")[2]), "push_request": asked["id"]}


async def _large_batches(api: Api, order: dict[str, Any]) -> None:
    """A batch that another person approves, and one that they decline."""
    approver = await api.person("batches@b.example", scopes=["payments:approve"])
    face = {"count": 1000, "amount_minor": 50_000, "currency": order["currency"], "expires_at": order["expires_at"]}
    first, second = [(await api.made("/voucher-batches", {**order, **face}))["batch"]["id"] for _ in range(2)]
    await approver.made(f"/voucher-batches/{first}/approve", face)
    await api.made(f"/voucher-batches/{first}/codes", None)
    await approver.made(f"/voucher-batches/{second}/decline", None)
