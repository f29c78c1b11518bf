"""Reconciling on the command line, as its own process: what is open is named, and the exit says so."""

import asyncio
import os
import subprocess
import sys
import time
from pathlib import Path

from cloud.db import Database
from shared.civil import DAY_S
from tests.cloud.reports.ledgers import send
from tests.fakes.utility import Town


def reconcile(url: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command over a database."""
    named = {name: value for name, value in os.environ.items() if not name.startswith("PENSTOCK_")}
    return subprocess.run(
        [sys.executable, "-m", "cloud", "report", "reconcile", *arguments],
        env={**named, "PENSTOCK_DATABASE_URL": url},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


async def lived(url: str, *, forged: bool) -> int:
    """A utility with a sale two days ago, and perhaps a token that nobody sold; its number."""
    database = Database(url)
    town = await Town(database, int(time.time()) - 2 * DAY_S).found()
    device = await town.device()
    sale = await town.sell(device)
    device.token(0, sale.vend.tid, sale.vend.volume_ml)
    if forged:
        device.token(0, 9_000_000, 123_000)
    await send(town, device)
    await database.close()
    return town.utility


def test_a_day_that_holds_ends_well_and_writes_its_file(sqlite_url: str, tmp_path: Path) -> None:
    utility = asyncio.run(lived(sqlite_url, forged=False))

    done = reconcile(sqlite_url, "--utility", str(utility), "--file", str(tmp_path / "day.pdf"))

    assert done.returncode == 0, done.stderr
    assert "holds; 0 differences are open" in done.stdout
    assert (tmp_path / "day.pdf").read_bytes().startswith(b"%PDF")


def test_what_is_open_is_named_and_the_exit_says_so(sqlite_url: str) -> None:
    utility = asyncio.run(lived(sqlite_url, forged=True))

    done = reconcile(sqlite_url, "--utility", str(utility))

    assert done.returncode == 1
    assert "credit_unexplained" in done.stdout and "123000 ml" in done.stdout


def test_what_is_the_callers_to_mend_is_said_in_one_line(sqlite_url: str) -> None:
    wrong = {
        ("--utility", "99"): "There is no utility 99.",
        ("--utility", "1", "--day", "25.11.2045"): "write a date as 2045-11-25",
        ("--utility", "1", "--file", "day.doc"): "a report is one of csv, xlsx, pdf",
    }

    for arguments, words in wrong.items():
        done = reconcile(sqlite_url, *arguments)
        assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
        assert words in done.stderr
