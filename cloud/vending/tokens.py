"""A sale as it is handed over: its tokens in the order in which they are entered, and its figures as a whole."""

from dataclasses import dataclass

from cloud.books.rules import UNITS
from cloud.meters.models import Meter
from cloud.vending.accounts import Movement
from cloud.vending.models import Vend
from cloud.vending.sale_models import SaleRecord

KEY_CHANGE, CREDIT = "key_change", "credit"
MONEY_UNIT = "money_100000"
KEY_TYPE_DEFAULT = 1


def credit_unit(meter: Meter, vend: Vend | None = None) -> str:
    """Return the unit of a vend's credit, or of a meter's account now: `ml`, `mwh` or `money_100000`."""
    money = meter.account == "currency" if vend is None else vend.money is not None
    return MONEY_UNIT if money else UNITS[meter.commodity]


@dataclass(frozen=True)
class Token:
    """Twenty digits: a section of a key change, or the credit of `vend`; `number` counts each kind from 1."""

    kind: str
    number: int
    digits: str
    vend: Vend | None


@dataclass(frozen=True)
class Sale:
    """The vends of a purchase, their meter, every token to enter, what happened on the customer's account, and what the
    purchase came to; None of a sale that was made before tariffs had versions."""

    vends: list[Vend]
    meter: Meter
    tokens: list[Token]
    movement: Movement
    record: SaleRecord | None = None

    @property
    def vend(self) -> Vend:
        """The first vend, which stands for the sale."""
        return self.vends[0]

    @property
    def digits(self) -> str:
        """The digits of the first credit token."""
        return next(token.digits for token in self.tokens if token.kind == CREDIT)

    @property
    def volume_ml(self) -> int:
        """What all tokens carry together."""
        return sum(row.volume_ml for row in self.vends)

    @property
    def money(self) -> int | None:
        """The money that all tokens carry together, in 1/100000 of the currency; None of volume."""
        return None if self.vend.money is None else self.credit

    @property
    def credit(self) -> int:
        """What all tokens carry together, in the unit of the meter's account."""
        return sum(row.credit for row in self.vends)

    @property
    def credit_unit(self) -> str:
        """`ml`, `mwh`, or `money_100000`: 1/100000 of the currency."""
        return credit_unit(self.meter, self.vend)

    @property
    def amount_minor(self) -> int:
        """The price of that."""
        return sum(row.amount_minor for row in self.vends)

    @property
    def fixed_minor(self) -> int:
        """The month's fixed charge that was taken with it, with its taxes."""
        return self.record.fixed_taxed_minor if self.record else 0

    @property
    def debt_minor(self) -> int:
        """What of the money paid off a debt."""
        return self.record.debt_minor if self.record else 0
