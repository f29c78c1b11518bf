"""A small cloud for the bench page: the lists of the HTTP interface over TLS, with sales that are remembered."""

import hashlib
import ssl
from typing import Any

from aiohttp import web

from tools.authority import Paths

KEY = "a-test-key"
PRICE_MINOR_PER_M3 = 250
FIXED_MINOR = 40  # of the month, which only the cloud knows of


class FakeCloud:
    """Two meters on gateway 1, one on gateway 2; await start(), stop(). `broken` makes every answer a 503."""

    def __init__(self, paths: Paths) -> None:
        self.url = ""
        self.broken = False
        self.reprints = 0
        self.lists: dict[str, list[dict[str, Any]]] = {
            "/customers": [
                {"id": 1, "name": "Ama Mensah"},
                {"id": 2, "name": "Yao Agbeko"},
                {"id": 3, "name": "Esi Owusu"},
            ],
            "/tariffs": [{"id": 1, "currency": "GHS", "price_minor_per_m3": PRICE_MINOR_PER_M3}],
            "/meters": [_meter(1, 1, 0), _meter(2, 1, 1), _meter(3, 2, 0)],
            "/vends": [],
            "/messages": [],
            "/cases": [],
            "/gateways/1/entries": [],
            "/gateways/2/entries": [],
        }
        self._tokens: dict[str, str] = {}
        self._paths = paths

    async def start(self) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self._paths.cloud, self._paths.cloud_key)
        app = web.Application()
        app.router.add_route("*", "/api/v1{path:.*}", self._answer)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0, ssl_context=context).start()
        self.url = f"https://127.0.0.1:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        await self._runner.cleanup()

    async def _answer(self, request: web.Request) -> web.Response:
        path = request.match_info["path"]
        if self.broken or request.headers.get("Authorization") != f"Bearer {KEY}":
            return _error(503, "The database is away.") if self.broken else _error(401, "Sign in.")
        if request.method == "POST" and path in ("/vends", "/trial-vends"):
            order = await request.json()
            needed = {"tender_minor": _needed_minor(order["volume_ml"])}
            return web.json_response(self._vend(order) if path == "/vends" else needed, status=201)
        if path in self.lists:
            after = int(request.query.get("after", 0))
            items = [item for item in self.lists[path] if item.get("id", item.get("sequence")) > after]
            return web.json_response({"items": items[:100], "next": _next(items)})
        kind, _, name = path.rpartition("/")
        if kind == "/meters":
            return web.json_response(next(meter for meter in self.lists["/meters"] if meter["drn"] == name))
        if kind == "/vends" and name in self._tokens:
            self.reprints += 1
            vend = next(vend for vend in self.lists["/vends"] if vend["purchase_id"] == name)
            return web.json_response(self._receipt(vend))
        return _error(404, f"There is no {path}.")

    def _vend(self, order: dict[str, Any]) -> dict[str, Any]:
        purchase_id = order["purchase_id"]
        if purchase_id not in self._tokens:
            number = int.from_bytes(hashlib.sha256(purchase_id.encode()).digest()[:8]) % 10**20
            self._tokens[purchase_id] = f"{number:020d}"
            amount = _needed_minor(order["volume_ml"])
            self.lists["/vends"].append(
                {
                    "id": len(self.lists["/vends"]) + 1,
                    "part": 1,
                    **{name: order[name] for name in ("purchase_id", "drn", "volume_ml", "delivery")},
                    "amount_minor": amount,
                    "change_minor": order["tender"]["amount_minor"] - amount,
                    "currency": "GHS",
                    "tender_kind": order["tender"]["kind"],
                    "state": "vended",
                    "created_at": 1_800_000_000,
                }
            )
        vend = next(vend for vend in self.lists["/vends"] if vend["purchase_id"] == purchase_id)
        return self._receipt(vend)

    def _receipt(self, vend: dict[str, Any]) -> dict[str, Any]:
        digits = self._tokens[vend["purchase_id"]]
        return {**vend, "token": digits, "tokens": [{"kind": "credit", "number": 1, "digits": digits}]}


def _needed_minor(volume_ml: int) -> int:
    return volume_ml * PRICE_MINOR_PER_M3 // 1_000_000 + FIXED_MINOR


def _meter(number: int, gateway_id: int, channel: int) -> dict[str, Any]:
    return {
        "id": number,
        "drn": f"0010000{number:04d}",
        "gateway_id": gateway_id,
        "channel": channel,
        "pulse_volume_ml": 1000,
        "customer_id": number,
        "tariff_id": 1,
        "balance_ml": 5_000_000 * (number - 1),
        "register_ml": 1_234_000 * number,
    }


def _next(items: list[dict[str, Any]]) -> int | None:
    return int(items[99].get("id", items[99].get("sequence"))) if len(items) > 100 else None


def _error(status: int, message: str) -> web.Response:
    problem = {
        "type": "urn:penstock:problem:fake",
        "title": "fake",
        "status": status,
        "detail": message,
        "code": "fake",
    }
    return web.json_response(problem, status=status, content_type="application/problem+json")
