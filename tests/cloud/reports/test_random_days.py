"""Random weeks of a utility: sales, tokens that are used, voided or forged, adjustments, new devices, and crashes.

Whatever happened, and wherever a run ended between two statements, the next run of the day explains or lists it all.
"""

import asyncio
import os

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test
from sqlalchemy import select

from cloud.books import reports
from cloud.db import Database
from cloud.errors import Refused
from cloud.reports import posting, reconciliation
from cloud.vending import voiding
from cloud.vending.models import Vend
from cloud.vending.voiding import VoidOrder
from shared import kinds
from shared.civil import DAY_S
from tests.cloud.books.crashes import Crash, crashing
from tests.cloud.reports.ledgers import send
from tests.fakes.device import Device
from tests.fakes.utility import ADMIN, Town

CHANNELS = st.integers(0, 1)
VOLUMES = st.integers(1, 3_000_000)
LONG = bool(os.environ.get("PENSTOCK_LONG"))


class Weeks(RuleBasedStateMachine):
    """One utility in a database that others used before it."""

    url = ""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.database = Database(self.url)
        self.forged = 0

    @initialize()
    def open(self) -> None:
        self.runner.run(self._open())

    async def _open(self) -> None:
        self.town = await Town(self.database).found()
        self.device = await self.town.device(meters=2)

    @rule(channel=CHANNELS, use=st.booleans())
    def sell(self, channel: int, use: bool) -> None:
        sale = self.runner.run(self.town.sell(self.device, channel))
        self.town.now += 60
        if use:
            self.device.token(channel, sale.vend.tid, sale.vend.volume_ml)

    @rule(channel=CHANNELS, volume=VOLUMES)
    def flow(self, channel: int, volume: int) -> None:
        self.device.charge(channel, volume)

    @rule(channel=CHANNELS, volume=VOLUMES)
    def forge(self, channel: int, volume: int) -> None:
        self.forged += 1
        self.device.token(channel, 5_000_000 + self.forged, volume)

    @rule(channel=CHANNELS, volume=VOLUMES)
    def free_flow(self, channel: int, volume: int) -> None:
        register = self.device.state.meters[channel].register + volume
        self.device.write(kinds.CHARGE, channel, register=register, rule=kinds.RULE_NOT_COLLECTED)

    @rule(data=st.data())
    def void(self, data: st.DataObject) -> None:
        self.runner.run(self._void(data))

    async def _void(self, data: st.DataObject) -> None:
        async with self.database.begin() as session:
            mine = (Vend.utility_id == self.town.utility, Vend.consumed_by.is_(None), Vend.void_tid.is_(None))
            vends = (await session.scalars(select(Vend).where(*mine).order_by(Vend.id))).all()
            used = {int.from_bytes(body[34:38], "big") for body in self.device.entries if body[8] == kinds.TOKEN}
            unused = [vend for vend in vends if vend.tid not in used]
            if not unused:
                return
            vend = unused[data.draw(st.integers(0, len(unused) - 1))]
            try:
                made = await voiding.order(
                    session, self.town.key_store, ADMIN, VoidOrder(vend.purchase_id, 1, "keypad"), self.town.now
                )
            except Refused:
                return
            channel = made.meter.channel
            tids = {"reference_a": made.vend.void_tid or 0, "reference_b": vend.tid}
        self.device.write(kinds.VOID, channel, detail=kinds.MANUAL << 8 | 1, **tids)

    @rule()
    def send(self) -> None:
        self.runner.run(send(self.town, self.device))

    @rule()
    def enrol_anew(self) -> None:
        self.runner.run(send(self.town, self.device))
        self.device = self.runner.run(self.town.enrol(self.device.gateway, Device()))

    @rule(crash_at=st.integers(1, 60))
    def crash(self, crash_at: int) -> None:
        engine = self.database.engine.sync_engine
        try:
            with crashing(engine, crash_at):
                self.runner.run(posting.post_all(self.database, self.town.utility, self.town.now + 1, self.town.now))
        except Crash:
            pass

    @rule(crash_at=st.none() | st.integers(1, 120))
    def day_ends(self, crash_at: int | None) -> None:
        self.town.now += DAY_S
        self.device.clock_s = self.town.now
        engine = self.database.engine.sync_engine
        try:
            with crashing(engine, crash_at):
                self.runner.run(self._run())
        except Crash:
            self.runner.run(self._run())
        self.runner.run(self.check())

    async def _run(self) -> reconciliation.Report:
        return await reconciliation.run(self.database, ADMIN, self.town.utility, None, self.town.now)

    async def check(self) -> None:
        report = await self._run()
        assert report.run.holds, [line for line in report.run.lines if line["unexplained"]]
        assert {item.code for item in report.items} <= {"credit_unexplained"}
        async with self.database.read() as session:
            balances = await reports.trial_balance(session, ADMIN, self.town.utility)
        assert not any(reports.left_over(balances).values())
        volume = {one.account.code: one.balance for one in balances if one.account.unit == "ml"}
        held = -sum(volume.get(name, 0) for name in ("in_flight:water", "meter_credit:water"))
        gone = -sum(volume.get(name, 0) for name in ("consumed:water", "void:water"))
        made = sum(volume.get(name, 0) for name in ("issued:water", "unexplained:water"))
        assert made == held + gone

    def teardown(self) -> None:
        if hasattr(self, "device"):
            self.runner.run(send(self.town, self.device))
            self.day_ends(None)
        self.runner.run(self.database.close())
        self.runner.close()


@pytest.mark.parametrize(("kind", "lives"), [("sqlite", 8), ("postgresql", 3)])
def test_no_week_leaves_anything_unexplained(request: pytest.FixtureRequest, kind: str, lives: int) -> None:
    url = request.getfixturevalue(f"{kind}_url")
    life = type("Life", (Weeks,), {"url": url})
    checks = [HealthCheck.too_slow, HealthCheck.data_too_large]
    examples = lives * 20 if LONG else lives
    run_state_machine_as_test(
        life,
        settings=settings(max_examples=examples, stateful_step_count=20, deadline=None, suppress_health_check=checks),
    )
