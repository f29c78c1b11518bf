"""Verified entries per second through the whole path, against bare inserts of the same rows into the same database.

The path: MQTT over TLS, the broker's stream, the worker, signature and chain and arithmetic and verdicts, the commit,
the authenticated acknowledgement back over MQTT. The gateways run in a process of their own and sign beforehand.
"""

import asyncio
import json
import logging
import secrets
import sqlite3
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import structlog

from cloud import schema
from cloud.broker.callout import Callout
from cloud.broker.connection import connect_auth, connect_cloud, uplinks
from cloud.broker.nkeys import AccountKey
from cloud.broker.services import downlink
from cloud.clock import SystemClock
from cloud.db import Database
from cloud.ledger.service import Ingest
from cloud.ledger.worker import FETCH, Worker
from cloud.services import end
from shared.documents import BATCH, SIGNATURE_SIZE
from shared.entries import BODY_SIZE
from tests.bench.postgresql import postgresql
from tests.bench.rows import Row
from tests.fakes.device import Device
from tests.fakes.utility import Town
from tests.system.nats import NatsServer
from tools.authority import ensure

_GATEWAYS = 16
_ENTRIES_A_BATCH = 24
_BATCHES = 150
_SINGLES = 250


def measure() -> list[Row]:
    """Whole path in batches and one by one over SQLite and PostgreSQL, bare inserts, and bytes on the wire."""
    logging.getLogger("asyncio").setLevel(logging.ERROR)  # its TLS warns of a harmless half-close
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    with tempfile.TemporaryDirectory(prefix="penstock-bench") as folder, postgresql(Path(folder)) as server:
        database = Path(folder) / "cloud.db"
        batched, single = _measure(Path(folder), f"sqlite:///{database}")
        bare = _bare_inserts(database)
        served_batched, served_single = _measure(Path(folder), server)
    wire = (_BATCH_SIZE + SIGNATURE_SIZE) / _ENTRIES_A_BATCH + BODY_SIZE
    return [
        Row("ingest, SQLite, verified entries per bare insert", batched / bare, "ratio", 0.05, "higher"),
        Row("ingest, SQLite, 24 entries a batch", batched, "entries/s", 20_000, "higher"),
        Row("ingest, SQLite, 1 entry a batch", single, "messages/s", 3_000, "higher"),
        Row("ingest, PostgreSQL, 24 entries a batch", served_batched, "entries/s", None, "higher"),
        Row("ingest, PostgreSQL, 1 entry a batch", served_single, "messages/s", None, "higher"),
        Row("bare inserts of the same rows, SQLite", bare, "rows/s", None, "higher"),
        Row("entry on the wire, 24 a batch", wire, "bytes", 64, "lower"),
    ]


_BATCH_SIZE = len(BATCH.tag) + sum(int(kind[1:]) for _, kind in BATCH.fields)


def _measure(folder: Path, url: str) -> tuple[float, float]:
    """Entries per second in batches of 24, and messages per second of one entry."""
    schema.upgrade(url)
    return asyncio.run(_through(folder / secrets.token_hex(4), url))


async def _through(folder: Path, url: str) -> tuple[float, float]:
    database = Database(url)
    town = await Town(database, SystemClock().now()).found()
    async with _cloud(folder, town) as broker:
        batched = await _run(folder, broker, town, _BATCHES, _ENTRIES_A_BATCH)
        single = await _run(folder, broker, town, _SINGLES, 1)
    await database.close()
    return batched * _ENTRIES_A_BATCH, single


@asynccontextmanager
async def _cloud(folder: Path, town: Town) -> AsyncIterator[NatsServer]:
    broker = NatsServer(folder / "broker", ensure(folder / "authority"))
    await broker.start()
    auth = await connect_auth(broker.url, broker.credentials, broker.authority)
    await Callout(town.database, SystemClock(), AccountKey(broker.credentials.issuer_seed)).start(auth)
    client = await connect_cloud(broker.url, broker.credentials, broker.authority)
    ingest = Ingest(town.database, town.key_store)
    subscription = await uplinks(client.jetstream())
    worker = asyncio.create_task(Worker(ingest, subscription, SystemClock(), downlink(client), lambda: None).run())
    yield broker
    await end(worker)
    await client.close()
    await auth.close()
    await broker.stop()


async def _run(folder: Path, broker: NatsServer, town: Town, batches: int, entries: int) -> float:
    """Messages per second, from the first that was sent to the last that was acknowledged."""
    devices = [await town.device(meters=2) for _ in range(_GATEWAYS)]
    plan = [_plan(device, batches, entries) for device in devices]
    path = folder / f"plan-{secrets.token_hex(4)}.json"
    path.write_text(json.dumps({"port": broker.mqtt_port, "ca": str(broker.authority), "gateways": plan}))
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.bench.ingest_load", str(path), stdout=asyncio.subprocess.PIPE
    )
    out, _ = await process.communicate()
    assert process.returncode == 0, "the gateways did not get all their acknowledgements"
    return sum(len(gateway["uplinks"]) for gateway in plan) / float(out)


def _plan(device: Device, batches: int, entries: int) -> dict:  # type: ignore[type-arg]
    while device.sequence < batches * entries:
        device.charge(device.sequence % 2, 1000)
    starts = range(1, batches * entries, entries) if entries > 1 else range(1, batches + 1)
    return {
        "gateway": device.gateway,
        "password": device.password,
        "link_key": device.link_key.hex(),
        "last": batches * entries,
        "uplinks": [device.batch(first, first + entries - 1).hex() for first in starts],
    }


def _bare_inserts(path: Path) -> float:
    """Rows per second into a table of the same form, in transactions as large as the worker's largest."""
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        rows = database.execute("SELECT * FROM ledger_entry").fetchall()
        form = database.execute("SELECT sql FROM sqlite_master WHERE name = 'ledger_entry'").fetchone()[0]
        database.execute(form.replace("ledger_entry", "bare"))
        database.execute("PRAGMA synchronous = FULL")
        insert = f"INSERT INTO bare VALUES ({', '.join('?' * len(rows[0]))})"
        started = time.perf_counter()
        size = FETCH * _ENTRIES_A_BATCH
        for first in range(0, len(rows), size):
            database.execute("BEGIN IMMEDIATE")
            database.executemany(insert, rows[first : first + size])
            database.execute("COMMIT")
        return len(rows) / (time.perf_counter() - started)
