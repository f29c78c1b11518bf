"""All ways of money at once: counters, agents, providers, vouchers, statements, reversals, voids, crashes anywhere.

After each step the books balance and hold what the rows say; in the end each payment is tokens, an account's, returned
or a listed case, each order was answered with one sale or refused, and each token that no meter showed is watched.
PENSTOCK_LONG=1 lives longer lives.
"""

import asyncio
import contextlib
import os
import uuid
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule, run_state_machine_as_test
from sqlalchemy import select, text

from cloud.auth.actor import system
from cloud.books import service as books
from cloud.keys import CARRIERS, CLOCK, CONFIG, DATABASE, KEY_STORE
from cloud.meters.models import Meter
from cloud.notify.delivery import Outbox
from cloud.payments.rules import purchase_id
from cloud.vending import booking, voiding
from cloud.vending.models import Vend
from cloud.watchdog.rules import Limits
from cloud.watchdog.worker import Watchdog
from tests.cloud.agents.market import Market
from tests.cloud.payments.paying import Paying, paying_at
from tests.cloud.payments.test_random_payments import ENDED, STATEMENTS, Died, Machine, Rig
from tests.cloud.served import HandClock
from tests.fakes.provider import FakeProvider
from tools.authority import Paths

LONG = os.environ.get("PENSTOCK_LONG") == "1"
LIVES = {"sqlite": 100 if LONG else 8, "postgresql": 30 if LONG else 2}
STEPS = 40 if LONG else 20
VOUCHERS, FLOAT_MINOR = 6, 150_000
TENDERS = st.sampled_from([1_000, 10_000, 25_001, 60_000])


