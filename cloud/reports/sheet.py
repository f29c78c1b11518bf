"""A report as data: columns that know their kind, rows of whole numbers and text. What a file makes of it is elsewhere.

Nothing here is a float: a cell becomes a decimal text, exact to the last minor unit and millilitre.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from cloud.notify.texts import minor_digits
from shared.civil import Zone, date_of

Kind = Literal["text", "count", "money", "volume", "time", "day"]
_MEASURED = ("money", "volume")
_VOLUME_PLACES = 6  # 1 m3 is 10**6 ml, 1 kWh is 10**6 mWh
_UNITS = {"water": "m3", "gas": "m3", "electricity": "kWh"}


class Amount(NamedTuple):
    """A cell whose column holds more than one unit: minor units of a currency, or ml (mWh) of a commodity."""

    value: int
    unit: str


Cell = str | int | Amount | None


@dataclass(frozen=True)
class Column:
    """A column. `unit` is the currency of money, the commodity of a volume; None if each cell names its own.

    Cells: text a str; count an int; money minor units; volume ml, of electricity mWh; time seconds since 1970; day a
    civil day number. None is an empty cell.
    """

    name: str
    kind: Kind = "text"
    unit: str | None = None

    @property
    def mixed(self) -> bool:
        """Tell whether each cell names its own unit."""
        return self.kind in _MEASURED and self.unit is None

    @property
    def heading(self) -> str:
        """The name, with the unit in which its numbers are shown."""
        if self.unit is None or self.kind not in _MEASURED:
            return self.name
        return f"{self.name} ({shown_unit(self.kind, self.unit)})"


@dataclass(frozen=True)
class Sheet:
    """A table with its title. `facts` stand above it, as label and value; `notes` below; `totals` is its last row.

    `zone` is the utility's (shared.civil), in which times are shown; `made_at` is the time that the file bears.
    """

    title: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]
    totals: Sequence[Cell] | None = None
    facts: Sequence[tuple[str, str]] = ()
    notes: Sequence[str] = ()
    zone: bytes = b""
    made_at: int = 0
    language: str = "en"
    clock: Zone = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Check that every row fits its columns."""
        object.__setattr__(self, "clock", Zone(self.zone))
        for row in self.all_rows():
            assert len(row) == len(self.columns), f"{self.title}: {len(self.columns)} columns, and a row of {len(row)}"

    def all_rows(self) -> Iterator[Sequence[Cell]]:
        """Yield the rows, then the totals."""
        yield from self.rows
        if self.totals is not None:
            yield self.totals


def shown_unit(kind: Kind, unit: str) -> str:
    """Return the unit that people read: the currency, m3 or kWh."""
    return _UNITS[unit] if kind == "volume" else unit


def places(kind: Kind, unit: str) -> int:
    """Return how many decimals a value of this kind has, when it is shown in full."""
    return minor_digits(unit) if kind == "money" else _VOLUME_PLACES


def decimal(value: int, digits: int, least: int | None = None) -> str:
    """Return value / 10**digits as an exact decimal; with `least` without zeros at the end beyond so many places."""
    whole, rest = divmod(abs(value), 10**digits)
    decimals = f"{rest:0{digits}d}" if digits else ""
    if least is not None:
        decimals = decimals[:least] + decimals[least:].rstrip("0")
    return f"{'-' if value < 0 else ''}{whole}{'.' if decimals else ''}{decimals}"


def measure(column: Column, cell: Cell) -> Amount:
    """Return the value of a money or volume cell with its unit."""
    if isinstance(cell, Amount):
        return cell
    assert isinstance(cell, int) and column.unit is not None, f"{column.name}: a number without a unit"
    return Amount(cell, column.unit)


def measured_text(kind: Kind, amount: Amount) -> str:
    """Return money with its currency's decimals, a volume in m3 or kWh without zeros at the end."""
    digits = places(kind, amount.unit)
    return decimal(amount.value, digits, digits if kind == "money" else 0)


def day_text(day: int) -> str:
    """Return a civil day as YYYY-MM-DD."""
    return "{:04d}-{:02d}-{:02d}".format(*date_of(day))


def time_text(clock: Zone, at: int, *, seconds: bool = False) -> str:
    """Return an instant in a zone: YYYY-MM-DD HH:MM, with seconds and offset as ISO 8601 has them if asked."""
    day, minute = clock.local(at)
    short = f"{minute // 60:02d}:{minute % 60:02d}"
    if not seconds:
        return f"{day_text(day)} {short}"
    offset_s = clock.offset_s(at)
    sign, offset_min = ("-" if offset_s < 0 else "+"), abs(offset_s) // 60
    return f"{day_text(day)}T{short}:{at % 60:02d}{sign}{offset_min // 60:02d}:{offset_min % 60:02d}"


def cell_text(sheet: Sheet, column: Column, cell: Cell) -> str:
    """Return a cell as people read it; in a mixed column with its unit."""
    if cell is None:
        return ""
    if column.kind in _MEASURED:
        amount = measure(column, cell)
        unit = f" {shown_unit(column.kind, amount.unit)}" if column.mixed else ""
        return measured_text(column.kind, amount) + unit
    if isinstance(cell, int) and column.kind == "time":
        return time_text(sheet.clock, cell)
    if isinstance(cell, int) and column.kind == "day":
        return day_text(cell)
    return str(cell)
