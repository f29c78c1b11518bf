"""A receipt as lines of text, 40 columns, as a small printer takes them: tokens, bill, the four lines, what is next."""

from cloud.notify.texts import grouped, minor_digits, money
from cloud.vending.receipts import Receipt
from cloud.vending.statement import PositionView, Statement

_WIDTH = 40
_UNITS = {"electricity": "kWh"}
_OTHERS = "m3"
_TAKEN = {
    "fixed": "Fixed charge, month",
    "payment_debt": "Payment debt share",
    "from_account": "From account",
    "to_account": "To account",
    "change": "Change",
}


def text(found: Receipt) -> str:
    """Return the receipt; a caller without rights to the tokens has no digits in it."""
    said = found.statement
    commodity = said.commodity if said else "water"
    lines = [f"Purchase {found.purchase_id}"[:_WIDTH], f"Meter {found.drn}", _rule()]
    lines += [f"{'Key' if token.kind == 'key_change' else 'Token'} {_digits(token.digits)}" for token in found.tokens]
    lines += [
        _rule(),
        _pair("Volume", volume(found.volume_ml, commodity)),
        _pair("Paid", _money(found, "tender_minor")),
    ]
    lines += _bill(found)
    if said is not None:
        lines += [_rule(), *_four_lines(found, said), _rule(), *_next(found.currency, said.position, commodity)]
        lines.append(f"Tariff {said.tariff}, version {said.tariff_version}")
    return "\n".join(lines) + "\n"


def _digits(digits: str | None) -> str:
    return grouped(digits) if digits else "not shown"


def _money(found: Receipt, name: str) -> str:
    return money(getattr(found, name), found.currency)


def _bill(found: Receipt) -> list[str]:
    shown: list[str] = []
    for line in found.lines:
        amount = money(abs(line.amount_minor), found.currency)
        if line.kind in ("water", "electricity", "gas"):
            priced = f"{volume(line.volume_ml, line.kind)} at {price(line.price_milliminor, found.currency)}"
            shown.append(_pair(priced, amount))
        elif line.kind == "tax":
            shown.append(_pair(line.name or "Tax", amount))
        else:
            shown.append(_pair(_TAKEN[line.kind], amount))
    return shown


def _four_lines(found: Receipt, said: Statement) -> list[str]:
    """What the top-up goes to, in order: the utility's debt in money, the meter's in volume, the rest is service."""
    lines = [_pair("1 Payment debt", _money(found, "payment_debt_minor"))]
    if said.payment_debt_left_minor:
        lines.append(_pair("  still owed", money(said.payment_debt_left_minor, found.currency)))
    split = said.meter_split
    if split is None:
        lines += [_pair("2 Accumulated debt", "see meter"), _pair("3 Emergency credit", "see meter")]
        return [*lines, _pair("4 Service", volume(found.volume_ml, said.commodity))]
    parts = (split.accumulated_debt_ml, split.emergency_credit_ml, split.service_ml)
    names = ("2 Accumulated debt", "3 Emergency credit", "4 Service")
    return lines + [_pair(name, volume(part, said.commodity)) for name, part in zip(names, parts, strict=True)]


def _next(currency: str, position: PositionView, commodity: str) -> list[str]:
    lines = [_pair("This month", volume(position.month_ml, commodity))]
    if position.free_left_ml:
        lines.append(_pair("Free this month, left", volume(position.free_left_ml, commodity)))
    lines.append(_pair(f"Block {position.block}", price(position.price_milliminor, currency)))
    if position.left_ml is not None and position.next_price_milliminor is not None:
        lines.append(_pair("  left in it", volume(position.left_ml, commodity)))
        lines.append(_pair("  next price", price(position.next_price_milliminor, currency)))
    return lines


def volume(volume_ml: int, commodity: str) -> str:
    """Return e.g. "12.5 m3" or "0.1 kWh": exact, without zeros at the end."""
    return f"{_decimal(volume_ml, 6, 0)} {_UNITS.get(commodity, _OTHERS)}"


def price(price_milliminor: int, currency: str) -> str:
    """Return a price in the currency with its decimals, and more only if it has them."""
    digits = minor_digits(currency)
    return _decimal(price_milliminor, digits + 3, digits)


def _decimal(value: int, places: int, least: int) -> str:
    whole, rest = divmod(value, 10**places)
    decimals = f"{rest:0{places}d}"
    shown = decimals[:least] + decimals[least:].rstrip("0")
    return f"{whole}.{shown}" if shown else str(whole)


def _pair(left: str, right: str) -> str:
    return f"{left} {right.rjust(_WIDTH - len(left) - 1)}"


def _rule() -> str:
    return "-" * _WIDTH
