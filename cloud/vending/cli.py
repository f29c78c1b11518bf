"""Reports on the command line."""

import asyncio
import datetime
from typing import Annotated

import typer

from cloud import schema
from cloud.api.fields import PAGE_LIMIT_MAX, PageQuery
from cloud.auth.service import command_line
from cloud.config import ConfigError, load
from cloud.db import Database
from cloud.vending import roll_over
from cloud.vending.roll_over import Stopped

app = typer.Typer(no_args_is_help=True, help="Reports.")


@app.command("roll-over")
def rehearse(at: Annotated[str, typer.Option(help="The date in UTC, e.g. 2045-11-25.")]) -> None:
    """List the meters that would take no new token at a date; exit with 1 if there are any."""
    try:
        date = datetime.datetime.strptime(at, "%Y-%m-%d").replace(tzinfo=datetime.UTC)
    except ValueError:
        raise ConfigError(f"--at {at}: write a date as 2045-11-25") from None
    count = asyncio.run(_print_all(int(date.timestamp())))
    print(f"{count} meters would stop at {at}")  # noqa: T201
    if count:
        raise typer.Exit(1)


async def _print_all(at: int) -> int:
    url = load().database_url
    await schema.check(url)
    database = Database(url)
    count, after = 0, 0
    try:
        async with database.read() as session:
            while True:
                query = PageQuery(after=after, limit=PAGE_LIMIT_MAX)
                found, following = await roll_over.report(session, command_line(), at, query)
                for stopped in found:
                    print(_line(stopped))  # noqa: T201
                count += len(found)
                if following is None:
                    return count
                after = following
                session.expunge_all()
    finally:
        await database.close()


def _line(stopped: Stopped) -> str:
    since = "always"
    if stopped.stop.since_s is not None:
        since = datetime.datetime.fromtimestamp(stopped.stop.since_s, datetime.UTC).strftime("%Y-%m-%d %H:%M")
    key = stopped.key
    return f"{stopped.meter.drn}  SGC {key.sgc} KRN {key.krn}  {stopped.stop.reason} since {since}: {stopped.remedy}"
