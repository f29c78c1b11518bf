"""Calls a served cloud and compares every answer with what the OpenAPI document declares for it."""

import functools
import json
import re
import uuid
from collections import Counter
from collections.abc import Iterable
from typing import Any

import jsonschema
from aiohttp.test_utils import TestClient

from cloud.api.openapi import document
from cloud.app import ROUTES
from cloud.auth import operators, rules
from cloud.auth import service as auth
from cloud.keys import DATABASE
from shared import documents
from shared.sts.identity import luhn_digit
from shared.wire import Reader
from tests.fakes.device import Device

START = 1_750_000_000
SGC = "600675"

answered: Counter[tuple[str, str, int]] = Counter()
"""How often each (method, path of the document, status) was seen by any test of this run."""


class HandClock:
    """A clock that stands until it is moved."""

    def __init__(self, now: int = START) -> None:
        self.time = now

    def now(self) -> int:
        return self.time


class Answer:
    """A status and the JSON, or the bytes of the file, that came with it."""

    def __init__(self, status: int, body: Any, headers: Any, cookies: Any) -> None:
        self.status = status
        self.body = body
        self.headers = headers
        self.cookies = cookies

    @property
    def code(self) -> str:
        return str(self.body["code"])

    @property
    def message(self) -> str:
        return str(self.body["detail"])


class Api:
    """One caller. `post` and the like return any answer; `made` insists on success and returns the body."""

    def __init__(self, client: TestClient, clock: HandClock, key: str | None) -> None:  # type: ignore[type-arg]
        self.client = client
        self.clock = clock
        self.key = key

    def as_key(self, key: str | None) -> "Api":
        """Return another caller of the same cloud."""
        return Api(self.client, self.clock, key)

    async def person(
        self,
        email: str,
        role: str = "administrator",
        scopes: Iterable[str] | None = None,
        utility_id: int | None = None,
    ) -> "Api":
        """Return another person, who calls with an API key of their own: all scopes of the role, or fewer."""
        app = self.client.app
        assert app is not None
        now = self.clock.now()
        async with app[DATABASE].begin() as session:
            owner = await operators.add_operator(
                session, auth.command_line(), email=email, password_hash="", role=role, utility_id=utility_id, now=now
            )
            wanted = rules.ROLES[role] if scopes is None else frozenset(scopes)
            made = await auth.add_api_key(session, auth.command_line(), email, wanted, utility_id, now, owner=owner)
        return self.as_key(made[1])

    async def get(self, path: str, **query: Any) -> Answer:
        return await self.call("GET", path, params={name: str(value) for name, value in query.items()})

    async def post(self, path: str, body: Any = None, **kwargs: Any) -> Answer:
        return await self.call("POST", path, json=body, **kwargs)

    async def made(self, path: str, body: Any) -> Any:
        answer = await self.post(path, body)
        assert answer.status in (200, 201), answer.body
        return answer.body

    async def call(self, method: str, path: str, headers: dict[str, str] | None = None, **kwargs: Any) -> Answer:
        credentials = {} if self.key is None else {"Authorization": f"Bearer {self.key}"}
        async with self.client.request(
            method, "/api/v1" + path, headers={**credentials, **(headers or {})}, **kwargs
        ) as response:
            media, raw = response.content_type, await response.read()
            assert (media == "application/problem+json") == (response.status >= 400)
            body = json.loads(raw) if media.endswith("json") else raw
            check_declared(method, path, response.status, body, media)
            return Answer(response.status, body, response.headers, response.cookies)

    async def town(self, **changes: Any) -> "Town":
        """Make a utility with a key, a tariff, a customer, a gateway and a meter, and enrol a device."""
        return await Town(self).found(**changes)


class KeyedDevice(Device):
    """A device that shows the decoder keys of its bundle, by channel, and the tables of EA07 in it."""

    def start(self, bundle: dict) -> None:  # type: ignore[type-arg]
        self.decoder_keys: dict[int, bytes] = {}
        self.tables: bytes = bundle["tables"]
        meters = Reader(bundle["meters"])
        while not meters.at_end():
            meter = documents.BUNDLE_METER.read(meters)
            self.decoder_keys[meter["channel"]] = meter["decoder_key"]
        super().start(bundle)


