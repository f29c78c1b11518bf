"""A crash before each statement in turn: nothing of the operation stays, and the same request is carried out later."""

from collections.abc import Awaitable, Callable

from sqlalchemy import func, select

from cloud.accounts import agreements, opening, refund_orders, swap
from cloud.accounts.agreements import Item, NewAgreement
from cloud.accounts.contacts import Way
from cloud.accounts.models import Account, Customer, MeterStay, ServicePoint
from cloud.accounts.opening import Billing, NewCustomer, NewPoint, Opening
from cloud.books.models import BookEntry
from cloud.meters.models import Meter
from cloud.vending import debts
from cloud.vending.debts import NewDebt
from cloud.vending.sale_models import PaymentDebt
from tests.cloud.accounts.street import ANN, Street
from tests.cloud.accounts.test_closings import close
from tests.cloud.accounts.test_swaps import ask

TABLES = (Customer, ServicePoint, Account, MeterStay, Meter, BookEntry, PaymentDebt)
STATEMENTS_MAX = 200


async def rows(street: Street) -> list[int]:
    async with street.town.database.read() as session:
        return [await session.scalar(select(func.count()).select_from(table)) or 0 for table in TABLES]


async def crashes(street: Street, operation: Callable[[], Awaitable[object]]) -> int:
    """Let it crash before its first statement, its second, and so on, until it ends well; return how often."""
    before = await rows(street)
    for number in range(1, STATEMENTS_MAX):
        async with street.crash(number) as ended:
            await operation()
        await street.books()
        if ended[0]:
            return number - 1
        assert await rows(street) == before
    raise AssertionError("it never ended")


async def test_an_account_is_opened_whole_or_not_at_all(street: Street) -> None:
    town = street.town
    drn = await street.house(customer=False)
    new = NewCustomer("B", "fr", [Way("email", "b@example.org"), Way("sms", "+254700000002")])
    billing = Billing("prepayment", 0, critical_need=False, persons=3)
    wanted = Opening(town.utility, new, NewPoint("Plot 9"), drn, town.tariff, billing)

    async def carry_out() -> None:
        async with town.database.begin() as session:
            await opening.open_account(session, town.key_store, ANN, wanted, town.now)

    assert await crashes(street, carry_out) > 8
    assert (await street.meter(drn)).account_id is not None


async def test_an_agreement_is_made_whole_or_not_at_all(street: Street) -> None:
    town = street.town
    async with town.database.begin() as session:
        await debts.add(session, ANN, NewDebt(town.customer, "KES", 700, 10, None, "old"), town.now)
    due = [town.now + 86_400, town.now + 2 * 86_400]
    wanted = NewAgreement(town.customer, "KES", [Item("pipes", 300)], True, 20, None, due, "r")

    async def carry_out() -> None:
        async with town.database.begin() as session:
            await agreements.agree(session, ANN, wanted, town.now)

    assert await crashes(street, carry_out) > 8
    assert (await street.books())[f"debt:{town.customer}"] == 1_000


async def test_tokens_are_issued_anew_whole_or_not_at_all(street: Street) -> None:
    town = street.town
    old, new = await street.house(), await street.house(customer=False, enrol=False)
    await street.sell(old, 400_000)
    row = await ask(street, old, new)
    await street.enrol(new)

    async def carry_out() -> None:
        async with town.database.begin() as session:
            await swap.carry(session, town.key_store, ANN, row.id, town.now)

    assert await crashes(street, carry_out) > 10
    assert len(await street.unused(new)) == 1


async def test_a_refund_is_paid_whole_or_not_at_all(street: Street) -> None:
    town = street.town
    drn = await street.house()
    await street.use(drn, await street.sell(drn))
    row = await close(street, drn)

    async def carry_out() -> None:
        async with town.database.begin() as session:
            await refund_orders.pay(session, ANN, row.refund_order_id or 0, "bank", "T", town.now)

    assert await crashes(street, carry_out) > 3
    await carry_out()
    assert (await street.books())["bank"] == -50_000
