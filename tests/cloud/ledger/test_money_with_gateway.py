"""A meter that holds money and the cloud that sells it: what was paid is on the meter, in flight, void or charged.

The gateway is the device's own code; each token is typed, water flows, and the ledger is verified and booked.
"""

import asyncio
import secrets
import shutil
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest
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
from sqlalchemy import select

from cloud.books import reports
from cloud.db import Database
from cloud.errors import Refused
from cloud.ledger.service import Ingest
from cloud.meters import return_codes, standing
from cloud.meters.models import Meter
from cloud.tariffs import device
from cloud.vending import service as vending
from cloud.vending import void_proof, voiding
from cloud.vending.models import Vend
from cloud.vending.order import ACCOUNT, FREE, Order
from cloud.vending.tokens import Sale
from shared import kinds, return_code
from tests.cloud.conftest import new_postgresql
from tests.cloud.ledger.books import cases
from tests.cloud.ledger.test_with_gateway import ACCEPT, USED, Link, connected
from tests.fakes.utility import ADMIN, Town

EACH = 1_000  # 1/100000 in a cent
BLOCKS = [(3_000_000, 2_500_000), (0, 7_000_001)]


class Money:
    """A gateway with one meter that holds money, and its customer."""

    def __init__(self, link: Link, drn: str) -> None:
        self.link, self.town, self.drn = link, link.town, drn
        self.digits: dict[int, str] = {}
        self.typed: set[int] = set()

    async def buy(self, minor: int, tender_kind: str = "cash") -> Sale:
        free = {"reason": "leak", "given_minor": minor} if tender_kind == FREE else {}
        order = Order(
            purchase_id=str(uuid.uuid4()),
            drn=self.drn,
            volume_ml=None,
            tender_kind=tender_kind,
            tender_minor=0 if tender_kind == FREE else minor,
            currency="KES",
            delivery="keypad",
            change="return" if tender_kind == FREE else ACCOUNT,
            **free,  # type: ignore[arg-type]
        )
        async with self.town.database.begin() as session:
            sale = await vending.vend(session, self.town.key_store, ADMIN, order, self.town.now)
        for token in sale.tokens:
            assert token.vend is not None
            self.digits[token.vend.id] = token.digits
        self.town.now += 60
        return sale

    async def vends(self) -> list[Vend]:
        async with self.town.database.read() as session:
            return list(await session.scalars(select(Vend).where(Vend.utility_id == self.town.utility)))

    def type(self, vend_id: int) -> int:
        code = self.link.house.type(self.digits[vend_id])
        if code == ACCEPT:
            self.typed.add(vend_id)
        return code

    async def void(self, vend: Vend) -> str:
        async with self.town.database.begin() as session:
            wanted = voiding.VoidOrder(vend.purchase_id, vend.part, "keypad")
            made = await voiding.order(session, self.town.key_store, ADMIN, wanted, self.town.now)
        self.town.now += 60
        return made.digits

    async def balances(self) -> dict[str, int]:
        async with self.town.database.read() as session:
            found = await reports.trial_balance(session, ADMIN, self.town.utility)
        assert not any(reports.left_over(found).values()) and all(one.holds for one in found)
        return {one.account.code: one.balance for one in found if one.account.unit == "KES"}

    async def check(self) -> None:
        """All that was paid is accounted for, and the meter has what its tokens said, less what it charged."""
        vends, books = await self.vends(), await self.balances()
        kept = [vend for vend in vends if vend.voided_at is None]
        paid = sum(vend.amount_minor for vend in kept)
        assert -books.get("meter_money:KES", 0) == paid
        assert abs(paid * EACH - sum(vend.credit for vend in kept)) < EACH * (len(vends) + 1)
        taken_in = {vend.id for vend in vends if vend.consumed_by is not None}
        assert taken_in <= self.typed
        assert all(vend.volume_ml == 0 and vend.units == 0 for vend in vends)


async def moneyed(town: Town) -> Money:
    terms = device.Order(town.utility, 0, town.now, 0, 0, 31, BLOCKS)
    async with town.database.begin() as session:
        await device.add(session, town.key_store, ADMIN, terms, town.now)
    link = await connected(town, Ingest(town.database, town.key_store), kinds.MODE_CURRENCY)
    async with town.database.read() as session:
        drn = (await session.scalars(select(Meter.drn).where(Meter.utility_id == town.utility))).one()
    return Money(link, drn)


