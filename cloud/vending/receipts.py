"""What a caller is shown of a sale: each token as a row of a list, and the receipt with its tokens and lines."""

from collections.abc import Sequence
from typing import Literal
from uuid import UUID

from cloud.api.fields import View
from cloud.vending.accounts import Movement
from cloud.vending.models import Vend
from cloud.vending.tokens import CREDIT, Sale, Token


class Line(View):
    """A line of a receipt. The lines add up to the tender; what came from the customer's account counts below zero."""

    kind: Literal["water", "from_account", "to_account", "change"]
    volume_ml: int
    price_minor_per_m3: int
    amount_minor: int


class VendView(View):
    """One token of a sale, without its digits; `state` is vended until the meter's ledger shows it, then explained.

    Tender and change are those of the whole sale and stand on part 1; other parts have 0 there. `key_change_id` is the
    key change whose sections were given out with the sale.
    """

    id: int
    purchase_id: UUID
    part: int
    drn: str
    tid: int
    volume_ml: int
    amount_minor: int
    change_minor: int
    currency: str
    tender_kind: str
    tender_minor: int
    delivery: str
    state: str
    created_at: int
    key_change_id: int | None


class TokenView(View):
    """A token of a receipt: section `number` of a key change, or credit part `number` with what it carries.

    `digits` is null for a caller who may not sell.
    """

    kind: Literal["key_change", "credit"]
    number: int
    tid: int | None
    volume_ml: int
    state: str | None
    digits: str | None


class Receipt(View):
    """A sale as a whole. `tokens` are in the order to enter them: first the sections of a key change, then the credit.

    tender_minor + from_account_minor = amount_minor + to_account_minor + change_minor. `change_minor` goes back to the
    payer at once and `to_account_minor` waits on the customer's account for the next purchase. `token` is the digits
    of a sale that has exactly one token, else null; `id` and `tid` are those of the first credit token; `state` is
    explained when the ledger shows all of them.
    """

    id: int
    purchase_id: UUID
    drn: str
    tid: int
    volume_ml: int
    amount_minor: int
    change_minor: int
    from_account_minor: int
    to_account_minor: int
    account_balance_minor: int | None
    currency: str
    tender_kind: str
    tender_minor: int
    delivery: str
    state: str
    created_at: int
    key_change_id: int | None
    token: str | None
    tokens: list[TokenView]
    lines: list[Line]


_OF_FIRST = (
    "id",
    "purchase_id",
    "tid",
    "currency",
    "tender_kind",
    "tender_minor",
    "change_minor",
    "delivery",
    "created_at",
    "key_change_id",
)


def vend_view(row: Vend, drn: str) -> VendView:
    """Return one token as a row of a list."""
    columns = {name: getattr(row, name) for name in VendView.model_fields if name != "drn"}
    return VendView.model_validate({**columns, "drn": drn})


def receipt(sale: Sale, *, with_digits: bool = True) -> Receipt:
    """Return the receipt of a sale."""
    shown = [_token(token, token.digits if with_digits else None) for token in sale.tokens]
    first = {name: getattr(sale.vend, name) for name in _OF_FIRST}
    whole = {
        "drn": sale.meter.drn,
        "volume_ml": sale.volume_ml,
        "amount_minor": sale.amount_minor,
        "from_account_minor": sale.movement.used_minor,
        "to_account_minor": sale.movement.kept_minor,
        "account_balance_minor": sale.movement.balance_minor,
        "state": _state(sale.vends),
        "token": shown[0].digits if len(shown) == 1 else None,
        "tokens": shown,
        "lines": _lines(sale, sale.movement),
    }
    return Receipt.model_validate({**first, **whole})


def _state(rows: Sequence[Vend]) -> str:
    states = {row.state for row in rows}
    return states.pop() if len(states) == 1 else "vended"


def _token(token: Token, digits: str | None) -> TokenView:
    vend = token.vend
    return TokenView(
        kind=CREDIT if vend else "key_change",
        number=token.number,
        tid=vend.tid if vend else None,
        volume_ml=vend.volume_ml if vend else 0,
        state=vend.state if vend else None,
        digits=digits,
    )


def _lines(sale: Sale, movement: Movement) -> list[Line]:
    price = sale.vend.price_minor_per_m3
    lines = [Line(kind="water", volume_ml=sale.volume_ml, price_minor_per_m3=price, amount_minor=sale.amount_minor)]
    if movement.used_minor:
        lines.append(_money("from_account", -movement.used_minor))
    if movement.kept_minor:
        lines.append(_money("to_account", movement.kept_minor))
    if sale.vend.change_minor:
        lines.append(_money("change", sale.vend.change_minor))
    return lines


def _money(kind: Literal["from_account", "to_account", "change"], amount_minor: int) -> Line:
    return Line(kind=kind, volume_ml=0, price_minor_per_m3=0, amount_minor=amount_minor)
