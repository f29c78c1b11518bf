"""Flutterwave v3: webhooks with the secret hash in `verif-hash`, or HMAC-SHA256 in `flutterwave-signature`.

The secret hash signs nothing, and whoever sees it once can repeat it. So each payment is asked for at Flutterwave.
"""

import base64
import hashlib
import hmac
from typing import Any

from cloud.errors import BadRequest
from cloud.payments.providers import parse
from cloud.payments.providers.client import JsonClient
from cloud.payments.providers.interface import Asked, Delivery, Message, ProviderDown, WebhookRefused
from cloud.payments.rules import FAILED, PAID, Notice

_SUCCESSFUL = "successful"
_STATUS = {_SUCCESSFUL: PAID, "failed": FAILED}
_REFUNDED = (
    "completed",
    "completed-mpgs",
    "completed-momo",
    "completed-offline",
    "completed-bank-transfer",
    "successful",
)
_CHARGE_EVENT = "charge.completed"


class _Meta(parse.Form):
    account_reference: str = ""


class _Charge(parse.Form):
    id: int
    tx_ref: str = ""
    amount: str
    currency: str
    status: str
    created_at: str
    meta: _Meta | None = None


class _Kind(parse.Form):
    event: str


class _Event(_Kind):
    data: _Charge


class _Found(parse.Form):
    data: _Charge


class _Refund(parse.Form):
    transaction_id: str
    amount_refunded: str
    status: str


class _Refunds(parse.Form):
    data: list[_Refund]


class Flutterwave:
    """One Flutterwave account."""

    name = "flutterwave"
    tender_kind = "card"
    asks = True

    def __init__(self, secret_hash: str, secret_key: str, *, base_url: str) -> None:
        self._hash = secret_hash.encode()
        self._headers = {"Authorization": f"Bearer {secret_key}"}
        self._client = JsonClient(base_url)

    def read(self, delivery: Delivery) -> list[Message]:
        """Check the message's credential, then return the payment that it tells of, if it tells of one."""
        check_credential(delivery, self._hash)
        if parse.read(_Kind, delivery.body).event != _CHARGE_EVENT:
            return []
        charge = parse.read(_Event, delivery.body).data
        kind = _STATUS.get(charge.status)
        return [] if kind is None else [_notice(kind, charge)]

    async def confirm(self, reference: str) -> Notice | Asked | None:
        """Return the transaction as Flutterwave has it."""
        if not reference.isdigit():
            return None
        found = await self._charge(reference)
        return None if found is None or found.status != _SUCCESSFUL else _notice(PAID, found)

    async def taken_back(self, reference: str, currency: str) -> int | Asked:
        """Return what was refunded: all of a charge that succeeded once and is not successful any more."""
        charge = await self._charge(reference)
        if charge is None or charge.status != _SUCCESSFUL:
            return 0 if charge is None else parse.amount(charge.amount, charge.currency)
        status, answer = await self._client.get(f"/v3/refunds?id={reference}", self._headers)
        if status != 200:
            raise ProviderDown(f"Flutterwave answered {status}")
        found = parse.read_answer(_Refunds, answer).data
        mine = [one for one in found if one.transaction_id == reference and one.status in _REFUNDED]
        return sum(parse.amount(one.amount_refunded, currency) for one in mine)

    async def _charge(self, reference: str) -> _Charge | None:
        status, answer = await self._client.get(f"/v3/transactions/{reference}/verify", self._headers)
        if status in (400, 404):  # it has no such transaction
            return None
        if status != 200:
            raise ProviderDown(f"Flutterwave answered {status}")
        found = parse.read_answer(_Found, _as_text(answer)).data
        if str(found.id) != reference:
            raise ProviderDown("Flutterwave answered about another transaction")
        return found

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()


def check_credential(delivery: Delivery, secret_hash: bytes) -> None:
    """Raise WebhookRefused unless the message has the signature or, without one, the secret hash."""
    signature = delivery.headers.get("flutterwave-signature")
    if signature is not None:
        expected = base64.b64encode(hmac.new(secret_hash, delivery.body, hashlib.sha256).digest())
        fits = hmac.compare_digest(expected, signature.strip().encode(errors="surrogateescape"))
    else:
        given = delivery.headers.get("verif-hash", "").encode(errors="surrogateescape")
        fits = hmac.compare_digest(secret_hash, given)
    if not fits:
        raise WebhookRefused("signature_wrong", "The secret hash does not fit; compare it with Flutterwave's settings.")


def _as_text(answer: dict[str, Any]) -> dict[str, Any]:
    data = answer.get("data")
    if not isinstance(data, dict) or "amount" not in data:
        raise BadRequest("invalid_message", "message.data: has no amount")
    return {**answer, "data": {**data, "amount": str(data["amount"])}}


def _notice(kind: str, charge: _Charge) -> Notice:
    named = charge.meta.account_reference if charge.meta else ""
    return Notice(
        kind=kind,
        reference=parse.reference(str(charge.id)),
        amount_minor=parse.amount(charge.amount, charge.currency),
        currency=charge.currency,
        account_reference=parse.account_reference(named or charge.tx_ref.partition("-")[0]),
        paid_at=parse.iso_time(charge.created_at),
    )