@pytest.fixture
async def money(town: Town) -> Money:
    """A meter that holds money, enrolled by the cloud itself."""
    return await moneyed(town)


async def test_money_is_sold_typed_charged_and_explained(money: Money) -> None:
    sale = await money.buy(50_000)

    code = money.type(sale.vend.id)
    money.link.house.flow(4_000)
    money.link.house.step(20)
    await money.link.talk()

    assert (code, sale.credit, sale.credit_unit, sale.amount_minor) == (ACCEPT, 49_992_624, "money_100000", 49_993)
    charged = 3 * 2_500_000 + 7_000_001
    assert money.link.house.balance() == sale.credit - charged
    assert set(await money.link.verdicts()) == {"explained"}
    assert await cases(money.town, money.link.known) == []
    async with money.town.database.read() as session:
        meter = (await session.scalars(select(Meter))).one()
        assert (await standing.of(session, meter)).balance == sale.credit - charged
    assert (await money.balances()) == {
        "cash": 50_000,
        f"customer:{money.town.customer}": -7,
        "meter_money:KES": -49_993,
    }
    await money.check()


async def test_the_next_receipt_knows_the_meters_own_tariff_and_position(money: Money) -> None:
    money.type((await money.buy(50_000)).vend.id)
    money.link.house.flow(1_000)
    money.link.house.step(20)
    await money.link.talk()

    sale = await money.buy(10_000)

    assert sale.record is not None
    said = sale.record.statement["money"]
    tariff = (said["device_tariff_version"], said["block"], said["left_ml"])
    assert tariff == (1, 1, 2_000_000)
    assert (said["price_per_m3"], said["next_price_per_m3"]) == (2_500_000, 7_000_001)
    assert (said["accumulated_debt"], said["emergency_credit"], said["service"]) == (0, 0, sale.credit)
    assert sale.record.statement["position"] is None and said["credit"] == sale.credit


async def test_a_void_gives_back_what_was_paid_for_the_token(money: Money) -> None:
    sale = await money.buy(50_000)

    burnt = money.link.house.type(await money.void(sale.vend))
    late = money.type(sale.vend.id)
    await money.link.talk()

    assert (burnt, late) == (ACCEPT, USED)
    assert (await money.balances()) == {
        "cash": 50_000, f"customer:{money.town.customer}": -50_000, "meter_money:KES": 0,
    }  # fmt: skip
    assert set(await money.link.verdicts()) == {"explained"}
    await money.check()


async def test_a_return_code_proves_a_void_before_any_network_and_the_ledger_adds_nothing(money: Money) -> None:
    sale = await money.buy(50_000)
    money.link.house.type(await money.void(sale.vend))
    code = await shown_code(money)
    town = money.town

    state = (await prove(money, sale.vend, code)).state
    before = await money.balances()
    await money.link.talk()

    assert state == "void" and before[f"customer:{town.customer}"] == -50_000
    assert await money.balances() == before
    assert set(await money.link.verdicts()) == {"explained"}
    assert await cases(town, money.link.known) == []


async def test_a_code_from_before_the_void_proves_nothing(money: Money) -> None:
    first, second = await money.buy(10_000), await money.buy(50_000)
    money.type(first.vend.id)
    code = await shown_code(money)
    await money.void(second.vend)

    with pytest.raises(Refused, match="does not say that the void token was the last"):
        await prove(money, second.vend, code)
    assert "void" not in {vend.state for vend in await money.vends()}


async def test_money_that_nobody_paid_for_is_an_expense_and_explained(money: Money) -> None:
    sale = await money.buy(2_000, FREE)

    code = money.type(sale.vend.id)
    await money.link.talk()

    assert (code, sale.vend.tender_minor) == (ACCEPT, 0)
    assert await money.balances() == {"customer:1": 0, "free:water": 2_000, "meter_money:KES": -2_000}
    assert money.link.house.balance() == sale.credit
    assert set(await money.link.verdicts()) == {"explained"}


async def prove(money: Money, vend: Vend, code: str) -> Vend:
    """Let a return code prove the void of a vend."""
    town = money.town
    async with town.database.begin() as session:
        part = (vend.purchase_id, vend.part)
        return (await void_proof.prove(session, town.key_store, ADMIN, *part, code, town.now))[0]


