"""Sales per second end to end, against inserts of one row, each in a transaction: same PostgreSQL, same run.

The bar is against the least that the service's own database layer can do: begin, one row, commit. What the driver does
alone is shown beside it: on a machine whose disk syncs in no time that is mostly a measure of the driver.

The path: HTTP to a real server process with an API key, the claim of the purchase id, locks, tariff, TID, entry of the
books, vend and receipt rows, the customer's message, audit, token, commit, the receipt back. The server also seals the
audit meanwhile. Meters are sold to in turn, so that sales wait for one another only where they must.
"""

import asyncio
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import select

from cloud import schema
from cloud.accounts.models import Customer
from cloud.auth import service as auth
from cloud.clock import SystemClock
from cloud.db import Database
from cloud.meters.models import Meter
from cloud.vending.envelope import Kek, Keyring, write_new_kek
from cloud.vending.keystore import SealedKeyStore
from tests.bench.postgresql import postgresql
from tests.bench.rows import Row
from tests.fakes.utility import ADMIN, Town

_GATEWAYS = 16
_METERS_A_GATEWAY = 8
_ROUNDS = 5
_SALES = {1: 100, 16: 400}
"""How many sales a round makes with so many clients."""
_BARS = {1: 0.1, 16: 0.05}
_P99_MAX_MS = 100.0
_READY_S = 60

Told = dict[str, tuple[list[float], float]]
"""Of each kind of act: how long each took in ms, and all together in seconds."""


def measure() -> list[Row]:
    """Sales and bare inserts in turn, with one client and with sixteen; the medians of the rounds."""
    with tempfile.TemporaryDirectory(prefix="penstock-bench") as name, postgresql(Path(name)) as server:
        folder = Path(name)
        schema.upgrade(server)
        write_new_kek(folder / "kek")
        kek = Kek(bytes.fromhex((folder / "kek").read_text().strip()))
        key, drns = asyncio.run(_town(server, kek))
        with _served(server, folder) as address:
            plan = {"database": server, "address": address, "key": key, "drns": drns}
            rounds = [_loaded({**plan, "sales": _SALES}) for _ in range(_ROUNDS)]
    return [row for clients in _SALES for row in _rows(clients, rounds)]


async def _town(url: str, kek: Kek) -> tuple[str, list[str]]:
    """A utility whose every meter has a customer of its own; an API key that may sell, and the meters' numbers."""
    database = Database(url)
    now = SystemClock().now()
    town = Town(database, now)
    town.key_store = SealedKeyStore(Keyring(kek))
    await town.found()
    for _ in range(_GATEWAYS):
        await town.device(_METERS_A_GATEWAY)
    async with database.begin() as session:
        drns = []
        for number, meter in enumerate(await session.scalars(select(Meter).order_by(Meter.id))):
            phone = f"+2547{number:08d}"
            customer = Customer(
                utility_id=town.utility, name=f"C{number}", phone=phone, email=None, language="en", created_at=now
            )
            session.add(customer)
            await session.flush()
            meter.customer_id = customer.id
            drns.append(meter.drn)
        _, key = await auth.add_api_key(session, ADMIN, "till", frozenset({"vend"}), town.utility, now)
    await database.close()
    return key, drns


@contextmanager
def _served(url: str, folder: Path) -> Iterator[str]:
    """The address of a server process with its own services for the audit."""
    settings = {
        "PENSTOCK_DATABASE_URL": url,
        "PENSTOCK_KEK_FILE": str(folder / "kek"),
        "PENSTOCK_HTTP_PORT": "0",
        "PENSTOCK_AUDIT_HEADS_FILE": str(folder / "heads"),
        "PENSTOCK_SMS_SINK_FILE": str(folder / "messages"),
        "PENSTOCK_CALLER_REQUESTS_PER_MINUTE": "1000000",
        "PENSTOCK_REMOTE_REQUESTS_PER_MINUTE": "1000000",
    }
    log = folder / "server.log"
    with log.open("w") as said:
        command = [sys.executable, "-m", "cloud", "serve", "--services", "audit"]
        process = subprocess.Popen(command, env={**os.environ, **settings}, stdout=said, stderr=said)
        try:
            yield _address(log)
        finally:
            process.terminate()
            process.wait(_READY_S)


def _address(log: Path) -> str:
    """Where the server listens, once its log says so."""
    until = time.monotonic() + _READY_S
    while time.monotonic() < until:
        found = re.search(r"http://(\S+)", log.read_text())
        if found:
            return found[1]
        time.sleep(0.1)
    raise AssertionError(f"the server did not start: {log.read_text()[-500:]}")


def _loaded(plan: dict[str, object]) -> dict[str, Told]:
    command = [sys.executable, "-m", "tests.bench.sales_load"]
    done = subprocess.run(command, input=json.dumps(plan), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    told: dict[str, Told] = json.loads(done.stdout)
    return told


def _rows(clients: int, rounds: list[dict[str, Told]]) -> list[Row]:
    told = [each[str(clients)] for each in rounds]
    ratio = statistics.median(_rate(each["sales"]) / _rate(each["least"]) for each in told)
    took = sorted(ms for each in told for ms in each["sales"][0])
    name = f"sales, PostgreSQL, {clients} client{'s' if clients > 1 else ''}"
    return [
        Row(f"{name}: per bare insert", ratio, "ratio", _BARS[clients], "higher"),
        Row(name, _median(told, "sales"), "sales/s", None, "higher"),
        Row(f"{name}: bare inserts, a transaction each", _median(told, "least"), "rows/s", None, "higher"),
        Row(f"{name}: the same by the driver alone", _median(told, "transaction"), "rows/s", None, "higher"),
        Row(f"{name}: the same without BEGIN and COMMIT", _median(told, "statement"), "rows/s", None, "higher"),
        Row(f"{name}: p50", took[len(took) // 2], "ms", None, "lower"),
        Row(f"{name}: p99", took[len(took) * 99 // 100], "ms", _P99_MAX_MS, "lower"),
    ]


def _median(told: list[Told], name: str) -> float:
    return statistics.median(_rate(each[name]) for each in told)


def _rate(act: tuple[list[float], float]) -> float:
    return len(act[0]) / act[1]
