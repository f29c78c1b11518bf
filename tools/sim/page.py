"""The development page: each gateway's display, keypad, taps and valves, and beside them what the cloud knows.

Rule: it listens on loopback, keeps the API key on this side, and takes only JSON from pages of its own address.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from aiohttp import web

from boards import sim
from tools.api import Api, ApiError
from tools.sim.cloud_view import CloudView
from tools.sim.process import GatewayProcess
from tools.sim.world import World, WorldError

_STATIC = Path(__file__).parent / "static"
_FRAME_S = 0.1
_STILL_THERE_S = 15.0
_KEYS_MAX = 32
_EVENTS_SHOWN = 12
_FLOW_ML_MAX = 1_000_000
_TAP_ML_PER_S_MAX = 2000
_VOLUME_ML_MAX = 10**9
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}

Body = dict[str, Any]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class Gateway:
    """A simulated gateway that the page shows; the process may be left out, and then it has no power switch."""

    id: int
    name: str
    world: World
    process: GatewayProcess | None = None


class BadRequest(Exception):
    """The page's own request was wrong; one line."""


class Page:
    """Await start(), open `url`, await stop()."""

    def __init__(self, cloud_url: str, api_key: str, ca_file: Path, gateways: list[Gateway], *, port: int = 0) -> None:
        self.url = ""
        self._api = Api(cloud_url, api_key, ca_file)
        self._gateways = {gateway.id: gateway for gateway in gateways}
        self._cloud = CloudView(self._api, sorted(self._gateways))
        self._port = port
        self._tasks: set[asyncio.Task[Any]] = set()
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        """Serve on loopback, and begin to ask the cloud."""
        await self._api.__aenter__()
        app = web.Application(middlewares=[self._guard])
        app.add_routes(
            [
                web.get("/", self._index),
                web.get("/events", self._events),
                *(web.post(f"/{name}", self._action) for name in self._ACTIONS),
                web.static("/static", _STATIC),
            ]
        )
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self._port)
        await site.start()
        self._port = self._runner.addresses[0][1]
        self.url = f"http://127.0.0.1:{self._port}/"
        self._keep(self._cloud.run())

    async def stop(self) -> None:
        """Close every connection and end."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._runner is not None:
            await self._runner.cleanup()
        await self._api.__aexit__(None, None, None)

    # Requests.

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Refuse other names for this address, and whatever another site could send without asking."""
        if request.host not in (f"127.0.0.1:{self._port}", f"localhost:{self._port}"):
            raise web.HTTPForbidden(text="unknown host")
        if request.method == "POST" and request.content_type != "application/json":
            raise web.HTTPUnsupportedMediaType(text="send JSON")
        response = await handler(request)
        if not response.prepared:
            response.headers.update(_HEADERS)
        return response

    async def _index(self, _request: web.Request) -> web.FileResponse:
        return web.FileResponse(_STATIC / "index.html")

    async def _events(self, request: web.Request) -> web.StreamResponse:
        """Server-sent events: "devices" whenever something moves, "cloud" whenever the cloud knows more."""
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", **_HEADERS})
        await response.prepare(request)
        devices, version, quiet_s = "", -1, 0.0
        with suppress(ConnectionError):
            while True:
                text = json.dumps([_device(gateway) for gateway in self._gateways.values()])
                quiet_s += _FRAME_S
                if text != devices or quiet_s > _STILL_THERE_S:
                    devices, quiet_s = text, 0.0
                    await response.write(f"event: devices\ndata: {text}\n\n".encode())
                if version != self._cloud.version:
                    version = self._cloud.version
                    await response.write(f"event: cloud\ndata: {json.dumps(self._cloud.state)}\n\n".encode())
                await asyncio.sleep(_FRAME_S)
        return response

    async def _action(self, request: web.Request) -> web.Response:
        try:
            body = await request.json()
            if not isinstance(body, dict):
                raise BadRequest("send a JSON object")
            answer = await self._ACTIONS[request.path.removeprefix("/")](self, body)
        except (BadRequest, ValueError) as error:
            return web.json_response({"error": str(error)}, status=400)
        except WorldError as error:
            return web.json_response({"error": str(error).splitlines()[0]}, status=504)
        except ApiError as error:
            return web.json_response({"error": str(error)}, status=error.status or 502)
        return web.json_response(answer or {})

    # What can be done.

    async def _press(self, body: Body) -> None:
        keys = body.get("keys")
        if not isinstance(keys, str) or not 0 < len(keys) <= _KEYS_MAX or set(keys) - set(sim.KEYPAD_KEYS):
            raise BadRequest("keys: 1 to 32 of 0-9 * #")
        await self._gateway(body).world.press(keys)

    async def _tap(self, body: Body) -> None:
        self._gateway(body).world.tap(_channel(body), _number(body, "ml_per_s", 0, _TAP_ML_PER_S_MAX))

    async def _flow(self, body: Body) -> None:
        volume_ml = _number(body, "volume_ml", 1, _FLOW_ML_MAX)
        self._keep(self._gateway(body).world.flow(_channel(body), volume_ml))

    async def _jam(self, body: Body) -> None:
        self._gateway(body).world.valve(_channel(body)).jammed = bool(body.get("jammed"))

    async def _lid(self, body: Body) -> None:
        self._gateway(body).world.set_lid(bool(body.get("open")))

    async def _power(self, body: Body) -> None:
        process = self._gateway(body).process
        if process is None:
            raise BadRequest("this gateway has no power switch here")
        if not body.get("on"):
            await process.kill()
        elif not process.running:
            await process.start()

    async def _sell(self, body: Body) -> Body:
        drn, delivery = body.get("drn"), body.get("delivery")
        if not isinstance(drn, str) or delivery not in ("keypad", "remote"):
            raise BadRequest("drn: a meter number; delivery: keypad or remote")
        return await self._cloud.sell(drn, _number(body, "volume_ml", 1, _VOLUME_ML_MAX), delivery)

    _ACTIONS: ClassVar[dict[str, Callable[["Page", Body], Awaitable[Body | None]]]] = {
        "press": _press,
        "tap": _tap,
        "flow": _flow,
        "jam": _jam,
        "lid": _lid,
        "power": _power,
        "sell": _sell,
    }

    def _gateway(self, body: Body) -> Gateway:
        gateway = self._gateways.get(_number(body, "gateway", 0, 0xFFFFFFFF))
        if gateway is None:
            raise BadRequest("gateway: one of this page")
        return gateway

    def _keep(self, work: Any) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _device(gateway: Gateway) -> Body:
    """All that can be seen of a gateway from outside."""
    world = gateway.world
    return {
        "id": gateway.id,
        "name": gateway.name,
        "on": world.connected,
        "switchable": gateway.process is not None,
        "lines": world.lines(),
        "backlight": world.connected and world.display.backlight,
        "led": world.led,
        "beeps": world.beeps,
        "boots": world.boots,
        "lid_open": world.lid_open,
        "events": [[int(at), what] for at, what in world.events][-_EVENTS_SHOWN:],
        "pipes": [
            {
                "valve": pipe.valve.state(),
                "position": pipe.valve.position,
                "jammed": pipe.valve.jammed,
                "tap_ml_per_s": pipe.tap_ml_per_s,
                "delivered_ml": pipe.delivered_ml,
                "pulses": pipe.pulses,
            }
            for pipe in world.pipes
        ],
    }


def _channel(body: Body) -> int:
    return _number(body, "channel", 0, sim.MAX_METERS - 1)


def _number(body: Body, name: str, least: int, most: int) -> int:
    value = body.get(name)
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise BadRequest(f"{name}: a whole number from {least} to {most}")
    return value
