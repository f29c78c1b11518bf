"""Ending an account: a proven final, credit at the price that was paid, debts first, and what is over paid out once."""

import pytest
from sqlalchemy import select

from cloud.accounts import closing, refund_orders
from cloud.accounts.change_models import AccountClosing, RefundOrder
from cloud.accounts.closing import NewClosing
from cloud.accounts.models import Account
from cloud.auth.actor import Actor
from cloud.errors import Conflict, Forbidden, Refused
from cloud.meters.models import Utility
from cloud.tariffs import versions
from cloud.tariffs.terms import Block, Tax, Terms
from cloud.vending import debts
from cloud.vending.debts import NewDebt
from tests.cloud.accounts.street import ANN, BOB, Street
from tests.fakes.utility import ADMIN

LIMIT = 100_000


async def account_of(street: Street, drn: str) -> Account:
    number = (await street.meter(drn)).account_id
    async with street.town.database.read() as session:
        return await session.get_one(Account, number)


async def close(
    street: Street,
    drn: str,
    credit: str | None = "refund",
    *,
    bar: bool = True,
    proof: str = "ledger",
    told: int | None = None,
    by: Actor = ANN,
    limit: int = LIMIT,
) -> AccountClosing:
    account = await account_of(street, drn)
    async with street.town.database.begin() as session:
        wanted = NewClosing(account.id, credit, bar, proof, told, "moves away")
        return await closing.ask(session, by, wanted, limit, street.town.now)


async def approve(street: Street, row: AccountClosing, by: Actor = BOB) -> AccountClosing:
    async with street.town.database.begin() as session:
        return await closing.approve(session, by, row.id, street.town.now)


async def refund(street: Street, row: AccountClosing) -> RefundOrder:
    async with street.town.database.read() as session:
        return await session.get_one(RefundOrder, row.refund_order_id)


async def taxed(street: Street) -> None:
    """A tariff of 100.00 for each m3 and 16 % of tax from now on."""
    town = street.town
    terms = Terms("purchase", (Block(None, 10_000_000),), 0, (Tax("vat", 160, ("volume",)),), 0)
    async with town.database.begin() as session:
        row = await versions.draft(session, ADMIN, versions.Draft(town.tariff, town.now + 1, terms, "tax"), town.now)
        row.state, row.decided_at = versions.APPROVED, town.now
    town.now += 60


async def test_credit_that_is_left_returns_at_its_price_with_its_tax(street: Street) -> None:
    await taxed(street)
    drn = await street.house()
    await street.use(drn, await street.sell(drn))
    await street.draw(drn, 2_000_000)

    row = await close(street, drn)
    await street.talk(drn)

    assert (row.state, row.balance, row.value_minor) == ("done", 3_000_000, 34_800)
    order = await refund(street, row)
    assert (order.state, order.amount_minor) == ("listed", 34_800)
    assert street.credit(drn) == 0
    balances = await street.books()
    assert balances["refunds:water"] == 30_000
    assert balances["tax:vat"] == -8_000 + 4_800
    assert balances["refunds_payable"] == -34_800
    assert balances["returned:water"] == -3_000_000
    assert not {"granted:water", "carried:water", "meter_credit:water"} & balances.keys()


async def test_a_closed_meter_is_sold_nothing_and_its_account_ends(street: Street) -> None:
    drn = await street.house()

    row = await close(street, drn)

    meter = await street.meter(drn)
    assert row.refund_order_id is None, "there is nothing to pay out"
    assert (meter.account_id, meter.customer_id, meter.closed_at) == (None, None, street.town.now)
    with pytest.raises(Refused) as refused:
        await street.sell(drn)
    assert refused.value.code == "account_closed"


async def test_the_newest_credit_is_what_is_left(street: Street) -> None:
    drn = await street.house()
    await street.use(drn, await street.sell(drn, 2_000_000))
    await taxed(street)
    await street.use(drn, await street.sell(drn, 1_000_000))

    row = await close(street, drn)

    assert row.value_minor == 11_600 + 2 * 10_000


async def test_a_debt_is_paid_before_anything_is_paid_out(street: Street) -> None:
    drn = await street.house()
    await street.use(drn, await street.sell(drn))
    owed = NewDebt(street.town.customer, "KES", 20_000, 10, None, "an old bill")
    async with street.town.database.begin() as session:
        debt = await debts.add(session, ANN, owed, street.town.now)

    row = await close(street, drn)

    assert (row.value_minor, row.debts_minor) == (50_000, 20_000)
    assert (await refund(street, row)).amount_minor == 30_000
    async with street.town.database.read() as session:
        await session.refresh(found := await session.get_one(type(debt), debt.id))
    assert found.closed_at is not None
    assert "debt:1" not in await street.books()


