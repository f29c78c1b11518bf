"""A small payment provider that works: it keeps payments, answers for them over HTTP, and tells of them by messages.

It speaks as Stripe, Flutterwave and M-Pesa do. Messages wait in `letters` until a test sends them, so they may come
late, twice, in any order or never; `fail_next` requests get an error, `lie` makes a message tell another amount.
"""

import base64
import hashlib
import hmac
import json
import uuid
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from cloud.payments.providers import stripe

STRIPE_SECRET = "whsec_first_0123456789"
FLUTTERWAVE_HASH = "hash-of-the-fake-0123456789"
PATH_SECRET = "c0ffee" * 6
SHORT_CODE = "600610"
CONSUMER = ("consumer-key", "consumer-secret-0123")
PASSKEY = "passkey-0123456789"
TOWN_NAME = "Sample Water"


@dataclass
class Paid:
    """A payment as the provider has it."""

    provider: str
    reference: str
    account: str
    amount_minor: int
    status: str = "successful"


@dataclass
class Letter:
    """A message to the cloud; it is signed when it is sent, as providers do at each attempt."""

    path: str
    body: dict[str, Any]
    provider: str
    headers: dict[str, str] = field(default_factory=dict)


class FakeProvider:
    """The provider; `app()` is its HTTP side. `utility` tells channels of several towns apart."""

    def __init__(self) -> None:
        self.paid: dict[str, Paid] = {}
        self.letters: list[Letter] = []
        self.pushes: list[dict[str, Any]] = []
        self.fail_next = 0
        self.tokens_given = 0
        self.asked: list[str] = []
        self.refunded: dict[str, int] = {}
        self.answered: dict[str, int] = {}
        """What phones said, by checkout: the result code; none yet while one rings."""

    def pay(self, provider: str, account: str, amount_minor: int, lie: int | None = None) -> Paid:
        """Somebody pays; the message about it waits."""
        paid = Paid(provider, self._reference(provider), account, amount_minor)
        self.paid[paid.reference] = paid
        self.letters.append(self.told(paid, lie))
        return paid

    def told(self, paid: Paid, lie: int | None = None) -> Letter:
        """The message about a payment, with another amount if it lies."""
        amount = paid.amount_minor if lie is None else lie
        if paid.provider == "stripe":
            return self._stripe("payment_intent.succeeded", paid, amount_received=amount, amount=amount)
        if paid.provider == "flutterwave":
            data = {**self._transaction(paid), "amount": amount / 100}
            return Letter("/webhooks/flw", {"event": "charge.completed", "data": data}, paid.provider)
        body = {
            "TransactionType": "Pay Bill",
            "TransID": paid.reference,
            "TransTime": "20250615180620",
            "TransAmount": f"{amount / 100:.2f}",
            "BusinessShortCode": SHORT_CODE,
            "BillRefNumber": paid.account,
        }
        return Letter(f"/webhooks/paybill/{PATH_SECRET}/confirmation", body, paid.provider)

    def take_back(self, paid: Paid) -> None:
        """The whole payment goes back to the payer; only Stripe tells of it, and Flutterwave lists it."""
        self.refunded[paid.reference] = paid.amount_minor
        if paid.provider != "flutterwave":
            paid.status = "reversed"
        if paid.provider == "stripe":
            refund = {"id": f"ch_{paid.reference}", "amount_refunded": paid.amount_minor}
            letter = self._stripe("charge.refunded", paid, payment_intent=paid.reference, amount=paid.amount_minor)
            letter.body["data"]["object"] |= refund
            self.letters.append(letter)

    async def send(self, client: Any, letter: Letter, now: int) -> int:
        """Deliver one message; the status that the cloud answers with."""
        raw = json.dumps(letter.body).encode()
        headers = {"Content-Type": "application/json", **letter.headers}
        if letter.provider == "stripe":
            headers |= stripe.sign(raw, STRIPE_SECRET, now)
        elif letter.provider == "flutterwave":
            headers |= {"verif-hash": FLUTTERWAVE_HASH}
        async with client.post(letter.path, data=raw, headers=headers) as response:
            return int(response.status)

    def app(self) -> web.Application:
        """The provider's side that the cloud asks."""
        app = web.Application()
        app.router.add_get("/v1/payment_intents/{reference}", self._intent)
        app.router.add_get("/v3/transactions/{reference}/verify", self._verify)
        app.router.add_get("/oauth/v1/generate", self._oauth)
        app.router.add_post("/mpesa/stkpush/v1/processrequest", self._push)
        app.router.add_post("/mpesa/transactionstatus/v1/query", self._status)
        app.router.add_post("/mpesa/stkpushquery/v1/query", self._push_query)
        app.router.add_get("/v3/refunds", self._refunds)
        return app

    def end_push(self, push: dict[str, Any], *, paid: bool) -> Paid | None:
        """The person at the phone answers."""
        self.answered[push["checkout"]] = 0 if paid else 1032
        callback: dict[str, Any] = {"CheckoutRequestID": push["checkout"], "ResultCode": 0 if paid else 1032}
        made = None
        if paid:
            made = Paid("mpesa", self._reference("mpesa"), push["AccountReference"], push["Amount"] * 100)
            self.paid[made.reference] = made
            items = {"Amount": push["Amount"], "MpesaReceiptNumber": made.reference, "TransactionDate": 20250615180620}
            pairs = [{"Name": name, "Value": value} for name, value in items.items()]
            callback["CallbackMetadata"] = {"Item": [*pairs, {"Name": "Balance"}]}
        body = {"Body": {"stkCallback": callback}}
        self.letters.append(Letter(_path(push["CallBackURL"]), body, "mpesa"))
        return made

    @staticmethod
    def _reference(provider: str) -> str:
        number = uuid.uuid4()
        if provider == "stripe":
            return f"pi_{number.hex[:24]}"
        return str(number.int % 10**12 + 10**12) if provider == "flutterwave" else number.hex[:10].upper()

    @staticmethod
    def _stripe(kind: str, paid: Paid, **changes: Any) -> Letter:
        intent = {
            "id": paid.reference,
            "currency": "kes",
            "created": 1_749_999_980,
            "status": "succeeded",
            "metadata": {"account_reference": paid.account},
            **changes,
        }
        body = {"id": f"evt_{uuid.uuid4().hex[:24]}", "type": kind, "livemode": False, "data": {"object": intent}}
        return Letter("/webhooks/cards", body, paid.provider)

    @staticmethod
    def _transaction(paid: Paid) -> dict[str, Any]:
        return {
            "id": int(paid.reference),
            "tx_ref": f"{paid.account}-{paid.reference}",
            "amount": paid.amount_minor / 100,
            "currency": "KES",
            "status": paid.status,
            "created_at": "2025-06-15T15:06:20.000Z",
        }

    def _failing(self) -> bool:
        self.fail_next -= 1
        return self.fail_next >= 0

    async def _intent(self, request: web.Request) -> web.Response:
        paid = self.paid.get(request.match_info["reference"])
        if self._failing() or paid is None:
            return web.json_response({"error": {}}, status=404 if paid is None else 503)
        intent = self._stripe("", paid, amount_received=paid.amount_minor).body["data"]["object"]
        status = "succeeded" if paid.status == "successful" else "canceled"
        return web.json_response({**intent, "status": status})

    async def _verify(self, request: web.Request) -> web.Response:
        reference = request.match_info["reference"]
        self.asked.append(reference)
        paid = self.paid.get(reference)
        if self._failing():
            return web.Response(status=502, text="<html>bad gateway</html>")
        if paid is None:
            return web.json_response({"status": "error", "message": "No transaction was found"}, status=400)
        return web.json_response({"status": "success", "data": self._transaction(paid)})

    async def _oauth(self, request: web.Request) -> web.Response:
        wanted = "Basic " + base64.b64encode(":".join(CONSUMER).encode()).decode()
        if request.headers.get("Authorization") != wanted:
            return web.json_response({"errorCode": "400.008.01"}, status=400)
        self.tokens_given += 1
        return web.json_response({"access_token": f"token-{self.tokens_given}", "expires_in": "3599"})

    def _known(self, request: web.Request) -> bool:
        return request.headers.get("Authorization") == f"Bearer token-{self.tokens_given}" and not self._failing()

    async def _push(self, request: web.Request) -> web.Response:
        body = await request.json()
        password = base64.b64encode(f"{SHORT_CODE}{PASSKEY}{body['Timestamp']}".encode()).decode()
        if not self._known(request) or body["Password"] != password:
            return web.json_response({"errorCode": "404.001.03"}, status=404)
        checkout = f"ws_CO_{uuid.uuid4().hex[:16]}"
        self.pushes.append({**body, "checkout": checkout})
        return web.json_response({"CheckoutRequestID": checkout, "ResponseCode": "0"})

    async def _push_query(self, request: web.Request) -> web.Response:
        body = await request.json()
        if not self._known(request):
            return web.json_response({"errorCode": "500.003.02"}, status=500)
        result = self.answered.get(body["CheckoutRequestID"])
        if result is None:
            return web.json_response({"errorCode": "500.001.1001", "errorMessage": "being processed"}, status=500)
        return web.json_response({"ResponseCode": "0", "ResultCode": str(result), "ResultDesc": "as it went"})

    async def _refunds(self, request: web.Request) -> web.Response:
        if self._failing():
            return web.Response(status=502)
        reference = request.query["id"]
        back = self.refunded.get(reference)
        listed = {
            "id": 1,
            "transaction_id": int(reference),
            "amount_refunded": (back or 0) / 100,
            "status": "completed",
        }
        return web.json_response({"status": "success", "data": [] if back is None else [listed]})

    async def _status(self, request: web.Request) -> web.Response:
        body = await request.json()
        if not self._known(request):
            return web.json_response({"errorCode": "500.003.02"}, status=500)
        reference = body["TransactionID"]
        self.asked.append(reference)
        self.letters.append(Letter(_path(body["ResultURL"]), self.status_result(reference), "mpesa"))
        return web.json_response({"ConversationID": f"AG_{uuid.uuid4().hex[:20]}", "ResponseCode": "0"})

    def status_result(self, reference: str) -> dict[str, Any]:
        """What M-Pesa answers about a transaction."""
        paid = self.paid.get(reference)
        if paid is None:
            return {"Result": {"ResultCode": 2001, "ResultDesc": "no such transaction"}}
        found = {
            "CreditPartyName": f"{SHORT_CODE} - {TOWN_NAME}",
            "TransactionStatus": "Completed" if paid.status == "successful" else "Reversed",
            "FinalisedTime": 20250615180620,
            "Amount": paid.amount_minor / 100,
            "ReceiptNo": reference,
        }
        pairs = [{"Key": key, "Value": value} for key, value in found.items()]
        return {"Result": {"ResultCode": 0, "ResultParameters": {"ResultParameter": [*pairs, {"Key": "ReasonType"}]}}}


