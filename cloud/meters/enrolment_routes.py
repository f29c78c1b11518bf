"""The API of enrolment: a challenge, then the device's proof against the sealed bundle."""

from typing import Annotated

from pydantic import StringConstraints

from cloud.api.fields import Body, Key32Hex, SignatureHex, View
from cloud.api.route import Call, Route
from cloud.errors import Conflict, NotFound, Refused, Unavailable
from cloud.keys import CONFIG
from cloud.meters import enrolment

HardwareId = Annotated[str, StringConstraints(pattern=r"^([0-9a-f]{2}){4,32}$")]
BoardName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_]{1,32}$")]


class EnrolmentRequest(Body):
    """The keys that a device claims, and the number of its chip, all in hex; and its kind of board, for updates."""

    device_public: Key32Hex
    seal_public: Key32Hex
    hardware_id: HardwareId
    board: BoardName | None = None


class Challenge(View):
    """What the device signs: the PSenrl01 document of these fields; once, before `expires_at`."""

    utility: int
    gateway: int
    challenge: str
    expires_at: int


class Proof(Body):
    """The device's Ed25519 signature of the document, in hex."""

    signature: SignatureHex


class Bundle(View):
    """The settings and keys of the gateway as a PSseal01 document in hex, which only the device can open."""

    gateway: int
    epoch: int
    bundle: str


async def start(call: Call[EnrolmentRequest, None]) -> Challenge:
    """Ask a device for the proof of its key."""
    claim = enrolment.Claim(
        device_public=bytes.fromhex(call.body.device_public),
        seal_public=bytes.fromhex(call.body.seal_public),
        hardware_id=call.body.hardware_id,
        board=call.body.board,
    )
    async with call.begin() as session:
        made = await enrolment.start(session, call.actor, call.path["gateway"], claim, call.now)
        return Challenge(
            utility=made.utility_id,
            gateway=made.gateway_id,
            challenge=made.challenge.hex(),
            expires_at=made.expires_at,
        )


async def prove(call: Call[Proof, None]) -> Bundle:
    """Take the proof, open the gateway's next epoch, and hand out its bundle."""
    broker = enrolment.broker_of(call.app[CONFIG])
    async with call.begin() as session:
        opened = await enrolment.prove(
            session,
            call.key_store,
            call.actor,
            call.path["gateway"],
            bytes.fromhex(call.body.signature),
            broker,
            call.now,
        )
        return Bundle(gateway=opened.gateway, epoch=opened.epoch, bundle=opened.sealed.hex())


ROUTES = [
    Route(
        "POST",
        "/gateways/{gateway}/enrolment",
        start,
        "enrolment",
        Challenge,
        request=EnrolmentRequest,
        errors=(Conflict, NotFound),
        status=201,
        tag="enrolment",
    ),
    Route(
        "POST",
        "/gateways/{gateway}/enrolment/proof",
        prove,
        "enrolment",
        Bundle,
        request=Proof,
        errors=(Conflict, NotFound, Refused, Unavailable),
        tag="enrolment",
    ),
]