class MoneyMachine(Machine):
    """One life of a town. What was ordered is repeated until it has an answer."""

    codes: list[str]
    seller: str | None

    def __init__(self) -> None:
        super().__init__()
        self.orders: dict[str, tuple[dict[str, Any], str | None]] = {}
        self.digits: dict[str, list[str]] = {}
        self.refused: set[str] = set()

    @initialize()
    def begin(self) -> None:
        super().begin()
        app = self.paying.app
        self.dog = Watchdog(app[DATABASE], app[KEY_STORE], app[CARRIERS], app[CLOCK], Limits())
        self.outbox = Outbox(app[DATABASE], app[KEY_STORE], app[CARRIERS], app[CLOCK])

    @rule(tender=TENDERS, by_agent=st.booleans(), to_account=st.booleans(), after=st.none() | STATEMENTS)
    def sell(self, tender: int, by_agent: bool, to_account: bool, after: int | None) -> None:
        key = self.seller if by_agent else self.rig.key
        number = str(uuid.uuid4())
        money = {"kind": "cash", "amount_minor": tender, "currency": "KES"}
        body: dict[str, Any] = {"purchase_id": number, "drn": self.rig.drn, "tender": money}
        body |= {"change": "account"} if to_account else {"volume_ml": 2_000_000}
        self.orders[number] = (body, key)
        self._order(number, after)

    @precondition(lambda self: self.orders)
    @rule(number=st.integers(0, 99), after=st.none() | STATEMENTS)
    def order_again(self, number: int, after: int | None) -> None:
        self._order(list(self.orders)[number % len(self.orders)], after)

    def _order(self, number: str, after: int | None) -> None:
        body, key = self.orders[number]
        status, answer = self._post("/vends", body, key, after)
        if status == 201:
            given = [token["digits"] for token in answer["tokens"]]
            assert self.digits.setdefault(number, given) == given
        elif status < 500:
            assert number not in self.digits, "a sale that was made is refused now"
            self.refused.add(number)

    @rule(number=st.integers(0, VOUCHERS - 1), after=st.none() | STATEMENTS)
    def redeem(self, number: int, after: int | None) -> None:
        self._post("/vouchers/redeem", {"code": self.codes[number], "drn": self.rig.drn}, self.rig.key, after)

    @rule(lines=st.lists(st.sampled_from([500, 30_000, 70_000]), min_size=1, max_size=3), after=st.none() | STATEMENTS)
    def import_statement(self, lines: list[int], after: int | None) -> None:
        mapping = {"date": "d", "amount": "a", "text": "t", "reference": "r"}
        rows = [f"2025-06-15,{amount // 100}.00,{self.rig.drn},B{amount}" for amount in sorted(set(lines))]
        body = {"channel": "bank", "format": "csv", "currency": "KES", "mapping": mapping}
        self._post("/bank-statements", {**body, "content": "\n".join(["d,a,t,r", *rows])}, self.rig.key, after)

    @rule(number=st.integers(0, 99), after=st.none() | STATEMENTS)
    def take_back_a_token(self, number: int, after: int | None) -> None:
        vends = self.runner.run(self._vends())
        if vends:
            vend = vends[number % len(vends)]
            self._post(f"/vends/{vend.purchase_id}/void", {"part": vend.part}, self.rig.key, after)

    @rule(number=st.integers(0, 99), after=st.none() | STATEMENTS)
    def meter_shows(self, number: int, after: int | None) -> None:
        vends = self.runner.run(self._vends())
        if vends:
            self._dying(self._shown(vends[number % len(vends)]), after)

    @rule(after=st.none() | STATEMENTS)
    def watch(self, after: int | None) -> None:
        self._dying(self._watched(), after)

    @rule(after=st.none() | STATEMENTS)
    def bring_messages(self, after: int | None) -> None:
        self._dying(self._brought(), after)

    async def _watched(self) -> None:
        await self.dog.find_late()
        await self.dog.heal_due()

    async def _brought(self) -> None:
        await self.outbox.deliver_due()

    async def _vends(self) -> list[Vend]:
        async with self.paying.app[DATABASE].read() as session:
            return list(await session.scalars(select(Vend).order_by(Vend.id)))

    async def _shown(self, vend: Vend) -> None:
        """The ledger shows the token, or the void that was ordered for it."""
        now = self.paying.api.clock.now()
        async with self.paying.app[DATABASE].begin() as session:
            meter = await session.get_one(Meter, vend.meter_id)
            if vend.void_tid is not None and vend.id % 2:
                found = await voiding.explains(session, vend.meter_id, vend.void_tid, vend.tid)
                if found is not None:
                    await voiding.finish(session, found, now)
                return
            row = await session.get_one(Vend, vend.id, with_for_update=True)
            if row.consumed_by is None and row.voided_at is None:
                row.consumed_by, row.consumed_at = row.id, now
                await books.post(session, booking.credit(row, meter.commodity), system("ledger"), now)

    def _dying(self, work: Any, after: int | None) -> None:
        self.crash_in, self.crash_as = (-1 if after is None else after), Died
        with contextlib.suppress(Died):
            self.runner.run(work)
        self.crash_in = -1

    def _post(self, path: str, body: Any, key: str | None, after: int | None) -> tuple[int, Any]:
        self.crash_in, self.crash_as = (-1 if after is None else after), RuntimeError
        found = self.runner.run(self._send_to(path, body, key))
        self.crash_in = -1
        return found

    async def _send_to(self, path: str, body: Any, key: str | None) -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {key}"}
        async with self.paying.api.client.post("/api/v1" + path, json=body, headers=headers) as response:
            return response.status, await response.json()

    async def _check(self) -> None:
        async with self.paying.app[DATABASE].read() as session:
            rows = (await session.execute(text("SELECT * FROM payment"))).mappings().all()
            vends = list(await session.scalars(select(Vend)))
        body = (await self.paying.api.get(f"/books/{self.rig.utility}")).body
        balance = {row["code"]: row["balance"] for row in body["accounts"]}
        assert body["holds"]
        ends = ("vended_at", "used_at", "refunded_at")
        here = [row for row in rows if row["verified_at"] and not any(row[end] for end in ends)]
        assert -balance.get("suspense", 0) == sum(row["amount_minor"] - row["reversed_minor"] for row in here)
        returned = [row for row in rows if row["refunded_at"] and row["refund_reference"]]
        lost = [row for row in rows if row["vended_at"] or row["used_at"]] + returned
        assert balance.get("chargebacks", 0) == sum(row["reversed_minor"] for row in lost)
        waiting = sum(one.volume_ml for one in vends if one.consumed_by is None and one.voided_at is None)
        assert -balance.get("in_flight:water", 0) == waiting
        assert -balance.get("meter_credit:water", 0) == sum(one.volume_ml for one in vends if one.consumed_by)
        self._check_sales(rows, vends)

    def _check_sales(self, rows: Any, vends: list[Vend]) -> None:
        tenders: dict[str, int] = {}
        for vend in vends:
            tenders[vend.purchase_id] = tenders.get(vend.purchase_id, 0) + vend.tender_minor
        sold = {row["purchase_id"]: row for row in rows if row["vended_at"]}
        assert set(sold) <= set(tenders), "a payment without its sale"
        assert set(tenders) <= set(sold) | set(self.orders), "a sale that nobody paid for"
        for number, row in sold.items():
            assert number == purchase_id(row["provider"], row["reference"])
            assert tenders[number] == row["amount_minor"]
        for number in set(tenders) & set(self.orders):
            assert tenders[number] == self.orders[number][0]["tender"]["amount_minor"]

    async def _end(self) -> None:
        for number in list(self.orders):
            await self._answered(number)
        await self.paying.settle()
        payments = await self.paying.payments()
        told = {
            one["reference"]: one["state"] for one in payments if one["provider"] in ("stripe", "flutterwave", "mpesa")
        }
        assert set(told) == set(self.fake.paid) | self.forged
        assert {one["state"] for one in payments} <= ENDED
        await self._check()
        self.paying.api.clock.time += 901
        await self._watched()
        async with self.paying.app[DATABASE].read() as session:
            watched = set(await session.scalars(text("SELECT purchase_id FROM watched_purchase")))
        late = {one.purchase_id for one in await self._vends() if one.consumed_by is None and one.voided_at is None}
        assert late <= watched, "a token that no meter shows, and nobody looks"

    async def _answered(self, number: str) -> None:
        status, answer = await self._send_to("/vends", *self.orders[number])
        assert status < 500
        if status == 201:
            given = [token["digits"] for token in answer["tokens"]]
            assert self.digits.setdefault(number, given) == given


