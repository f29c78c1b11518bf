"""Who may come in: NATS asks for every connection, and the answer is read from the database at that moment.

A gateway comes by MQTT, under its own name and client id, with the password of its present enrolment, and may publish
to its uplink and listen to its downlink, nothing else. (nats-architecture ADR-26.)
"""

from collections.abc import Mapping
from typing import Any

from nats.aio.client import Client
from nats.aio.msg import Msg
from structlog import get_logger

from cloud.broker import names
from cloud.broker.nkeys import AccountKey, claims
from cloud.clock import Clock
from cloud.db import Database
from cloud.meters.enrolment import mqtt_password_fits
from shared.documents import MESSAGE_MAX

SUBJECT = "$SYS.REQ.USER.AUTH"
_QUEUE = "callout"
_LIFE_S = 24 * 3600  # then the broker ends the connection and asks again
_SUBSCRIPTIONS_MAX = 8
_log = get_logger("callout")


class Refused(Exception):
    """A connection that is not let in; the reason is for the log, the client learns only that it failed."""


class Callout:
    """Answers authorization requests; several processes may share the work."""

    def __init__(self, database: Database, clock: Clock, issuer: AccountKey) -> None:
        self._database = database
        self._clock = clock
        self._issuer = issuer

    async def start(self, client: Client) -> None:
        """Begin to answer on this connection."""
        await client.subscribe(SUBJECT, queue=_QUEUE, cb=self._on_request)

    async def _on_request(self, message: Msg) -> None:
        try:
            await message.respond(await self.answer(message.data.decode()))
        except Exception:  # no answer is a refusal: the broker's own time limit ends the connection
            _log.exception("authorization request failed")

    async def answer(self, request: str) -> bytes:
        """The signed response to a request."""
        asked = claims(request)["nats"]
        verdict: dict[str, Any] = {"type": "authorization_response", "version": 2}
        try:
            gateway = await self._admitted(asked)
            verdict["jwt"] = self._user(asked["user_nkey"], gateway)
        except Refused as refusal:
            _log.warning("connection refused", reason=str(refusal), host=asked.get("client_info", {}).get("host"))
            verdict["error"] = "not authorized"
        response = {
            "aud": asked["server_id"]["id"],
            "sub": asked["user_nkey"],
            "iat": self._clock.now(),
            "nats": verdict,
        }
        return self._issuer.sign(response).encode()

    async def _admitted(self, asked: Mapping[str, Any]) -> int:
        info, options = asked.get("client_info", {}), asked.get("connect_opts", {})
        name = options.get("user", "")
        gateway = names.gateway_of_user(name)
        if gateway is None:
            raise Refused("the user name is no gateway's")
        if info.get("type") != "mqtt":
            raise Refused(f"{name} comes by {info.get('type')}; gateways come by MQTT")
        if info.get("mqtt_id") != name:
            raise Refused(f"{name} has another client id")
        async with self._database.read() as session:
            if not await mqtt_password_fits(session, gateway, options.get("pass", "")):
                raise Refused(f"{name} has not the password of its enrolment")
        return gateway

    def _user(self, user_nkey: str, gateway: int) -> str:
        now = self._clock.now()
        return self._issuer.sign(
            {
                "sub": user_nkey,
                "aud": names.ACCOUNT,
                "name": names.user(gateway),
                "iat": now,
                "exp": now + _LIFE_S,
                "nats": {
                    "type": "user",
                    "version": 2,
                    "pub": {"allow": [names.up(gateway)]},
                    "sub": {"allow": [names.down(gateway)]},
                    "subs": _SUBSCRIPTIONS_MAX,
                    "data": -1,
                    "payload": MESSAGE_MAX,
                    "allowed_connection_types": ["MQTT"],
                },
            }
        )
