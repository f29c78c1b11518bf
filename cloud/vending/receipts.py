"""What a caller is shown of a sale: each token as a row of a list, and the receipt with its tokens and lines."""

from collections.abc import Sequence
from typing import Literal
from uuid import UUID

from cloud.api.fields import View
from cloud.vending.models import Vend
from cloud.vending.order import FREE
from cloud.vending.statement import BlockUsed, Statement
from cloud.vending.tokens import CREDIT, Sale, Token


class Line(View):
    """A line of a receipt. The lines add up to the tender; what came from the customer's account counts below zero.

    There is one line for each block of the commodity; `name` is that of a tax. `credit` is money for a meter that
    prices what flows itself; `free` is what nobody paid, below zero. `price_milliminor` is the price of 1 m3 (1 kWh) in
    1/1000 of a minor unit, and `price_minor_per_m3` that in whole ones. Electricity is in mWh.
    """

    kind: Literal[
        "water",
        "electricity",
        "gas",
        "credit",
        "free",
        "fixed",
        "tax",
        "payment_debt",
        "from_account",
        "to_account",
        "change",
    ]
    name: str | None = None
    volume_ml: int = 0
    price_minor_per_m3: int = 0
    price_milliminor: int = 0
    amount_minor: int


class VendView(View):
    """One token of a sale, without its digits; `state` is vended until the meter's ledger shows it, then explained.

    Tender and change are those of the whole sale and stand on part 1; other parts have 0 there. `key_change_id` is the
    key change whose sections were given out with the sale. A token of money has `money`, in 1/100000 of the currency.
    """

    id: int
    purchase_id: UUID
    part: int
    drn: str
    tid: int
    volume_ml: int
    money: int | None
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

    `credit` is in the receipt's `credit_unit`. `digits` is null for a caller who may not sell.
    """

    kind: Literal["key_change", "credit"]
    number: int
    tid: int | None
    volume_ml: int
    credit: int
    state: str | None
    digits: str | None


class Receipt(View):
    """A sale as a whole. `outcome`: it was made; what was not made is a problem document with failed or unknown.

    `credit` is what the meter adds to its account, in `credit_unit`: ml, mwh, or money_100000 for 1/100000 of the
    currency; of money `volume_ml` is 0. `tokens` are in the order to enter them: first the sections of a key change,
    then the credit. `token` is the digits of a sale that has exactly one token, else null; `id` and `tid` are those of
    the first credit token; `state` is explained when the ledger shows all of them. While it is held, no digits are
    shown: it is confirmed or cancelled by `held_until`, and then void.

    tender_minor + from_account_minor = amount_minor + fixed_taxed_minor + payment_debt_minor + to_account_minor +
    change_minor, but for tokens that nobody paid for (`tender_kind` free). `change_minor` goes back to the payer at
    once and `to_account_minor` waits on the customer's account for the next purchase. `statement` is null for a sale
    made before tariffs had versions.
    """

    outcome: Literal["success"] = "success"
    id: int
    purchase_id: UUID
    drn: str
    tid: int
    volume_ml: int
    credit: int
    credit_unit: Literal["ml", "mwh", "money_100000"]
    amount_minor: int
    change_minor: int
    from_account_minor: int
    to_account_minor: int
    fixed_taxed_minor: int
    payment_debt_minor: int
    account_balance_minor: int | None
    currency: str
    tender_kind: str
    tender_minor: int
    delivery: str
    state: str
    held_until: int | None
    created_at: int
    key_change_id: int | None
    token: str | None
    tokens: list[TokenView]
    lines: list[Line]
    statement: Statement | None


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
    shown = [_token(token, (token.digits or None) if with_digits else None) for token in sale.tokens]
    first = {name: getattr(sale.vend, name) for name in _OF_FIRST}
    said = statement_of(sale)
    whole = {
        "drn": sale.meter.drn,
        "volume_ml": sale.volume_ml,
        "credit": sale.credit,
        "credit_unit": sale.credit_unit,
        "amount_minor": sale.amount_minor,
        "from_account_minor": sale.movement.used_minor,
        "to_account_minor": sale.movement.kept_minor,
        "account_balance_minor": sale.movement.balance_minor,
        "state": state_of(sale.vends),
        "held_until": sale.vend.held_until if sale.vend.state == "held" else None,
        "token": shown[0].digits if len(shown) == 1 else None,
        "tokens": shown,
        "fixed_taxed_minor": sale.fixed_minor,
        "payment_debt_minor": sale.debt_minor,
        "lines": _lines(sale, said),
        "statement": said,
    }
    return Receipt.model_validate({**first, **whole})


def state_of(rows: Sequence[Vend]) -> str:
    """Return the state of a purchase: that of all its tokens, or `vended` while they differ."""
    states = {row.state for row in rows}
    return states.pop() if len(states) == 1 else "vended"


def _token(token: Token, digits: str | None) -> TokenView:
    vend = token.vend
    return TokenView(
        kind=CREDIT if vend else "key_change",
        number=token.number,
        tid=vend.tid if vend else None,
        volume_ml=vend.volume_ml if vend else 0,
        credit=vend.credit if vend else 0,
        state=vend.state if vend else None,
        digits=digits,
    )


def statement_of(sale: Sale) -> Statement | None:
    """Return what the sale's bill said when it was made."""
    return Statement.model_validate(sale.record.statement) if sale.record else None


def _lines(sale: Sale, said: Statement | None) -> list[Line]:
    lines = _flat(sale) if said is None else bill_lines(said)
    moved = sale.movement
    free = -sale.amount_minor if sale.vend.tender_kind == FREE else 0
    movements = (
        ("free", free),
        ("from_account", -moved.used_minor),
        ("to_account", moved.kept_minor),
        ("change", sale.vend.change_minor),
    )
    return lines + [Line.model_validate({"kind": kind, "amount_minor": amount}) for kind, amount in movements if amount]


def _flat(sale: Sale) -> list[Line]:
    price = sale.vend.price_minor_per_m3
    priced = {"volume_ml": sale.volume_ml, "price_minor_per_m3": price, "price_milliminor": price * 1000}
    kind = sale.meter.commodity if sale.money is None else CREDIT
    return [Line.model_validate({"kind": kind, **priced, "amount_minor": sale.amount_minor})]


def bill_lines(said: Statement) -> list[Line]:
    """Return what is charged: a line for each block, the taxes, the month's fixed charge, the debt's share."""
    lines = [_block(said.commodity, block) for block in said.blocks]
    if said.money is not None:
        lines.append(Line(kind="credit", amount_minor=said.volume_minor))
    lines += [Line(kind="tax", name=f"{tax.kind} on {tax.on}", amount_minor=tax.amount_minor) for tax in said.taxes]
    if said.fixed_minor:
        lines.append(Line(kind="fixed", amount_minor=said.fixed_minor))
    if said.payment_debt_minor:
        lines.append(Line(kind="payment_debt", amount_minor=said.payment_debt_minor))
    return lines


def _block(commodity: str, block: BlockUsed) -> Line:
    return Line.model_validate(
        {
            "kind": commodity,
            "volume_ml": block.volume_ml,
            "price_minor_per_m3": block.price_milliminor // 1000,
            "price_milliminor": block.price_milliminor,
            "amount_minor": block.amount_minor,
        }
    )
