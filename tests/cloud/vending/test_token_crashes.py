"""A crash before each statement: money for a meter, a gift and a proof are there whole and once, or not at all."""

import uuid
from collections.abc import Awaitable, Callable

from cloud.books import reports
from cloud.vending import service as vending
from cloud.vending.order import ACCOUNT, FREE, Order
from tests.cloud.books.crashes import Crash, crashing
from tests.cloud.ledger.conftest import ingest, town  # noqa: F401  # the fixtures of a town
from tests.cloud.ledger.test_money_with_gateway import Money, money, prove, shown_code  # noqa: F401
from tests.fakes.utility import ADMIN

_STATEMENTS_MAX = 100


async def crashed(money: Money, operation: Callable[[], Awaitable[object]]) -> int:  # noqa: F811
    """Let it crash before its first statement, its second, and so on, until it ends well; return how often."""
    engine = money.town.database.engine.sync_engine
    before = await state(money)
    for number in range(1, _STATEMENTS_MAX):
        try:
            with crashing(engine, number):
                await operation()
        except Crash:
            assert await state(money) == before
            continue
        await money.check()
        return number - 1
    raise AssertionError("it never ended")


async def state(money: Money) -> object:  # noqa: F811
    async with money.town.database.read() as session:
        books = await reports.trial_balance(session, ADMIN, money.town.utility)
    sums = sorted((one.account.code, one.account.unit, one.balance) for one in books if one.balance)
    return sums, [(vend.id, vend.state) for vend in await money.vends()]


def order(money: Money, tender_kind: str) -> Order:  # noqa: F811
    gift = tender_kind == FREE
    return Order(
        purchase_id=str(uuid.uuid4()),
        drn=money.drn,
        volume_ml=None,
        tender_kind=tender_kind,
        tender_minor=0 if gift else 2_500_000,
        currency="KES",
        delivery="keypad",
        change="return" if gift else ACCOUNT,
        reason="leak" if gift else "",
        given_minor=777 if gift else 0,
    )


async def sold(money: Money, wanted: Order) -> None:  # noqa: F811
    async with money.town.database.begin() as session:
        await vending.vend(session, money.town.key_store, ADMIN, wanted, money.town.now)


async def test_money_and_gifts_are_sold_whole_or_not_at_all_and_a_repeat_sells_nothing(money: Money) -> None:  # noqa: F811
    for kind in ("cash", FREE):
        wanted = order(money, kind)

        times = await crashed(money, lambda wanted=wanted: sold(money, wanted))  # type: ignore[misc]
        after = await state(money)
        await crashed(money, lambda wanted=wanted: sold(money, wanted))  # type: ignore[misc]

        assert times > 10
        assert await state(money) == after


async def test_a_proof_returns_the_money_whole_or_not_at_all(money: Money) -> None:  # noqa: F811
    sale = await money.buy(50_000)
    money.link.house.type(await money.void(sale.vend))
    code = await shown_code(money)

    times = await crashed(money, lambda: prove(money, sale.vend, code))

    assert times > 5
    assert [vend.state for vend in await money.vends()] == ["void"]
