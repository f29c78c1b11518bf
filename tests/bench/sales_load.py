"""Clients of the sales measurement: so many bare inserts, then as many sales over HTTP, by as many clients.

Reads a plan as JSON and prints, by the number of clients, how long each act took in ms, and all together in seconds.
"""

import asyncio
import json
import sys
import time
import uuid
from collections.abc import Awaitable, Callable

import asyncpg
from sqlalchemy import text

from cloud.db import Database

_WARM = 32
_INSERT = "INSERT INTO bare (said, amount) VALUES ({}, {})"
_HEAD_END = b"\r\n\r\n"
Act = Callable[[int], Awaitable[None]]


class Till:
    """A client that keeps its connection and waits for each answer."""

    def __init__(self, plan: dict) -> None:  # type: ignore[type-arg]
        self._host, _, self._port = plan["address"].rstrip("/").rpartition(":")
        self._key = plan["key"]
        self._drns = plan["drns"]

    async def open(self) -> "Till":
        """Connect."""
        self._reader, self._writer = await asyncio.open_connection(self._host, int(self._port))
        return self

    async def sell(self, number: int) -> None:
        """Make one sale for what a customer has in hand; some of it stays on the account."""
        tender = {"kind": "cash", "amount_minor": 50_000 + 37 * (number % 50), "currency": "KES"}
        drn = self._drns[number % len(self._drns)]
        body = json.dumps(
            {"purchase_id": str(uuid.uuid4()), "drn": drn, "tender": tender, "change": "account"}
        ).encode()
        head = (
            f"POST /api/v1/vends HTTP/1.1\r\nHost: {self._host}\r\nAuthorization: Bearer {self._key}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        self._writer.write(head.encode() + body)
        answer = await self._reader.readuntil(_HEAD_END)
        length = next(int(line[15:]) for line in answer.split(b"\r\n") if line.lower().startswith(b"content-length:"))
        said = await self._reader.readexactly(length)
        assert answer.startswith(b"HTTP/1.1 201"), said

    async def close(self) -> None:
        """Hang up."""
        self._writer.close()
        await self._writer.wait_closed()


class Least:
    """A client of the service's own database layer: the least that it can do in a transaction is one row."""

    statement = text(_INSERT.format(":said", ":amount"))

    def __init__(self, database: Database) -> None:
        self._database = database

    async def insert(self, number: int) -> None:
        """Begin, insert one row of about the size of a purchase, commit."""
        async with self._database.begin() as session:
            await session.execute(self.statement, {"said": str(uuid.uuid4()), "amount": number})


class Row:
    """A client of the driver alone, that inserts one row at a time: in a transaction, or as one statement."""

    def __init__(self, database: str) -> None:
        self._database = database

    async def open(self) -> "Row":
        """Connect."""
        self._connection = await asyncpg.connect(self._database)
        return self

    async def insert(self, number: int) -> None:
        """Insert one row."""
        await self._connection.execute(_INSERT.format("$1", "$2"), str(uuid.uuid4()), number)

    async def insert_in_transaction(self, number: int) -> None:
        """The same between BEGIN and COMMIT."""
        async with self._connection.transaction():
            await self.insert(number)

    async def close(self) -> None:
        """Hang up."""
        await self._connection.close()


async def _timed(acts: list[Act], count: int, first: int) -> tuple[list[float], float]:
    """Let the clients make `count` acts between them; how long each took in ms, and all in seconds."""
    numbers = iter(range(first, first + count))
    took: list[float] = []

    async def work(act: Act) -> None:
        for number in numbers:
            started = time.perf_counter()
            await act(number)
            took.append((time.perf_counter() - started) * 1000)

    started = time.perf_counter()
    await asyncio.gather(*(work(act) for act in acts))
    return took, time.perf_counter() - started


async def main(plan: dict) -> dict:  # type: ignore[type-arg]
    """Measure with each number of clients in turn."""
    setup = await asyncpg.connect(plan["database"])
    columns = "id bigserial PRIMARY KEY, said text NOT NULL, amount bigint NOT NULL"
    await setup.execute(f"CREATE TABLE IF NOT EXISTS bare ({columns})")
    await setup.close()
    database = Database(plan["database"])
    least = Least(database)
    told = {}
    for clients, count in plan["sales"].items():
        rows = [await Row(plan["database"]).open() for _ in range(int(clients))]
        tills = [await Till(plan).open() for _ in range(int(clients))]
        acts: dict[str, list[Act]] = {
            "least": [least.insert] * int(clients),
            "transaction": [row.insert_in_transaction for row in rows],
            "statement": [row.insert for row in rows],
            "sales": [till.sell for till in tills],
        }
        for each in acts.values():
            await _timed(each, _WARM, 0)
        told[clients] = {name: await _timed(each, count, _WARM) for name, each in acts.items()}
        await asyncio.gather(*(client.close() for client in (*rows, *tills)))
    await database.close()
    return told


if __name__ == "__main__":
    print(json.dumps(asyncio.run(main(json.loads(sys.stdin.read())))))
