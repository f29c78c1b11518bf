"""Whatever providers, networks and dying processes do: each payment ends in tokens, a return or a listed case, once."""

import asyncio
import contextlib
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import event, text

from cloud.app import build_app
from cloud.config import Config
from cloud.db import Database
from cloud.keys import CONFIG, DATABASE
from cloud.payments.rules import purchase_id
from tests.cloud.conftest import new_postgresql
from tests.cloud.payments.paying import Paying, paying_at
from tests.cloud.served import Api, HandClock, Town
from tests.fakes.provider import FakeProvider, Letter, channels
from tools.authority import Paths

PROVIDERS = st.sampled_from(["stripe", "flutterwave", "mpesa"])
AMOUNTS = st.sampled_from([1, 999, 30_000, 50_001, 123_456])
STATEMENTS = st.integers(0, 45)
ENDED = {"vended", "used", "refunded", "listed", "refunding", "disputed", "void"}
BIG = 10**15


class Died(BaseException):
    """The process ends here."""


class Rig:
    """A town in a database that every run starts from, and how to serve a copy of it."""

    def __init__(self, config: Config, town: Town, folder: Path, server: str | None) -> None:
        self.config = config
        self.key = town.api.key
        self.drn = town.drn
        self.utility = town.utility
        self.folder = folder
        self.server = server
        self.runs = 0

    def fresh(self) -> Config:
        """Settings over a new copy."""
        self.runs += 1
        if self.server is not None:
            name = f"run{self.runs}_{self.config.database_url.rpartition('/')[2].partition('?')[0]}"
            template = name.partition("_")[2]
            return self.config.model_copy(update={"database_url": new_postgresql(self.server, name, template)})
        source = Path(self.config.database_url.removeprefix("sqlite:///"))
        shutil.copy(source, self.folder / f"run{self.runs}.db")
        return self.config.model_copy(update={"database_url": f"sqlite:///{self.folder}/run{self.runs}.db"})


