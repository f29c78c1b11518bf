"""Every route of agents and tills once, for the walk over all routes."""

from typing import Any

from cloud.keys import CHANNELS, CLOCK, DATABASE, KEY_STORE
from cloud.payments.worker import Payments
from tests.cloud.agents.market import Market
from tests.cloud.served import Api, Town


async def walk_agents(api: Api, town: Town) -> dict[str, Any]:
    """Call them; the numbers of an agent, of a shift, and of a batch that was sold."""
    market = await Market(api, town).found()
    path = f"/agents/{market.agent}"
    commission = {"numerator": 1, "denominator": 100}
    await api.call("PUT", f"{path}/commission", json=commission)
    await api.made(f"{path}/commission/decline", None)
    asked = (await market.ask(5)).body["id"]
    await api.made(f"/float-requests/{asked}/decline", None)
    await api.call("DELETE", f"{path}/sellers/{await market.number('seller')}")
    await api.get(f"{path}/statement", first="2025-06-15", last="2025-06-15")
    await pay_in(api, market)
    await api.call("PUT", f"{path}/state", json={"state": "suspended", "reason": "r"})
    shift = {"utility_id": town.utility, "currency": "KES", "opening_minor": 10}
    till = f"/shifts/{(await api.made('/shifts', shift))['shift']['id']}"
    await market.approver.made(f"{till}/handovers", {"amount_minor": 1, "reference": "r"})
    await api.made(f"{till}/close", {"counted_minor": 0, "note": "n"})
    await market.approver.made(f"{till}/settle", {"reason": "r"})
    order = {"utility_id": town.utility, "count": 1, "amount_minor": 9, "currency": "KES", "expires_at": 2**31}
    batch = (await api.made("/voucher-batches", order))["batch"]["id"]
    sale = {"sold_to": "Duka", "paid_by": "cash", "price_minor": 8, "reference": "r"}
    await api.made(f"/voucher-batches/{batch}/sale", sale)
    await api.made(f"/voucher-batches/{batch}/sale/decline", None)
    await api.made(f"/voucher-batches/{batch}/sale", sale)
    await market.approver.made(f"/voucher-batches/{batch}/sale/approve", None)
    await api.made(f"/voucher-batches/{batch}/stop", None)
    await market.approver.made(f"/voucher-batches/{batch}/sale/end", {"how": "kept"})
    return {"agent": market.agent, "shift": int(till.rpartition("/")[2]), "voucher_batch": batch}


async def pay_in(api: Api, market: Market) -> None:
    """A deposit for an agent whom nobody knows; the channels are those of the payments that were walked before."""
    app = api.client.app
    assert app is not None
    mapping = {"date": "d", "amount": "a", "text": "t", "reference": "r"}
    statement = {"channel": "bank", "format": "csv", "currency": "KES", "mapping": mapping}
    await api.made("/bank-statements", {**statement, "content": "d,a,t,r\n2025-06-15,5.00,A999,deposit\n"})
    await Payments(app[DATABASE], app[KEY_STORE], app[CHANNELS], app[CLOCK]).work_due()
    listed = (await api.get("/payments", state="waiting", limit=500)).body["items"]
    payment = next(one["id"] for one in listed if one["account_reference"] == "A999")
    await api.made(f"/payments/{payment}/float", {"agent_id": market.agent})
