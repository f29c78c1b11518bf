"""Every route of reports once, for the walk over all routes; the channels of payments are there."""

from typing import Any

from tests.cloud.served import Api, Town


async def walk_reports(api: Api, town: Town) -> dict[str, Any]:
    """Call them; the numbers of a reconciliation and of a difference."""
    card = {"kind": "card", "amount_minor": 50_000, "currency": "KES"}
    sold = await api.made("/vends", town.vend(tender=card))
    mapping = {"date": "d", "reference": "r", "amount": "a"}
    lines = "d,r,a\n2025-06-15,slip,500.00\n2025-06-15,nobody,1.00\n"
    await api.made("/settlements", {"channel": "flw", "currency": "KES", "mapping": mapping, "content": lines})
    proof = {"provider": "flutterwave", "reference": "slip", "reason": "r"}
    await api.made(f"/vends/{sold['purchase_id']}/tender-proof", proof)
    made = await api.made("/reconciliations", {"utility_id": town.utility})
    unknown = next(item for item in made["items"] if item["code"] == "payment_unknown")
    await api.made(f"/reconciliation-items/{unknown['id']}/settle", {"note": "n"})
    span = {"first": "2025-06-01", "last": "2025-06-30"}
    await api.get(f"/meters/{town.drn}/days", **span)
    await api.get("/reports/bulk", utility_id=town.utility, **span)
    return {"reconciliation": made["id"], "reconciliation_item": unknown["id"]}
