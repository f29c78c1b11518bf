"""Meters that hold money: what is left on one returns as it is, or goes to the meter that replaces it."""

import pytest

from cloud.accounts import closing, swap
from cloud.accounts.closing import NewClosing
from cloud.accounts.swap import NewSwap
from cloud.commands.orders import Limits
from cloud.db import Database
from cloud.meters import service as meters
from cloud.vending import voiding
from cloud.vending.models import Vend
from cloud.vending.order import FREE
from shared import kinds
from tests.cloud.accounts.street import ANN, Street
from tests.cloud.accounts.test_with_gateway import meter_of, obey
from tests.cloud.ledger.test_money_with_gateway import EACH, Money, moneyed
from tests.cloud.ledger.test_with_gateway import ACCEPT
from tests.fakes.utility import ADMIN, Town


@pytest.fixture
async def money(any_database: Database) -> Money:
    """A meter that holds money, with its own gateway's code, in a fresh database of each kind."""
    return await moneyed(await Town(any_database).found())


async def used(money: Money) -> None:
    sale = await money.buy(50_000)
    assert money.type(sale.vend.id) == ACCEPT
    money.link.house.flow(3_000)
    money.link.house.step(20)
    await money.link.talk()


async def test_money_that_is_left_is_the_customers(money: Money) -> None:
    await used(money)
    left = money.link.house.balance()
    account = (await meter_of(money.link)).account_id

    async with money.town.database.begin() as session:
        wanted = NewClosing(account or 0, "refund", True, "ledger", None, "moves out")
        row = await closing.ask(session, ANN, wanted, 10**9, money.town.now)
    await obey(money.link)

    assert row.value_minor == left // EACH
    assert money.link.house.balance() == 0
    assert set(await money.link.verdicts()) == {"explained"}
    balances = await Street(money.town).books()
    assert balances["refunds_payable"] == -row.value_minor - 7, "and what rounding down had left on the account"
    assert abs(balances.get("meter_money:KES", 0)) <= 1
    assert abs(balances.get("granted:water", 0)) <= 1


async def test_what_was_given_for_nothing_is_not_paid_out(money: Money) -> None:
    await used(money)
    gift = await money.buy(20_000, FREE)
    assert money.type(gift.vend.id) == ACCEPT
    money.link.house.step(20)
    await money.link.talk()
    left = money.link.house.balance()
    account = (await meter_of(money.link)).account_id

    async with money.town.database.begin() as session:
        wanted = NewClosing(account or 0, "refund", True, "ledger", None, "moves out")
        row = await closing.ask(session, ANN, wanted, 10**9, money.town.now)
    await obey(money.link)

    assert abs(row.value_minor - (left // EACH - gift.vend.amount_minor)) <= 1
    balances = await Street(money.town).books()
    assert abs(balances.get("meter_money:KES", 0)) <= 1
    assert abs(balances.get("granted:water", 0)) <= 1


async def test_money_and_unused_tokens_go_to_the_new_meter(money: Money) -> None:
    await used(money)
    waiting = await money.buy(30_000)
    left, town = money.link.house.balance(), money.town
    street = Street(town)
    async with town.database.begin() as session:
        gateway = await meters.add_gateway(session, ADMIN, town.utility, "new", town.now)
        order = town._meter_order(gateway.id, 0, kinds.MODE_CURRENCY)
        order = order.__class__(**{**order.__dict__, "customer_id": None})
        new = (await meters.add_meter(session, town.key_store, ADMIN, order, town.now)).drn
    await street.enrol(new)

    async with town.database.begin() as session:
        wanted = NewSwap(money.drn, new, "ledger", "worn out")
        row = await swap.ask(session, town.key_store, ANN, wanted, Limits(0, 10**12), town.now)
    await obey(money.link)
    await street.talk(new)

    assert row.month_volume_ml == money.link.house.meter().block_counter == 3_000_000
    (reissued,) = await street.unused(new)
    assert (row.balance, street.credit(new), money.link.house.balance()) == (left, left, 0)
    assert (reissued.money, reissued.amount_minor) == (waiting.vend.money, waiting.vend.amount_minor)
    street.devices[new].token(0, reissued.tid, reissued.credit)
    await street.talk(new)
    balances = await street.books()
    assert abs(-balances["meter_money:KES"] - street.credit(new) // EACH) <= 1
    assert abs(balances.get("granted:water", 0)) <= 1


async def test_a_gift_that_is_issued_anew_is_still_a_gift_when_it_is_taken_back(money: Money) -> None:
    await used(money)
    gift = await money.buy(20_000, FREE)
    town, street = money.town, Street(money.town)
    async with town.database.begin() as session:
        gateway = await meters.add_gateway(session, ADMIN, town.utility, "new", town.now)
        order = town._meter_order(gateway.id, 0, kinds.MODE_CURRENCY)
        order = order.__class__(**{**order.__dict__, "customer_id": None})
        new = (await meters.add_meter(session, town.key_store, ADMIN, order, town.now)).drn
    await street.enrol(new)
    before = (await street.books()).get(f"customer:{town.customer}", 0)
    async with town.database.begin() as session:
        wanted = NewSwap(money.drn, new, "ledger", "worn out")
        await swap.ask(session, town.key_store, ANN, wanted, Limits(0, 10**12), town.now)
    (reissued,) = await street.unused(new)

    async with town.database.begin() as session:
        vend = await session.get_one(Vend, reissued.id)
        await voiding.finish(session, vend, town.now)

    assert reissued.amount_minor == gift.vend.amount_minor > 0
    assert (await street.books()).get(f"customer:{town.customer}", 0) == before
