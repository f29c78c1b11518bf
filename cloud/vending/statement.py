"""What a purchase came to, as its receipt shows and keeps it: blocks, taxes, charges, the four lines, what is next."""

from collections.abc import Sequence
from typing import Literal

from cloud.api.fields import View
from cloud.tariffs.models import Tariff, TariffVersion
from cloud.tariffs.rules import Position, TaxLine
from cloud.vending.purchase import Plan, Standing


class BlockUsed(View):
    """What fell into one block, without taxes; `free_ml` of it was allowance. Prices are in 1/1000 of a minor unit."""

    number: int
    volume_ml: int
    free_ml: int
    price_milliminor: int
    amount_minor: int


class TaxView(View):
    """One tax on the volume, or on the fixed charge."""

    kind: str
    permille: int
    on: Literal["volume", "fixed"]
    amount_minor: int


class PositionView(View):
    """Where the month stands afterwards: what is left in the block, and the price after it; null without an end."""

    month_ml: int
    block: int
    left_ml: int | None
    price_milliminor: int
    next_price_milliminor: int | None
    free_left_ml: int


class DeviceSplit(View):
    """How the meter splits the volume by what its ledger said last: debts of its own first, the rest is service."""

    accumulated_debt_ml: int
    emergency_credit_ml: int
    service_ml: int


class MoneyCredit(View):
    """Money that a meter holds and prices itself, all in 1/100000 of the currency: what the tokens carry, how the meter
    splits it by what its ledger said last, and where its own tariff stands.

    `rest` was paid and is on no token yet, less than one minor unit; the next purchase gives it out. The split is null
    while the ledger has said nothing; so is the tariff, and where the meter is not known to have one. `left_ml` is what
    the block has left, null without an end; prices are for 1 m3 (1 kWh), taxes inside.
    """

    credit: int
    rest: int
    accumulated_debt: int | None
    emergency_credit: int | None
    service: int | None
    device_tariff_version: int | None
    block: int | None
    left_ml: int | None
    price_per_m3: int | None
    next_price_per_m3: int | None


class Statement(View):
    """The bill of a purchase. `payment_debt_minor` went to the debt, which has `payment_debt_left_minor` left.

    `meter_split` is null while the meter's ledger has said nothing. A meter that holds money has `money` instead, and
    neither blocks nor position: it prices what flows.
    """

    tariff: str
    tariff_version: int
    commodity: str
    blocks: list[BlockUsed]
    fixed_minor: int
    taxes: list[TaxView]
    volume_minor: int
    fixed_taxed_minor: int
    payment_debt_minor: int
    payment_debt_left_minor: int
    meter_split: DeviceSplit | None
    position: PositionView | None
    money: MoneyCredit | None = None


def statement(
    tariff: Tariff, version: TariffVersion, standing: Standing, planned: Plan, split: DeviceSplit | None
) -> Statement:
    """Return the statement of a purchase."""
    bill, settled = planned.bill, planned.settled
    return Statement(
        tariff=tariff.name,
        tariff_version=version.version,
        commodity=tariff.commodity,
        blocks=[BlockUsed.model_validate(line) for line in bill.blocks],
        fixed_minor=bill.fixed_minor,
        taxes=_taxes(bill.taxes),
        volume_minor=settled.volume_minor,
        fixed_taxed_minor=settled.fixed_minor,
        payment_debt_minor=settled.debt_minor,
        payment_debt_left_minor=standing.debt.owed_minor - settled.debt_minor,
        meter_split=split,
        position=_position(bill.position),
    )


def _taxes(lines: Sequence[TaxLine]) -> list[TaxView]:
    return [TaxView.model_validate(line) for line in lines if line.amount_minor]


def _position(found: Position) -> PositionView:
    return PositionView.model_validate(found)