async def _rig(url: str, folder: Path, certificates: Paths, server: str | None) -> dict[str, Any]:
    async with paying_at(url, folder, certificates, HandClock(), FakeProvider(), "http://127.0.0.1:1") as made:
        market = await Market(made.api, made.town).found(held_minor=FLOAT_MINOR)
        codes = await _vouchers(made)
        rig = Rig(made.app[CONFIG], made.town, folder, server)
        return {"rig": rig, "codes": codes, "seller": market.seller.key}


async def _vouchers(made: Paying) -> list[str]:
    order = {"utility_id": made.town.utility, "count": VOUCHERS, "amount_minor": 20_000, "currency": "KES"}
    batch = await made.api.made("/voucher-batches", {**order, "expires_at": 2**31})
    return [one["code"] for one in batch["vouchers"]]


@pytest.mark.timeout(3600 if LONG else 900)
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_all_money_ends_once(kind: str, request: pytest.FixtureRequest, tmp_path: Path, certificates: Paths) -> None:
    url = request.getfixturevalue(f"{kind}_url")
    server = request.getfixturevalue("postgresql") if kind == "postgresql" else None
    bound = type("BoundMachine", (MoneyMachine,), asyncio.run(_rig(url, tmp_path, certificates, server)))

    run_state_machine_as_test(
        bound,
        settings=settings(
            max_examples=LIVES[kind],
            stateful_step_count=STEPS,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            print_blob=True,
        ),
    )