class Machine(RuleBasedStateMachine):
    """One run. Messages wait in `fake.letters`; a crash may come before any statement."""

    rig: Rig

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.fake = FakeProvider()
        self.forged: set[str] = set()
        self.crash_in = -1
        self.crash_as: type[BaseException] = Died

    @initialize()
    def begin(self) -> None:
        self.stack = contextlib.AsyncExitStack()
        self.paying = self.runner.run(self._serve(self.rig.fresh()))
        engine = self.paying.app[DATABASE].engine.sync_engine
        event.listen(engine, "before_cursor_execute", self._count)

    async def _serve(self, config: Config) -> Paying:
        clock = HandClock()
        server = await self.stack.enter_async_context(TestServer(self.fake.app()))
        file = self.rig.folder / "run.json"
        file.write_text(json.dumps(channels(str(server.make_url("/")), self.rig.utility)))
        config = config.model_copy(update={"payments_file": file, "refund_limit_minor": BIG})
        app = build_app(config, clock, services=())
        client = await self.stack.enter_async_context(TestClient(TestServer(app)))
        api = Api(client, clock, self.rig.key)
        town = Town(api)
        town.drn, town.utility = self.rig.drn, self.rig.utility
        return Paying(api, town, self.fake)

    def _count(self, *_arguments: Any) -> None:
        if self.crash_in == 0:
            self.crash_in = -1
            raise self.crash_as("cut")
        self.crash_in -= self.crash_in > 0

    @rule(provider=PROVIDERS, amount=AMOUNTS, known=st.booleans())
    def pay(self, provider: str, amount: int, known: bool) -> None:
        self.fake.pay(provider, self.rig.drn if known else "nobody", amount)

    @rule(provider=st.sampled_from(["flutterwave", "mpesa"]), amount=AMOUNTS)
    def pay_and_lie(self, provider: str, amount: int) -> None:
        self.fake.pay(provider, self.rig.drn, amount, lie=amount + 1)

    @rule(provider=st.sampled_from(["flutterwave", "mpesa"]))
    def forge(self, provider: str) -> None:
        forged = self.fake.pay(provider, self.rig.drn, 50_000)
        self.forged.add(forged.reference)
        del self.fake.paid[forged.reference]

    @precondition(lambda self: self.fake.paid)
    @rule(number=st.integers(0, 99))
    def take_back(self, number: int) -> None:
        self.fake.take_back(list(self.fake.paid.values())[number % len(self.fake.paid)])

    @precondition(lambda self: self.fake.paid)
    @rule(number=st.integers(0, 99))
    def tell_again(self, number: int) -> None:
        paid = list(self.fake.paid.values())[number % len(self.fake.paid)]
        self.fake.letters.append(self.fake.told(paid))

    @precondition(lambda self: self.fake.letters)
    @rule(number=st.integers(0, 99), twice=st.booleans(), cut=st.booleans(), after=STATEMENTS)
    def deliver(self, number: int, twice: bool, cut: bool, after: int) -> None:
        letter = self.fake.letters.pop(number % len(self.fake.letters))
        self.crash_in, self.crash_as = (after if cut else -1), RuntimeError
        for _ in range(1 + twice):
            status = self.runner.run(self._send(letter))
        self.crash_in = -1
        if status != 200:
            self.fake.letters.append(letter)  # providers send again until they are answered

    async def _send(self, letter: Letter) -> int:
        return (await self.paying.send(letter))[0]

    @rule(cut=st.booleans(), after=STATEMENTS, down=st.integers(0, 2))
    def work(self, cut: bool, after: int, down: int) -> None:
        self.fake.fail_next = down
        self.crash_in, self.crash_as = (after if cut else -1), Died
        with contextlib.suppress(Died):
            self.runner.run(self._work())
        self.crash_in, self.fake.fail_next = -1, 0

    async def _work(self) -> None:
        await self.paying.worker.work_due()
        await self.paying.worker.lookback.round()

    @rule(seconds=st.sampled_from([10, 200, 5000]))
    def wait(self, seconds: int) -> None:
        self.paying.api.clock.time += seconds

    @rule(back=st.booleans())
    def decide(self, back: bool) -> None:
        self.runner.run(self._decide(back))

    async def _decide(self, back: bool) -> None:
        api = self.paying.api
        for one in (await api.get("/payments", state="waiting")).body["items"][:1]:
            path = f"/payments/{one['id']}"
            if back:
                await api.post(f"{path}/refund", {"reference": "back"})
            else:
                await api.post(f"{path}/assign", {"drn": self.rig.drn})

    @invariant()
    def the_books_hold_what_is_open(self) -> None:
        self.runner.run(self._check())

    async def _check(self) -> None:
        database: Database = self.paying.app[DATABASE]
        async with database.read() as session:
            rows = (await session.execute(text("SELECT * FROM payment"))).mappings().all()
            sales = await session.execute(
                text("SELECT purchase_id, sum(tender_minor) AS tender FROM vend GROUP BY purchase_id")
            )
            tenders = {row.purchase_id: row.tender for row in sales}
        ends = ("vended_at", "used_at", "refunded_at")
        here = [row for row in rows if row["verified_at"] and not any(row[end] for end in ends)]
        sold = {row["purchase_id"]: row for row in rows if row["vended_at"]}
        body = (await self.paying.api.get(f"/books/{self.rig.utility}")).body
        balance = {row["code"]: row["balance"] for row in body["accounts"] if row["unit"] == "KES"}
        assert body["holds"]
        assert -balance.get("suspense", 0) == sum(row["amount_minor"] - row["reversed_minor"] for row in here)
        assert set(tenders) == set(sold), "a sale without a payment, or a payment without its sale"
        for purchase, row in sold.items():
            assert purchase == purchase_id(row["provider"], row["reference"])
            assert tenders[purchase] == self.fake.paid[row["reference"]].amount_minor

    def teardown(self) -> None:
        if not hasattr(self, "paying"):
            return
        self.runner.run(self._end())
        self.runner.run(self.stack.aclose())
        self.runner.close()

    async def _end(self) -> None:
        await self.paying.settle()
        found = {one["reference"]: one["state"] for one in await self.paying.payments()}
        assert set(found) == set(self.fake.paid) | self.forged
        assert set(found.values()) <= ENDED
        assert not {found[reference] for reference in self.forged} & {"vended", "refunded"}
        await self._check()


async def _rig(url: str, folder: Path, certificates: Paths, server: str | None) -> Rig:
    async with paying_at(url, folder, certificates, HandClock(), FakeProvider(), "http://127.0.0.1:1") as made:
        config: Config = made.app[CONFIG]
        return Rig(config, made.town, folder, server)


@pytest.mark.parametrize(("kind", "runs"), [("sqlite", 12), ("postgresql", 3)])
def test_each_payment_ends_once(
    kind: str, runs: int, request: pytest.FixtureRequest, tmp_path: Path, certificates: Paths
) -> None:
    url = request.getfixturevalue(f"{kind}_url")
    server = request.getfixturevalue("postgresql") if kind == "postgresql" else None
    rig = asyncio.run(_rig(url, tmp_path, certificates, server))
    bound = type("BoundMachine", (Machine,), {"rig": rig})

    run_state_machine_as_test(
        bound,
        settings=settings(
            max_examples=runs, stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
