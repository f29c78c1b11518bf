"""What a bill says, line by line, in the form in which it is kept and shown; all lines together are its total."""

from pydantic import Field

from cloud.api.fields import View
from cloud.billing.rules import Charged
from cloud.books import rules as books
from cloud.books.rules import Draft
from cloud.tariffs.terms import FIXED


class BlockPart(View):
    """What falls into one block, without taxes; `free_ml` of it is allowance."""

    number: int
    volume_ml: int
    free_ml: int
    price_milliminor: int
    amount_minor: int


class TaxPart(View):
    """One tax on one line: `volume`, `fixed` or `minimum`."""

    kind: str
    permille: int
    on: str
    amount_minor: int


class Stretch(View):
    """Days of one civil month under one version of the tariff; `until_day` is the first day after them.

    `read_day`: the last day that the register at the end was read for, later than asked where days were not closed.
    """

    month: int
    from_day: int
    until_day: int
    read_day: int
    from_register_ml: int
    until_register_ml: int
    carried_ml: int = Field(description="What was owed at the meter from prepayment; it is in volume_ml")
    version: int
    volume_ml: int
    blocks: list[BlockPart]
    volume_minor: int = Field(description="The volume with its taxes")
    fixed_minor: int = Field(description="The fixed charge of the days, without taxes")
    minimum_minor: int = Field(description="What the least charge of a month adds, without taxes")
    minimum_taxed_minor: int
    taxes: list[TaxPart]
    total_minor: int


class Content(View):
    """A bill as it is kept. Registers are ml (mWh), days count from 1970-01-01."""

    drn: str
    commodity: str
    tariff: str
    currency: str
    from_day: int
    until_day: int
    from_register_ml: int
    until_register_ml: int
    final: bool = Field(description="The meter is billed no further after it")
    stretches: list[Stretch]
    volume_ml: int
    carried_minor: int = Field(0, description="Money that was owed at the meter from prepayment, with its taxes")
    total_minor: int


class Registers(View):
    """Between which registers a stretch lies."""

    from_register_ml: int
    until_register_ml: int
    read_day: int
    carried_ml: int


def stretch(charged: Charged, registers: Registers, version: int) -> Stretch:
    """Return the part of a bill that a priced stretch is."""
    billed = charged.bill
    return Stretch(
        month=charged.days.month,
        from_day=charged.days.from_day,
        until_day=charged.days.until_day,
        version=version,
        volume_ml=billed.volume_ml,
        blocks=[BlockPart.model_validate(line) for line in billed.blocks],
        volume_minor=billed.volume_minor,
        fixed_minor=billed.fixed_minor,
        minimum_minor=charged.minimum_minor,
        minimum_taxed_minor=charged.minimum_taxed_minor,
        taxes=[TaxPart.model_validate(tax) for tax in charged.taxes],
        total_minor=charged.total_minor,
        **registers.model_dump(),
    )


def receivable(customer_id: int, currency: str) -> books.Account:
    """Return what a customer owes for bills."""
    return books.Account(f"receivable:{customer_id}", currency, books.ASSET)


def lines(content: Content, customer_id: int) -> list[tuple[books.Account, int, str]]:
    """Return what a bill moves in the books: income without taxes, each tax, and the volume."""
    currency, commodity = content.currency, content.commodity
    taxed: dict[tuple[str, str], int] = {}
    for part in content.stretches:
        for tax in part.taxes:
            taxed[tax.kind, tax.on] = taxed.get((tax.kind, tax.on), 0) + tax.amount_minor
    volume = sum(line.amount_minor for part in content.stretches for line in part.blocks)
    fixed = sum(part.fixed_minor for part in content.stretches)
    least = sum(part.minimum_minor for part in content.stretches)
    unit = books.UNITS[commodity]
    return [
        (receivable(customer_id, currency), content.total_minor, "bill"),
        (books.revenue(commodity, currency), -volume, "price"),
        (books.fees(currency), -fixed, FIXED),
        (books.fees(currency), -least, "minimum"),
        *((books.tax(kind, currency), -amount, f"tax {on}"[:12]) for (kind, on), amount in sorted(taxed.items())),
        (books.carried(commodity, currency), -content.carried_minor, "owed"),
        (books.Account(f"delivered:{commodity}", unit, books.EXPENSE), content.volume_ml, "bill"),
        (books.Account(f"billed:{commodity}", unit, books.INCOME), -content.volume_ml, "bill"),
    ]


def entry(utility_id: int, bill_id: int, number: int, content: Content, customer_id: int) -> Draft | None:
    """Return the entry of a bill; None for one that moves nothing."""
    moved = books.lines(*lines(content, customer_id))
    if not moved:
        return None
    return Draft(utility_id, f"bill:{bill_id}", "bill", f"bill:{bill_id}", f"bill {number}", moved)
