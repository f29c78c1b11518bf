"""`make bench`: measures, prints a table, writes build/bench.json; ends with 1 when a bar is not held.

Words on the command line choose among the measurements: burst, decode, encode, heap, ingest, realtime, sales; and what
is only made when it is asked for: imports (the heap that each module takes).
"""

import json
import sys
from collections.abc import Callable
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.bench import burst, decode, encode, heap
from tests.bench.rows import Row

OUTPUT = Path(__file__).resolve().parents[2] / "build" / "bench.json"


def _ingest() -> list[Row]:
    from tests.bench import ingest  # late: it brings the whole cloud

    return ingest.measure()


def _sales() -> list[Row]:
    from tests.bench import sales  # late, as above

    return sales.measure()


MEASUREMENTS: dict[str, Callable[[], list[Row]]] = {
    "burst": burst.measure,
    "decode": decode.measure,
    "encode": encode.measure,
    "heap": heap.measure,
    "ingest": _ingest,
    "realtime": burst.real_time,
    "sales": _sales,
}
ON_REQUEST: dict[str, Callable[[], list[Row]]] = {"imports": heap.imports}


def table_of(rows: list[Row]) -> Table:
    """The rows for a person."""
    table = Table("measurement", "value", "unit", "bar", "holds")
    for row in rows:
        bar = "-" if row.bar is None else f"{'>=' if row.better == 'higher' else '<='} {row.bar:g}"
        value = f"{row.value:,.0f}" if row.value >= 10000 else f"{row.value:,.4g}"
        table.add_row(row.name, value, row.unit, bar, "yes" if row.holds else "NO")
    return table


def main(chosen: list[str]) -> int:
    """Measure what was chosen, or all; 0 when every bar holds."""
    known = MEASUREMENTS | ON_REQUEST
    unknown = [name for name in chosen if name not in known]
    if unknown:
        print(f"bench: no measurement is called {unknown[0]}; there are {', '.join(known)}")
        return 2
    rows = [row for name in chosen or MEASUREMENTS for row in known[name]()]
    Console(width=120).print(table_of(rows))
    OUTPUT.parent.mkdir(parents=True, exist_ok=True)
    OUTPUT.write_text(json.dumps([row.as_json() for row in rows], indent=1) + "\n")
    return 0 if all(row.holds for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
