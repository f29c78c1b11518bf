"""M-Pesa (Daraja): what Safaricom tells of payments. Its messages carry no signature.

So three things stand in for one: the sender's address, an address of ours that nobody can guess, and the transaction
status query: nothing is believed before M-Pesa's own records say it. Each question has an answer address of its own,
under an HMAC, so that who learned the registered address cannot answer in Safaricom's place.
"""

import datetime
import hmac
import ipaddress
import re
from typing import Any

from cloud.errors import BadRequest
from cloud.payments.providers import parse
from cloud.payments.providers.daraja import Daraja
from cloud.payments.providers.interface import Answered, Asked, Delivery, Ended, Message, WebhookRefused
from cloud.payments.rules import PAID, Notice

_NAIROBI = datetime.timezone(datetime.timedelta(hours=3))
_CURRENCY = "KES"
_COMPLETED = "Completed"
_GONE = ("Reversed", "Cancelled")
_RECEIPT = re.compile(r"[A-Z0-9]{6,20}")

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class _Confirmation(parse.Form):
    TransID: str
    TransTime: str
    TransAmount: str
    BusinessShortCode: str
    BillRefNumber: str = ""


class _Item(parse.Form):
    Name: str
    Value: str | None = None


class _Items(parse.Form):
    Item: list[_Item]


class _StkCallback(parse.Form):
    ResultCode: int
    CallbackMetadata: _Items | None = None


class _StkBody(parse.Form):
    stkCallback: _StkCallback  # noqa: N815  # its name there


class _Stk(parse.Form):
    Body: _StkBody


class _Parameter(parse.Form):
    Key: str
    Value: str | None = None


class _Parameters(parse.Form):
    ResultParameter: list[_Parameter]


class _StatusResult(parse.Form):
    ResultCode: int
    ResultParameters: _Parameters | None = None


class _Status(parse.Form):
    Result: _StatusResult


class Mpesa:
    """One short code (pay bill)."""

    name = "mpesa"
    tender_kind = "mobile_money"
    asks = True

    def __init__(self, daraja: Daraja, path_secret: str, networks: list[Network]) -> None:
        self.daraja = daraja
        self._path_secret = path_secret.encode()
        self._networks = networks

    def read(self, delivery: Delivery) -> list[Message]:
        """Check where a message comes from and to which address, then return what it says."""
        self._check_sender(delivery.remote)
        secret, _, tail = delivery.tail.partition("/")
        if not hmac.compare_digest(self._path_secret, secret.encode(errors="surrogateescape")):
            raise WebhookRefused("address_wrong", "There is nothing at this address.")
        what, *rest = tail.split("/")
        if what == "confirmation" and not rest:
            return [self._confirmation(delivery.body)]
        if what == "push" and len(rest) == 3:
            return self._pushed(delivery.body, *rest)
        if what == "status" and len(rest) == 2:
            return [self._answered(delivery.body, *rest)]
        raise WebhookRefused("address_wrong", "There is nothing at this address.")

    async def confirm(self, reference: str) -> Notice | Asked | None:
        """Ask for the transaction's status; the answer comes to an address that is made for this question."""
        if not _RECEIPT.fullmatch(reference):
            return None
        await self.daraja.ask_status(reference)
        return Asked()

    async def taken_back(self, reference: str, currency: str) -> int | Asked:  # noqa: ARG002  # all is in shillings
        """Ask for the transaction's status; the answer says whether it was reversed."""
        await self.daraja.ask_status(reference)
        return Asked()

    async def close(self) -> None:
        """Close the connections."""
        await self.daraja.close()

    def _check_sender(self, remote: str) -> None:
        try:
            address = ipaddress.ip_address(remote)
        except ValueError:
            raise WebhookRefused("sender_unknown", "Messages come from the provider's addresses only.") from None
        if not any(address in network for network in self._networks):
            raise WebhookRefused("sender_unknown", "Messages come from the provider's addresses only.")

    def _confirmation(self, body: bytes) -> Notice:
        told = parse.read(_Confirmation, body)
        if told.BusinessShortCode != self.daraja.short_code:
            raise BadRequest("wrong_short_code", "message.BusinessShortCode: is not that of this channel")
        time = parse.compact_time(told.TransTime, _NAIROBI)
        return _notice(told.TransID, told.TransAmount, told.BillRefNumber, time)

    def _pushed(self, body: bytes, push_id: str, drn: str, mac: str) -> list[Message]:
        if not push_id.isdigit() or not self.daraja.fits(mac, "push", push_id, drn):
            raise WebhookRefused("address_wrong", "There is nothing at this address.")
        callback = parse.read(_Stk, body).Body.stkCallback
        if callback.ResultCode != 0 or callback.CallbackMetadata is None:
            return [Ended(int(push_id), None)]
        items = {item.Name: item.Value or "" for item in callback.CallbackMetadata.Item}
        time = parse.compact_time(items.get("TransactionDate", ""), _NAIROBI)
        notice = _notice(items.get("MpesaReceiptNumber", ""), items.get("Amount", ""), drn, time)
        return [Ended(int(push_id), notice.reference), notice]

    def _answered(self, body: bytes, reference: str, mac: str) -> Answered:
        if not self.daraja.fits(mac, "status", reference):
            raise WebhookRefused("address_wrong", "There is nothing at this address.")
        result = parse.read(_Status, body).Result
        if result.ResultCode != 0 or result.ResultParameters is None:
            return Answered(reference, None)
        found = {one.Key: one.Value or "" for one in result.ResultParameters.ResultParameter}
        if found.get("ReceiptNo") != reference or not self._is_ours(found):
            return Answered(reference, None)
        if found.get("TransactionStatus") in _GONE:
            return Answered(reference, None, parse.amount(found.get("Amount", ""), _CURRENCY))
        if found.get("TransactionStatus") != _COMPLETED:
            return Answered(reference, None)
        time = parse.compact_time(found.get("FinalisedTime", ""), _NAIROBI)
        return Answered(reference, _notice(reference, found.get("Amount", ""), "", time))

    def _is_ours(self, found: dict[str, Any]) -> bool:
        # "600610 - Name of the organisation": somebody else's payment would be a real one, too.
        return bool(found.get("CreditPartyName", "").split(" ")[0] == self.daraja.short_code)


def _notice(receipt: str, amount: str, account_reference: str, paid_at: int) -> Notice:
    if not _RECEIPT.fullmatch(receipt):
        raise BadRequest("invalid_message", "message: a receipt number has 6 to 20 capitals and digits")
    return Notice(
        kind=PAID,
        reference=receipt,
        amount_minor=parse.amount(amount, _CURRENCY),
        currency=_CURRENCY,
        account_reference=parse.account_reference(account_reference),
        paid_at=paid_at,
    )