class Town:
    """What an Api made: ids by name."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self.device = KeyedDevice()

    async def found(
        self,
        *,
        kt: int = 2,
        ken: int = 255,
        ea: int = 11,
        dkga: int = 4,
        price: int = 10_000,
        enrol: bool = True,
        utility: int = 0,
    ) -> "Town":
        made = self.api.made
        named = {"name": f"Town {uuid.uuid4()}", "currency": "KES"}
        self.utility = utility or (await made("/utilities", named))["id"]
        key = {"utility_id": self.utility, "sgc": SGC, "krn": 1, "kt": kt, "ken": ken, "ea": ea, "dkga": dkga}
        self.vending_key = (await made("/vending-keys", key))["id"]
        self.tariff = (await made("/tariffs", tariff(self.utility, price)))["id"]
        customer = {"utility_id": self.utility, "name": "Wanjiru", "phone": "+254700000001", "language": "fr"}
        self.customer = (await made("/customers", customer))["id"]
        self.gateway = (await made("/gateways", {"utility_id": self.utility, "name": "Block A"}))["id"]
        self.drn = new_drn()
        await made("/meters", self.meter(kt=kt))
        if enrol:
            await self.enrol(self.device)
        return self

    def meter(self, **changes: Any) -> dict[str, Any]:
        order = {
            "gateway_id": self.gateway,
            "channel": 0,
            "drn": self.drn,
            "commodity": "water",
            "pulse_volume_ml": 1000,
            "customer_id": self.customer,
            "tariff_id": self.tariff,
            "sgc": SGC,
            "krn": 1,
            "ti": 1,
        }
        return {**order, **changes}

    async def challenge(self, device: Device, gateway: int | None = None) -> Answer:
        claim = {
            "device_public": device.device_public.hex(),
            "seal_public": device.seal_public.hex(),
            "hardware_id": device.hardware_id,
            "board": device.board,
        }
        return await self.api.post(f"/gateways/{gateway or self.gateway}/enrolment", claim)

    async def enrol(self, device: Device) -> Any:
        asked = (await self.challenge(device)).body
        proof = device.answer(asked["utility"], asked["gateway"], bytes.fromhex(asked["challenge"]))
        bundle = await self.api.made(f"/gateways/{self.gateway}/enrolment/proof", {"signature": proof.hex()})
        device.install(bytes.fromhex(bundle["bundle"]))
        return bundle

    def vend(self, **changes: Any) -> dict[str, Any]:
        order = {
            "purchase_id": str(uuid.uuid4()),
            "drn": self.drn,
            "volume_ml": 5_000_000,
            "tender": {"kind": "cash", "amount_minor": 50_000, "currency": "KES"},
        }
        return {**order, **changes}


def tariff(utility: int, price: int = 10_000) -> dict[str, Any]:
    """Return the body of a new tariff."""
    return {
        "utility_id": utility,
        "name": "Domestic",
        "commodity": "water",
        "currency": "KES",
        "price_minor_per_m3": price,
    }


def new_drn() -> str:
    """Return a meter number that was not used before."""
    digits = f"{uuid.uuid4().int % 10**10:010d}"
    return digits + luhn_digit(digits)


@functools.cache
def declared() -> dict[str, Any]:
    """Return the OpenAPI document."""
    return document(ROUTES, "test")


def check_declared(method: str, path: str, status: int, body: Any, media: str) -> None:
    """Fail unless the document declares this status and media type for the route, and the body fits its schema."""
    template = template_of(path)
    if template is None or method.lower() not in declared()["paths"][template]:
        assert status in (404, 405)
        return
    responses = declared()["paths"][template][method.lower()]["responses"]
    assert str(status) in responses, f"{method} {template} answered {status}, which it does not declare: {body}"
    content = responses[str(status)]["content"]
    assert media in content, f"{method} {template} answered {media}, which it does not declare"
    if "schema" in content[media]:
        schema = {**content[media]["schema"], "components": declared()["components"]}
        jsonschema.Draft202012Validator(schema).validate(body)
    answered[method, template, status] += 1


def template_of(path: str) -> str | None:
    """Return the path of the document that an address fits."""
    path = path.partition("?")[0]
    fits = [name for name in declared()["paths"] if re.fullmatch(re.sub(r"{\w+}", "[^/]+", name), path)]
    return min(fits, key=lambda name: name.count("{"), default=None)
