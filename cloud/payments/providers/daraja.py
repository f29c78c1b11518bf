"""Asking Daraja (Safaricom's API for M-Pesa): a bearer token that is renewed in time, STK push, transaction status."""

import base64
import datetime
import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from pydantic import SecretStr

from cloud.errors import BadRequest
from cloud.payments.providers import parse
from cloud.payments.providers.client import JsonClient
from cloud.payments.providers.interface import ProviderDown

_NAIROBI = datetime.timezone(datetime.timedelta(hours=3))
_RENEW_BEFORE_S = 60
_REFERENCE_MAX = 12
_MAC_BYTES = 20
_UNDER_WAY = ("", "4999")


@dataclass(frozen=True)
class Credentials:
    """What Safaricom gave for one short code. `security_credential` is the initiator's password as they encrypt it."""

    consumer_key: str
    consumer_secret: SecretStr
    passkey: SecretStr
    initiator: str
    security_credential: SecretStr


class _Token(parse.Form):
    access_token: str
    expires_in: int


class _Pushed(parse.Form):
    CheckoutRequestID: str
    ResponseCode: str


class _PushResult(parse.Form):
    ResponseCode: str
    ResultCode: str = ""


class _Taken(parse.Form):
    ResponseCode: str


class Daraja:
    """The API for one short code; `callback_url` is our address before the part that is made for each question."""

    def __init__(
        self, base_url: str, short_code: str, credentials: Credentials, callback_url: str, now: Callable[[], int]
    ) -> None:
        self.short_code = short_code
        self._credentials = credentials
        self._callback_url = callback_url.rstrip("/")
        self._client = JsonClient(base_url)
        self._now = now
        self._token, self._token_until = "", 0

    async def push(self, push_id: int, drn: str, phone: str, amount: int) -> str:
        """Ask a phone to pay whole shillings for a meter; return the provider's name for the request."""
        body = {
            **self._signed_in(),
            "TransactionType": "CustomerPayBillOnline",
            "Amount": amount,
            "PartyA": phone.removeprefix("+"),
            "PartyB": self.short_code,
            "PhoneNumber": phone.removeprefix("+"),
            "CallBackURL": self._address("push", str(push_id), drn),
            "AccountReference": drn[-_REFERENCE_MAX:],
            "TransactionDesc": "Credit",
        }
        answer = await self._post("/mpesa/stkpush/v1/processrequest", body)
        pushed = self._read(_Pushed, answer)
        if pushed.ResponseCode != "0":
            raise ProviderDown(f"M-Pesa did not take the request: response code {pushed.ResponseCode[:20]}")
        return pushed.CheckoutRequestID[: parse.REFERENCE_MAX]

    async def what_became_of(self, checkout_id: str) -> bool | None:
        """Tell whether a phone paid for a push; None while nobody knows."""
        answer = await self._post(
            "/mpesa/stkpushquery/v1/query", {**self._signed_in(), "CheckoutRequestID": checkout_id}
        )
        found = self._read(_PushResult, answer)
        if found.ResponseCode != "0" or found.ResultCode in _UNDER_WAY:
            return None
        return found.ResultCode == "0"

    def _signed_in(self) -> dict[str, object]:
        time = datetime.datetime.fromtimestamp(self._now(), _NAIROBI).strftime("%Y%m%d%H%M%S")
        passkey = self._credentials.passkey.get_secret_value()
        password = base64.b64encode(f"{self.short_code}{passkey}{time}".encode()).decode()
        return {"BusinessShortCode": self.short_code, "Password": password, "Timestamp": time}

    async def ask_status(self, reference: str) -> None:
        """Ask what became of a transaction; the answer is a message to an address that only this question has."""
        address = self._address("status", reference)
        body = {
            "Initiator": self._credentials.initiator,
            "SecurityCredential": self._credentials.security_credential.get_secret_value(),
            "CommandID": "TransactionStatusQuery",
            "TransactionID": reference,
            "PartyA": self.short_code,
            "IdentifierType": "4",
            "ResultURL": address,
            "QueueTimeOutURL": address,
            "Remarks": "confirmation",
            "Occasion": "",
        }
        taken = self._read(_Taken, await self._post("/mpesa/transactionstatus/v1/query", body))
        if taken.ResponseCode != "0":
            raise ProviderDown(f"M-Pesa did not take the question: response code {taken.ResponseCode[:20]}")

    def fits(self, mac: str, *parts: str) -> bool:
        """Tell whether an address was made by us for this question."""
        return hmac.compare_digest(self._mac(*parts), mac.encode(errors="surrogateescape"))

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()

    def _address(self, *parts: str) -> str:
        return "/".join([self._callback_url, *parts, self._mac(*parts).decode()])

    def _mac(self, *parts: str) -> bytes:
        key = self._credentials.consumer_secret.get_secret_value().encode()
        return hmac.new(key, "\n".join(parts).encode(), hashlib.sha256).digest()[:_MAC_BYTES].hex().encode()

    async def _post(self, path: str, body: Mapping[str, object]) -> dict[str, object]:
        status, answer = await self._client.post(path, {"Authorization": f"Bearer {await self._bearer()}"}, body)
        if status == 401:
            self._token_until = 0
        if status != 200:
            raise ProviderDown(f"M-Pesa answered {status}")
        return answer

    async def _bearer(self) -> str:
        if self._now() < self._token_until:
            return self._token
        pair = f"{self._credentials.consumer_key}:{self._credentials.consumer_secret.get_secret_value()}"
        basic = base64.b64encode(pair.encode()).decode()
        path = "/oauth/v1/generate?grant_type=client_credentials"
        status, answer = await self._client.get(path, {"Authorization": f"Basic {basic}"})
        if status != 200:
            raise ProviderDown(f"M-Pesa gave no access token, it answered {status}; check key and secret")
        token = self._read(_Token, answer)
        self._token, self._token_until = token.access_token, self._now() + token.expires_in - _RENEW_BEFORE_S
        return self._token

    @staticmethod
    def _read(form: type[parse.FormT], answer: dict[str, object]) -> parse.FormT:
        try:
            return parse.read_answer(form, answer)
        except BadRequest as error:
            raise ProviderDown(f"M-Pesa's answer has another form: {error.message}") from None
