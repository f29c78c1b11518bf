"""What the cloud knows, asked for every second through its HTTP interface, kept as one document for the page.

A list that cannot be read leaves its last contents and a line in `problems`; the page goes on.
"""

import asyncio
import uuid
from typing import Any

from tools.api import Api, ApiError

_EVERY_S = 1.0
_KEPT = 60  # newest items of each list

Item = dict[str, Any]


class CloudView:
    """Await run() in a task; `state` is what the page shows, `version` counts its changes."""

    def __init__(self, api: Api, gateway_ids: list[int]) -> None:
        self.version = 0
        self.state: Item = {"meters": [], "vends": [], "entries": {}, "messages": [], "cases": [], "problems": []}
        self._api = api
        self._gateway_ids = gateway_ids
        self._tokens: dict[str, dict[int, str]] = {}  # by purchase and part; asking is a reprint, so it is done once
        self._from: dict[str, int] = {}  # path -> where its newest items begin

    async def run(self) -> None:
        """Ask for ever."""
        while True:
            await self.refresh()
            await asyncio.sleep(_EVERY_S)

    async def refresh(self) -> None:
        """Ask once for everything."""
        problems: list[str] = []
        state: Item = {
            "meters": await self._meters(problems),
            "vends": await self._vends(problems),
            "messages": await self._newest("/messages", "messages", problems),
            "cases": await self._newest("/cases", "cases", problems),
            "entries": {
                str(gateway): await self._newest(f"/gateways/{gateway}/entries", str(gateway), problems)
                for gateway in self._gateway_ids
            },
        }
        state["problems"] = sorted(set(problems))
        if state != self.state:
            self.state = state
            self.version += 1

    async def sell(self, drn: str, volume_ml: int, delivery: str) -> Item:
        """Sell a volume for cash, for what the cloud says that it needs; the receipt. Raises ApiError."""
        meter = next((meter for meter in self.state["meters"] if meter["drn"] == drn), None)
        if meter is None:
            raise ApiError(404, "no_meter", f"There is no meter {drn}.")
        currency = meter["currency"]
        asked = {"drn": drn, "currency": currency, "volume_ml": volume_ml}
        needed: Item = await self._api.post("/trial-vends", asked)
        order = {
            "purchase_id": str(uuid.uuid4()),
            "drn": drn,
            "volume_ml": volume_ml,
            "tender": {"kind": "cash", "amount_minor": needed["tender_minor"], "currency": currency},
            "delivery": delivery,
        }
        receipt: Item = await self._api.post("/vends", order)
        self._keep(receipt)
        await self.refresh()
        return receipt

    async def _meters(self, problems: list[str]) -> list[Item]:
        """The meters of our gateways with customer, price and standing."""
        try:
            customers = {item["id"]: item for item in await self._api.items("/customers")}
            tariffs = {item["id"]: item for item in await self._api.items("/tariffs")}
            meters = [meter for meter in await self._api.items("/meters") if meter["gateway_id"] in self._gateway_ids]
            return [await self._meter(meter, customers, tariffs) for meter in meters]
        except ApiError as error:
            problems.append(str(error))
            return list(self.state["meters"])

    async def _meter(self, meter: Item, customers: dict[int, Item], tariffs: dict[int, Item]) -> Item:
        detail: Item = await self._api.get(f"/meters/{meter['drn']}")
        tariff = tariffs[meter["tariff_id"]]
        customer = customers.get(meter["customer_id"] or 0, {"name": "no customer", "language": "en"})
        return {
            **{name: detail[name] for name in ("drn", "gateway_id", "channel", "pulse_volume_ml")},
            **{name: detail[name] for name in ("balance_ml", "register_ml")},
            "customer": customer["name"],
            "currency": tariff["currency"],
            "price_minor_per_m3": tariff["price_minor_per_m3"],
        }

    async def _vends(self, problems: list[str]) -> list[Item]:
        vends = await self._newest("/vends", "vends", problems)
        ours = {meter["drn"] for meter in self.state["meters"]}
        return [{**vend, "token": await self._token(vend, problems)} for vend in vends if vend["drn"] in ours]

    async def _token(self, vend: Item, problems: list[str]) -> str | None:
        purchase_id = str(vend["purchase_id"])
        if purchase_id not in self._tokens:
            try:
                self._keep(await self._api.get(f"/vends/{purchase_id}"))
            except ApiError as error:
                problems.append(str(error))
        return self._tokens.get(purchase_id, {}).get(vend["part"])

    def _keep(self, receipt: Item) -> None:
        credit = {token["number"]: token["digits"] for token in receipt["tokens"] if token["kind"] == "credit"}
        self._tokens[str(receipt["purchase_id"])] = {part: digits for part, digits in credit.items() if digits}

    async def _newest(self, path: str, name: str, problems: list[str]) -> list[Item]:
        """The newest items of a list, newest first; what lies before them is not asked for again."""
        try:
            items = await self._api.items(path, after=self._from.get(path, 0))
        except ApiError as error:
            problems.append(str(error))
            kept = self.state["entries"].get(name, []) if name.isdigit() else self.state[name]
            return list(kept)
        if len(items) > _KEPT:
            last_left_out = items[-_KEPT - 1]
            self._from[path] = int(last_left_out.get("id") or last_left_out["sequence"])
        return items[: -_KEPT - 1 : -1]