def channels(base_url: str, utility_id: int) -> dict[str, Any]:
    """The channels file that leads to this provider."""
    mpesa = {
        "name": "paybill",
        "provider": "mpesa",
        "utility_id": utility_id,
        "short_code": SHORT_CODE,
        "consumer_key": CONSUMER[0],
        "consumer_secret": CONSUMER[1],
        "passkey": PASSKEY,
        "initiator": "api-user",
        "security_credential": "encrypted-by-safaricom",
        "path_secret": PATH_SECRET,
        "allowed_networks": ["127.0.0.0/8"],
        "callback_url": "https://penstock.example/webhooks",
        "base_url": base_url,
    }
    cards = {"name": "cards", "provider": "stripe", "utility_id": utility_id, "live": False, "base_url": base_url}
    cards |= {"webhook_secrets": ["whsec_next_9876543210", STRIPE_SECRET], "api_key": "sk_test_0123456789"}
    flw = {"name": "flw", "provider": "flutterwave", "utility_id": utility_id, "base_url": base_url}
    flw |= {"secret_hash": FLUTTERWAVE_HASH, "secret_key": "FLWSECK_TEST-0123456789"}
    bank = {"name": "bank", "provider": "bank", "utility_id": utility_id}
    return {"channels": [mpesa, cards, flw, bank]}


def flutterwave_signature(raw: bytes) -> str:
    """The signature that newer Flutterwave accounts send."""
    return base64.b64encode(hmac.new(FLUTTERWAVE_HASH.encode(), raw, hashlib.sha256).digest()).decode()


def _path(url: str) -> str:
    return url[url.index("/webhooks") :]
