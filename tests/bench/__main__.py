"""`make bench`: measures, prints a table, writes build/bench.json; ends with 1 when a bar is not held.

Words on the command line choose among the measurements: decode, encode, heap, ingest.
"""

import json
import sys
from collections.abc import Callable
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.bench import decode, encode, heap, ingest
from tests.bench.rows import Row

OUTPUT = Path(__file__).resolve().parents[2] / "build" / "bench.json"
MEASUREMENTS: dict[str, Callable[[], list[Row]]] = {
    "decode": decode.measure,
    "encode": encode.measure,
    "heap": heap.measure,
    "ingest": ingest.measure,
}


def table_of(rows: list[Row]) -> Table:
    """The rows for a person."""
    table = Table("measurement", "value", "unit", "bar", "holds")
    for row in rows:
        bar = "-" if row.bar is None else f"{'>=' if row.better == 'higher' else '<='} {row.bar:g}"
        table.add_row(row.name, f"{row.value:,.4g}", row.unit, bar, "yes" if row.holds else "NO")
    return table


def main(chosen: list[str]) -> int:
    """Measure what was chosen, or all; 0 when every bar holds."""
    unknown = [name for name in chosen if name not in MEASUREMENTS]
    if unknown:
        print(f"bench: no measurement is called {unknown[0]}; there are {', '.join(MEASUREMENTS)}")
        return 2
    rows = [row for name in chosen or MEASUREMENTS for row in MEASUREMENTS[name]()]
    Console(width=120).print(table_of(rows))
    OUTPUT.parent.mkdir(parents=True, exist_ok=True)
    OUTPUT.write_text(json.dumps([row.as_json() for row in rows], indent=1) + "\n")
    return 0 if all(row.holds for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
