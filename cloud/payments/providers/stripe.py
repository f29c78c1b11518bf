"""Stripe: webhooks signed with HMAC-SHA256 over `t.payload` in the header Stripe-Signature, scheme v1.

docs.stripe.com/webhooks/signature: a header may carry several v1 while a secret is being rolled; v0 counts for nothing.
"""

import hashlib
import hmac
from typing import Any

from cloud.errors import BadRequest
from cloud.payments.providers import parse
from cloud.payments.providers.client import JsonClient
from cloud.payments.providers.interface import Asked, Delivery, Message, ProviderDown, WebhookRefused
from cloud.payments.rules import FAILED, PAID, REVERSED, Notice

TOLERANCE_S = 300
_TIMES_100 = ("UGX", "ISK")  # without minor units, and all the same counted in hundredths there
_KINDS = {
    "payment_intent.succeeded": PAID,
    "payment_intent.payment_failed": FAILED,
    "charge.refunded": REVERSED,
    "charge.dispute.created": REVERSED,
}


class _Metadata(parse.Form):
    account_reference: str = ""


class _Object(parse.Form):
    id: str
    amount: int = 0
    amount_received: int = 0
    amount_refunded: int = 0
    currency: str
    created: int
    status: str = ""
    payment_intent: str | None = None
    metadata: _Metadata = _Metadata()


class _Data(parse.Form):
    object: _Object


class _Kind(parse.Form):
    type: str
    livemode: bool


class _Event(_Kind):
    data: _Data


class Stripe:
    """One Stripe account. `live` false takes only messages of its test mode, true only real ones."""

    name = "stripe"
    tender_kind = "card"
    asks = False  # the signature is over amount and reference

    def __init__(self, webhook_secrets: list[str], api_key: str, *, live: bool, base_url: str) -> None:
        self._secrets = [secret.encode() for secret in webhook_secrets]
        self._headers = {"Authorization": f"Bearer {api_key}"}
        self._live = live
        self._client = JsonClient(base_url)

    def read(self, delivery: Delivery) -> list[Message]:
        """Check the signature and its age, then return the payment that the event is about, if it is about one."""
        check_signature(delivery.headers.get("Stripe-Signature", ""), delivery.body, self._secrets, delivery.now)
        kind = parse.read(_Kind, delivery.body)
        if kind.livemode != self._live:
            raise BadRequest("wrong_mode", "message: livemode is not that of this channel")
        if kind.type not in _KINDS:
            return []
        return [_notice(_KINDS[kind.type], parse.read(_Event, delivery.body).data.object)]

    async def confirm(self, reference: str) -> Notice | Asked | None:
        """Return the payment intent as Stripe has it."""
        status, answer = await self._client.get(f"/v1/payment_intents/{reference}", self._headers)
        if status == 404:
            return None
        if status != 200:
            raise ProviderDown(f"Stripe answered {status}")
        found = parse.read_answer(_Object, answer)
        return _notice(PAID, found) if found.status == "succeeded" else None

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()


def check_signature(header: str, body: bytes, secrets: list[bytes], now: int) -> None:
    """Raise WebhookRefused unless one v1 of the header fits one secret, and its time is within five minutes."""
    parts = [part.partition("=") for part in header.split(",")]
    times = [value for name, _, value in parts if name.strip() == "t"]
    given = [value.strip().encode() for name, _, value in parts if name.strip() == "v1"]
    if len(times) != 1 or not (times[0].isascii() and times[0].isdigit() and len(times[0]) <= 12):
        raise WebhookRefused("signature_missing", "The header Stripe-Signature has no time t=.")
    signed = times[0].encode() + b"." + body
    fits = False
    for secret in secrets:
        expected = hmac.new(secret, signed, hashlib.sha256).hexdigest().encode()
        for signature in given:
            fits |= hmac.compare_digest(expected, signature)
    if not fits:
        raise WebhookRefused("signature_wrong", "The signature does not fit; check the endpoint's signing secret.")
    if abs(now - int(times[0])) > TOLERANCE_S:
        raise WebhookRefused("signature_old", f"The signature is more than {TOLERANCE_S} s old, or of the future.")


def _notice(kind: str, found: _Object) -> Notice:
    currency = found.currency.upper()
    amount = found.amount_received if kind == PAID else found.amount_refunded or found.amount
    return Notice(
        kind=kind,
        reference=parse.reference(found.payment_intent or found.id),
        amount_minor=parse.positive(_minor(amount, currency)),
        currency=currency,
        account_reference=parse.account_reference(found.metadata.account_reference),
        paid_at=found.created,
    )


def _minor(amount: int, currency: str) -> int:
    if currency not in _TIMES_100:
        return amount
    whole, rest = divmod(amount, 100)
    if rest:
        raise BadRequest("invalid_message", f"message: an amount of {currency} is a multiple of 100 there")
    return whole


def sign(body: bytes, secret: str, now: int) -> dict[str, Any]:
    """Return the header that Stripe would send; for trying a channel out."""
    signature = hmac.new(secret.encode(), f"{now}.".encode() + body, hashlib.sha256).hexdigest()
    return {"Stripe-Signature": f"t={now},v1={signature}"}