async def shown_code(money: Money) -> str:
    """The return code that the gateway shows, through the cloud's own copy of its key."""
    meter = money.link.house.gateway.core.meter(0)
    town = money.town
    async with town.database.begin() as session:
        row = (await session.scalars(select(Meter).where(Meter.drn == money.drn))).one()
        epoch = await return_codes.epoch_of(session, row)
        key = await town.key_store.return_key(session, town.utility, money.drn, epoch, town.now)
    size = return_code.band(meter.pots[kinds.TOKEN_CREDIT])
    return return_code.make(key, epoch, meter.token_counter, meter.last_tid, meter.last_result, size)


class MoneyLife(RuleBasedStateMachine):
    """Purchases, gifts, voids, tokens typed late and twice, flow, and a network that comes now and then."""

    new_url: Callable[[], str]

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.database = Database(type(self).new_url())  # one identity of a device is enrolled once in a cloud

    @initialize()
    def open(self) -> None:
        self.money: Money = self.runner.run(self._opened())

    async def _opened(self) -> Money:
        return await moneyed(await Town(self.database).found())

    @rule(minor=st.sampled_from([1, 7, 999, 50_000, 123_457]) | st.integers(1, 300_000), gift=st.booleans())
    def buy(self, minor: int, gift: bool) -> None:
        self.runner.run(self.money.buy(minor, FREE if gift and minor < 50_000 else "cash"))

    @precondition(lambda self: self.money.digits)
    @rule(data=st.data())
    def type(self, data: st.DataObject) -> None:
        self.money.type(data.draw(st.sampled_from(sorted(self.money.digits))))

    @precondition(lambda self: self.money.digits)
    @rule(data=st.data(), entered=st.booleans())
    def void(self, data: st.DataObject, entered: bool) -> None:
        vends = self.runner.run(self.money.vends())
        vend = vends[data.draw(st.integers(0, len(vends) - 1))]
        try:
            digits = self.runner.run(self.money.void(vend))
        except Refused:
            assert vend.consumed_by is not None
            return
        if entered:
            self.money.link.house.type(digits)

    @rule(litres=st.integers(1, 3_000))
    def flow(self, litres: int) -> None:
        self.money.link.house.flow(litres)
        self.money.link.house.step(10)

    @rule()
    def talk(self) -> None:
        self.runner.run(self.money.link.talk())

    @invariant()
    def money_is_whole(self) -> None:
        if hasattr(self, "money"):
            self.runner.run(self.money.check())

    def teardown(self) -> None:
        if hasattr(self, "money"):
            self.runner.run(self.money.link.talk())
            self.runner.run(self._settled())
        self.runner.run(self.database.close())
        self.runner.close()

    async def _settled(self) -> None:
        """Everything was explained, and the cloud holds for the meter what the meter holds."""
        await self.money.check()
        assert set(await self.money.link.verdicts()) == {"explained"}
        taken = {vend.id for vend in await self.money.vends() if vend.consumed_by is not None}
        assert taken == self.money.typed
        async with self.money.town.database.read() as session:
            meter = (await session.scalars(select(Meter).where(Meter.drn == self.money.drn))).one()
            state = await standing.latest(session, meter)
        assert state is not None
        assert state.pots == self.money.link.house.gateway.core.meter(0).pots


@pytest.mark.parametrize(("kind", "lives"), [("sqlite", 12), ("postgresql", 4)])
def test_no_life_of_a_money_meter_loses_or_makes_money(
    request: pytest.FixtureRequest, tmp_path: Path, kind: str, lives: int
) -> None:
    def copied() -> str:
        target = tmp_path / f"{secrets.token_hex(6)}.db"
        shutil.copy(request.getfixturevalue("migrated_sqlite"), target)
        return f"sqlite:///{target}"

    def created() -> str:
        server, template = (request.getfixturevalue(name) for name in ("postgresql", "migrated_postgresql"))
        return new_postgresql(server, f"t{secrets.token_hex(6)}", template)

    life = type("Life", (MoneyLife,), {"new_url": staticmethod(copied if kind == "sqlite" else created)})

    checks = [HealthCheck.too_slow, HealthCheck.data_too_large]
    run_state_machine_as_test(
        life, settings=settings(max_examples=lives, stateful_step_count=15, deadline=None, suppress_health_check=checks)
    )
