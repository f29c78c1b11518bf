"""A receipt as rows: who sold, the tokens, the bill, the four lines, what is next. Text and paper only lay them out."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from cloud.notify.texts import grouped, minor_digits, money
from cloud.reports.sheet import Amount as Measured
from cloud.reports.sheet import decimal, measured_text, shown_unit, time_text
from cloud.vending.receipt_words import WORDS
from cloud.vending.receipts import Line, Receipt, TokenView
from cloud.vending.statement import MoneyCredit, PositionView, Statement
from shared.civil import Zone

Look = Literal["plain", "strong", "token", "rule", "head"]
_MILLIMINOR_PLACES = 3
_ON_METER_PLACES = 5
"""A meter that holds money counts in 1/100000 of the currency."""


@dataclass(frozen=True)
class Row:
    """A label, and a value at the right; `rule` is a line across, `token` digits that must be easy to read."""

    left: str = ""
    right: str = ""
    look: Look = "plain"


@dataclass(frozen=True)
class Seller:
    """Whose receipt it is: the utility's name, its zone (shared.civil) for the sale's time, and the agent who sold."""

    name: str
    zone: bytes = b""
    agent: str | None = None


RULE = Row(look="rule")


def rows(found: Receipt, seller: Seller, language: str = "en") -> list[Row]:
    """Return the receipt; a caller without rights to the tokens has no digits in it."""
    return list(_Rows(found, WORDS[language]).all(seller))


class _Rows:
    """One receipt in one language."""

    def __init__(self, found: Receipt, words: dict[str, str]) -> None:
        self._found = found
        self._words = words
        self._said = found.statement
        unstated = "electricity" if found.credit_unit == "mwh" else "water"
        self._commodity = self._said.commodity if self._said else unstated

    def all(self, seller: Seller) -> Iterator[Row]:
        """Yield every row."""
        yield Row(seller.name, look="head")
        yield from self._what()
        yield Row(self._words["sold_at"], time_text(Zone(seller.zone), self._found.created_at))
        if seller.agent is not None:
            yield Row(self._words["sold_by"], seller.agent)
        yield RULE
        yield from self._tokens()
        yield RULE
        yield Row(self._words["credit" if self._holds_money() else "volume"], self._credit(), "strong")
        yield Row(self._words["paid"], self._money(self._found.tender_minor), "strong")
        yield from self._bill()
        if self._found.account_balance_minor:
            yield Row(self._words["account"], self._money(self._found.account_balance_minor))
        if self._said is not None:
            yield from self._afterwards(self._said)

    def _afterwards(self, said: Statement) -> Iterator[Row]:
        yield RULE
        yield from self._four_lines(said)
        yield RULE
        if said.money is not None:
            yield from self._next_on_meter(said.money, said.commodity)
        if said.position is not None:
            yield from self._next(said.position)
        if said.tariff_version is not None:
            named = f"{self._words['tariff']} {said.tariff}, {self._words['version']}"
            yield Row(f"{named} {said.tariff_version}")

    def _what(self) -> Iterator[Row]:
        yield Row(f"{self._words['title']} {self._words['receipt']} {self._found.id}")
        yield Row(self._words["purchase"], str(self._found.purchase_id))
        yield Row(self._words["meter"], self._found.drn, "strong")

    def _tokens(self) -> Iterator[Row]:
        tokens = self._found.tokens
        if len(tokens) > 1:
            yield Row(self._words["enter"])
        for number, token in enumerate(tokens, 1):
            count = f" {number} {self._words['of']} {len(tokens)}" if len(tokens) > 1 else ""
            yield Row(self._token_name(token) + count, self._carries(token) if len(tokens) > 1 else "")
            yield Row(grouped(token.digits) if token.digits else self._words["hidden"], look="token")
            if token.state == "held":
                yield Row(self._words["held"], look="strong")
            if token.state in ("voiding", "void"):
                yield Row(self._words["void"], look="strong")

    def _token_name(self, token: TokenView) -> str:
        return self._words["key" if token.kind == "key_change" else "token"]

    def _carries(self, token: TokenView) -> str:
        if token.kind == "key_change":
            return ""
        return self._on_meter(token.credit) if self._holds_money() else self._volume(token.volume_ml)

    def _holds_money(self) -> bool:
        return self._found.credit_unit not in ("ml", "mwh")

    def _credit(self) -> str:
        return self._on_meter(self._found.credit) if self._holds_money() else self._volume(self._found.volume_ml)

    def _bill(self) -> Iterator[Row]:
        taxes = iter(self._said.taxes if self._said else [])
        for line in self._found.lines:
            amount = self._money(abs(line.amount_minor))
            if line.kind == "tax":
                tax = next(taxes)
                rate = decimal(tax.permille, 1, 0)
                yield Row(f"{tax.kind} {rate} % {self._words['on_' + tax.on]}", amount)
            else:
                yield Row(self._line_name(line), amount)

    def _line_name(self, line: Line) -> str:
        if line.kind in ("water", "electricity", "gas"):
            priced = price(line.price_milliminor, self._found.currency)
            return f"{self._volume(line.volume_ml)} {self._words['at']} {priced}"
        return self._words[line.kind]

    def _four_lines(self, said: Statement) -> Iterator[Row]:
        """What the top-up goes to, in order: the utility's debt in money, the meter's own, the rest is service."""
        yield Row(self._words["line_debt"], self._money(said.payment_debt_minor))
        if said.payment_debt_left_minor:
            yield Row("  " + self._words["still_owed"], self._money(said.payment_debt_left_minor))
        debt, emergency, service = self._split(said)
        unknown = self._words["see_meter"]
        yield Row(self._words["line_accumulated"], debt or unknown)
        yield Row(self._words["line_emergency"], emergency or unknown)
        yield Row(self._words["line_service"], service or self._credit())

    def _split(self, said: Statement) -> tuple[str | None, str | None, str | None]:
        """Return what the meter takes for its debt, for its emergency credit, and what is left; None if not known."""
        if said.money is not None:
            parts = (said.money.accumulated_debt, said.money.emergency_credit, said.money.service)
            debt, emergency, service = (None if part is None else self._on_meter(part) for part in parts)
            return debt, emergency, service
        split = said.meter_split
        if split is None:
            return None, None, None
        volumes = (split.accumulated_debt_ml, split.emergency_credit_ml, split.service_ml)
        debt, emergency, service = (self._volume(part) for part in volumes)
        return debt, emergency, service

    def _next(self, position: PositionView) -> Iterator[Row]:
        currency = self._found.currency
        yield Row(self._words["this_month"], self._volume(position.month_ml))
        if position.free_left_ml:
            yield Row(self._words["free_left"], self._volume(position.free_left_ml))
        yield Row(f"{self._words['block']} {position.block}", price(position.price_milliminor, currency))
        if position.left_ml is not None and position.next_price_milliminor is not None:
            yield Row("  " + self._words["left_in_it"], self._volume(position.left_ml))
            yield Row("  " + self._words["next_price"], price(position.next_price_milliminor, currency))

    def _next_on_meter(self, money_credit: MoneyCredit, commodity: str) -> Iterator[Row]:
        """What the meter's own tariff says, as far as it is known."""
        if money_credit.rest:
            yield Row(self._words["rest"], self._on_meter(money_credit.rest))
        if money_credit.block is not None and money_credit.price_per_m3 is not None:
            yield Row(f"{self._words['block']} {money_credit.block}", self._per_unit(money_credit.price_per_m3))
        if money_credit.left_ml is not None and money_credit.next_price_per_m3 is not None:
            yield Row("  " + self._words["left_in_it"], volume(money_credit.left_ml, commodity))
            yield Row("  " + self._words["next_price"], self._per_unit(money_credit.next_price_per_m3))

    def _per_unit(self, price_100000: int) -> str:
        return decimal(price_100000, _ON_METER_PLACES, minor_digits(self._found.currency))

    def _on_meter(self, value: int) -> str:
        return f"{self._per_unit(value)} {self._found.currency}"

    def _money(self, amount_minor: int) -> str:
        return f"{money(amount_minor, self._found.currency)} {self._found.currency}"

    def _volume(self, volume_ml: int) -> str:
        return volume(volume_ml, self._commodity)


def volume(volume_ml: int, commodity: str) -> str:
    """Return e.g. "12.5 m3" or "0.1 kWh": exact, without zeros at the end."""
    return f"{measured_text('volume', Measured(volume_ml, commodity))} {shown_unit('volume', commodity)}"


def price(price_milliminor: int, currency: str) -> str:
    """Return a price in the currency with its decimals, and more only if it has them."""
    digits = minor_digits(currency)
    return decimal(price_milliminor, digits + _MILLIMINOR_PLACES, digits)
