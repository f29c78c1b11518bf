"""Reconciling a day on the command line."""

import asyncio
import datetime
from pathlib import Path
from typing import Annotated

import typer

from cloud import schema
from cloud.auth.service import command_line
from cloud.clock import SystemClock
from cloud.config import ConfigError, load
from cloud.db import Database
from cloud.meters.models import Utility
from cloud.reports import reconciliation
from cloud.reports.files import SHEET_FILES, rendered
from cloud.reports.reconciliation import OPEN, Report
from cloud.reports.reconciliation_sheets import sheets
from cloud.reports.sheet import day_text
from cloud.reports.zone import zone_data_of
from cloud.vending.cli import app

__all__ = ["app"]

_EPOCH = datetime.date(1970, 1, 1)


@app.command("reconcile")
def reconcile(
    utility: Annotated[int, typer.Option(help="The utility.")],
    day: Annotated[str | None, typer.Option(help="A day as 2045-11-25; by default yesterday.")] = None,
    file: Annotated[Path | None, typer.Option(help="Write it to this file too: .csv, .xlsx or .pdf.")] = None,
) -> None:
    """Reconcile a day of a utility; exit with 1 if anything is unexplained or open."""
    if file is not None and file.suffix[1:] not in SHEET_FILES:
        raise ConfigError(f"--file {file}: a report is one of {', '.join(SHEET_FILES)}")
    report = asyncio.run(_run(utility, _number(day), file))
    still_open = [item for item in report.items if item.state == OPEN]
    for item in still_open:
        print(f"{item.section}  {item.code}  {item.subject}  {item.amount} {item.unit}: {item.detail}")  # noqa: T201
    holds = "holds" if report.run.holds else "does not hold"
    print(f"{day_text(report.run.day)} {holds}; {len(still_open)} differences are open")  # noqa: T201
    if still_open or not report.run.holds:
        raise typer.Exit(1)


def _number(day: str | None) -> int | None:
    if day is None:
        return None
    try:
        return (datetime.date.fromisoformat(day) - _EPOCH).days
    except ValueError:
        raise ConfigError(f"--day {day}: write a date as 2045-11-25") from None


async def _run(utility_id: int, day: int | None, file: Path | None) -> Report:
    url = load().database_url
    await schema.check(url)
    database = Database(url)
    try:
        report = await reconciliation.run(database, command_line(), utility_id, day, SystemClock().now())
        if file is not None:
            async with database.read() as session:
                utility = await session.get_one(Utility, utility_id)
                zone = await zone_data_of(session, utility_id)
            await asyncio.to_thread(_write, file, rendered(file.suffix[1:], sheets(report, utility.name, zone)))
        return report
    finally:
        await database.close()


def _write(file: Path, content: bytes) -> None:
    try:
        file.write_bytes(content)
    except OSError as error:
        raise ConfigError(f"--file {file}: {error.strerror}") from None
