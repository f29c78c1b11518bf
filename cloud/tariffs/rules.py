"""What a quantity costs by the terms of a tariff, and what money buys: integers only, and what is rounded off is named.

F(x) is what the first x ml (mWh) of a month cost, exactly. A quantity costs F(after) - F(before), each rounded down to
whole minor units: so a month costs the same in however many purchases it is bought. Taxes follow the same rule.
"""

from dataclasses import dataclass

from cloud.tariffs.terms import FIXED, VOLUME, Tax, Terms

_EXACT = 1_000_000 * 1000  # F is in 1/_EXACT of a minor unit: ml in a m3, thousandths of a minor unit
_PERMILLE = 1000


@dataclass(frozen=True)
class Month:
    """What was there before in the month: the quantity that blocks count, and the fixed charge that was taken."""

    before_ml: int = 0
    fixed_minor: int = 0


@dataclass(frozen=True)
class BlockLine:
    """What falls into one block, numbered from 1, without taxes; `free_ml` of the quantity is allowance."""

    number: int
    volume_ml: int
    free_ml: int
    price_milliminor: int
    amount_minor: int


@dataclass(frozen=True)
class TaxLine:
    """One tax on one line."""

    kind: str
    permille: int
    on: str
    amount_minor: int


@dataclass(frozen=True)
class Position:
    """Where the month stands: the block that the next ml falls into, what is left in it, and the price after it.

    None where the block has no end. `free_left_ml` of the next quantity costs nothing.
    """

    month_ml: int
    block: int
    left_ml: int | None
    price_milliminor: int
    next_price_milliminor: int | None
    free_left_ml: int


@dataclass(frozen=True)
class Bill:
    """What a quantity costs, line by line; `fixed_minor` is what of the fixed charge falls due with it."""

    volume_ml: int
    blocks: tuple[BlockLine, ...]
    fixed_minor: int
    taxes: tuple[TaxLine, ...]
    position: Position

    @property
    def volume_minor(self) -> int:
        """The quantity with its taxes."""
        return sum(line.amount_minor for line in self.blocks) + self._taxes_on(VOLUME)

    @property
    def fixed_taxed_minor(self) -> int:
        """The fixed charge with its taxes."""
        return self.fixed_minor + self._taxes_on(FIXED)

    @property
    def total_minor(self) -> int:
        """All lines."""
        return self.volume_minor + self.fixed_taxed_minor

    def _taxes_on(self, line: str) -> int:
        return sum(tax.amount_minor for tax in self.taxes if tax.on == line)


def bill(terms: Terms, month: Month, volume_ml: int) -> Bill:
    """Return what `volume_ml` costs after what the month has had."""
    assert volume_ml >= 0, "a quantity is not negative"
    after_ml = month.before_ml + volume_ml
    fixed = fixed_due_minor(terms, month)
    return Bill(
        volume_ml=volume_ml,
        blocks=_block_lines(terms, month.before_ml, after_ml),
        fixed_minor=fixed,
        taxes=tuple(_tax_lines(terms, month, after_ml, fixed)),
        position=position(terms, after_ml),
    )


def volume_minor(terms: Terms, before_ml: int, volume_ml: int) -> int:
    """Return what a quantity costs with its taxes, without fixed charge: what bill().volume_minor is."""
    before, after = _cost(terms, before_ml), _cost(terms, before_ml + volume_ml)
    taxes = sum(_tax(tax, after) - _tax(tax, before) for tax in _on(terms, VOLUME))
    return after // _EXACT - before // _EXACT + taxes


def fixed_due_minor(terms: Terms, month: Month) -> int:
    """Return what of the month's fixed charge was not taken yet, without taxes."""
    return max(0, terms.fixed_month_minor - month.fixed_minor)


def most_units(terms: Terms, before_ml: int, money_minor: int, unit_ml: int, units_max: int) -> int:
    """Return the largest number of whole units, 0 to units_max, that costs no more than the money, with taxes.

    The price never falls with the quantity, so the one unit more costs more than the money, or is beyond units_max.
    """
    low, high = 0, units_max
    while low < high:
        middle = (low + high + 1) // 2
        if volume_minor(terms, before_ml, middle * unit_ml) <= money_minor:
            low = middle
        else:
            high = middle - 1
    return low


def position(terms: Terms, month_ml: int) -> Position:
    """Return where a month stands that has had this quantity."""
    index = next(
        number for number, block in enumerate(terms.blocks) if block.limit_ml is None or month_ml < block.limit_ml
    )
    block = terms.blocks[index]
    last = block.limit_ml is None
    return Position(
        month_ml=month_ml,
        block=index + 1,
        left_ml=None if block.limit_ml is None else block.limit_ml - month_ml,
        price_milliminor=block.price_milliminor,
        next_price_milliminor=None if last else terms.blocks[index + 1].price_milliminor,
        free_left_ml=max(0, terms.free_month_ml - month_ml),
    )


def _cost(terms: Terms, month_ml: int) -> int:
    """F, in 1/_EXACT of a minor unit."""
    cost = 0
    for lower, upper, price in _steps(terms, month_ml):
        cost += max(0, upper - max(lower, terms.free_month_ml)) * price
    return cost


def _steps(terms: Terms, month_ml: int) -> "list[tuple[int, int, int]]":
    steps: list[tuple[int, int, int]] = []
    lower = 0
    for block in terms.blocks:
        upper = month_ml if block.limit_ml is None else min(block.limit_ml, month_ml)
        steps.append((lower, upper, block.price_milliminor))
        lower = upper
    return steps


def _block_lines(terms: Terms, before_ml: int, after_ml: int) -> tuple[BlockLine, ...]:
    lines: list[BlockLine] = []
    for number, (lower, upper, price) in enumerate(_steps(terms, after_ml), 1):
        begin = max(lower, before_ml)
        if upper <= begin:
            continue
        free = max(0, min(upper, terms.free_month_ml) - begin)
        amount = _cost(terms, upper) // _EXACT - _cost(terms, begin) // _EXACT
        lines.append(BlockLine(number, upper - begin, free, price, amount))
    return tuple(lines)


def _tax_lines(terms: Terms, month: Month, after_ml: int, fixed_minor: int) -> "list[TaxLine]":
    before, after = _cost(terms, month.before_ml), _cost(terms, after_ml)
    lines = [
        TaxLine(tax.kind, tax.permille, VOLUME, _tax(tax, after) - _tax(tax, before)) for tax in _on(terms, VOLUME)
    ]
    begun = month.fixed_minor * _EXACT
    due = begun + fixed_minor * _EXACT
    lines += [TaxLine(tax.kind, tax.permille, FIXED, _tax(tax, due) - _tax(tax, begun)) for tax in _on(terms, FIXED)]
    return lines


def _on(terms: Terms, line: str) -> "list[Tax]":
    return [tax for tax in terms.taxes if line in tax.on]


def _tax(tax: Tax, exact: int) -> int:
    """A tax in whole minor units of an exact sum."""
    return exact * tax.permille // (_EXACT * _PERMILLE)