async def test_above_the_limit_two_people_want_it(street: Street) -> None:
    drn = await street.house()
    await street.use(drn, await street.sell(drn))

    row = await close(street, drn, limit=49_999)
    with pytest.raises(Forbidden):
        await approve(street, row, ANN)
    before = await street.meter(drn)
    row = await approve(street, row)

    assert before.account_id is not None
    assert (row.state, (await refund(street, row)).state) == ("done", "listed")


async def test_a_silent_meter_is_closed_by_two_people_and_only_with_the_meter(street: Street) -> None:
    drn = await street.house()
    await street.use(drn, await street.sell(drn))
    street.town.now += 2 * 3600

    for wrong in ({"proof": "ledger"}, {"proof": "last_verified", "bar": False}):
        with pytest.raises(Refused):
            await close(street, drn, **wrong)
    row = await close(street, drn, proof="last_verified")
    assert row.state == "waiting"
    row = await approve(street, row)

    assert row.value_minor == 50_000
    balances = await street.books()
    assert balances["returned:water"] == -5_000_000
    assert not {"granted:water", "carried:water", "meter_credit:water"} & balances.keys()


async def test_unused_tokens_are_voided_before_money_returns(street: Street) -> None:
    drn = await street.house()
    await street.sell(drn)

    with pytest.raises(Refused) as refused:
        await close(street, drn)

    assert refused.value.code == "tokens_unused"


async def test_who_moves_out_may_leave_the_credit_and_who_moves_in_begins_anew(street: Street) -> None:
    drn = await street.house()
    await street.use(drn, await street.sell(drn))

    row = await close(street, drn, None, bar=False)
    meter = await street.meter(drn)

    assert (row.credit, row.value_minor, row.refund_order_id) == ("place", 50_000, None)
    assert (meter.closed_at, meter.account_id, meter.customer_id) == (None, None, None)
    assert street.credit(drn) == 5_000_000
    assert (await street.books())["meter_credit:water"] == -5_000_000


async def test_credit_that_ends_with_the_meter_needs_a_second_person_above_the_limit(street: Street) -> None:
    small, large = await street.house(), await street.house()
    for drn in (small, large):
        await street.use(drn, await street.sell(drn))

    alone = await close(street, small, "place", bar=True, limit=50_000)
    asked = await close(street, large, "place", bar=True, limit=49_999)
    with pytest.raises(Forbidden):
        await approve(street, asked, ANN)
    approved = await approve(street, asked)

    assert [(row.state, row.value_minor) for row in (alone, asked, approved)] == [
        ("done", 50_000),
        ("waiting", 50_000),
        ("done", 50_000),
    ]
    assert (await street.books())["returned:water"] == -10_000_000


async def test_credit_stays_with_the_place_against_the_utilitys_rule_only_with_a_second_person(street: Street) -> None:
    drn = await street.house()
    await street.use(drn, await street.sell(drn))
    async with street.town.database.begin() as session:
        (await session.get_one(Utility, street.town.utility)).move_credit = "refund"

    row = await close(street, drn, "place", bar=False, limit=49_999)

    assert row.state == "waiting"
    assert (await street.meter(drn)).account_id is not None


async def test_an_account_is_closed_once(street: Street) -> None:
    drn = await street.house()
    account = await account_of(street, drn)
    await close(street, drn, "place", bar=False)

    wanted = NewClosing(account.id, "place", False, "ledger", None, "again")
    async with street.town.database.begin() as session:
        with pytest.raises(Conflict):
            await closing.ask(session, ANN, wanted, LIMIT, street.town.now)


async def test_a_refund_order_is_paid_once_or_its_money_is_the_customers_again(street: Street) -> None:
    drn = await street.house()
    await street.use(drn, await street.sell(drn))
    row = await close(street, drn)
    town = street.town

    async def pay(reference: str) -> RefundOrder:
        async with town.database.begin() as session:
            return await refund_orders.pay(session, ANN, row.refund_order_id or 0, "bank", reference, town.now)

    await pay("T1")
    await pay("T1")
    with pytest.raises(Conflict):
        await pay("T2")
    async with town.database.begin() as session:
        with pytest.raises(Conflict):
            await refund_orders.decline(session, ANN, row.refund_order_id or 0, town.now)

    balances = await street.books()
    assert balances["bank"] == -50_000
    assert not {"refunds_payable", f"customer:{town.customer}"} & balances.keys()


async def test_a_closing_is_made_whole_or_not_at_all(street: Street) -> None:
    await taxed(street)
    drn = await street.house()
    await street.use(drn, await street.sell(drn))
    before = await street.books()

    for number in range(1, 200):
        async with street.crash(number) as ended:
            await close(street, drn)
        if ended[0]:
            break
        assert await street.books() == before
        assert (await street.meter(drn)).account_id is not None

    async with street.town.database.read() as session:
        (order,) = (await session.scalars(select(RefundOrder))).all()
    assert number > 20
    assert order.amount_minor == 58_000
