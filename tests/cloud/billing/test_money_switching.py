"""A meter that holds money, between prepayment and bills: what is left on it is the customer's, what is owed is billed.

The gateway is the device's own code, with a tariff of its own.
"""

import pytest

from cloud.accounts.models import Customer
from cloud.billing import switching
from cloud.billing.document import Content
from cloud.billing.models import Bill
from cloud.billing.switch_models import ModeSwitch
from cloud.billing.switching import Wanted
from cloud.errors import Refused
from cloud.reports import posting
from cloud.tariffs.models import Tariff
from cloud.vending.order import FREE
from shared import kinds
from shared.civil import DAY_S
from tests.cloud.billing.test_with_gateway import days, obey, switch
from tests.cloud.billing.village import ANNA, MONTH_BEGIN, Village
from tests.cloud.ledger.books import cases
from tests.cloud.ledger.test_money_with_gateway import EACH, Money, moneyed
from tests.cloud.ledger.test_with_gateway import ACCEPT


@pytest.fixture
async def money(village: Village) -> Money:
    """A prepaid meter that holds money, with 500.00 taken in and some of it used."""
    village.mode = kinds.MODE_CURRENCY
    found = await moneyed(village)
    sale = await found.buy(50_000)
    assert found.type(sale.vend.id) == ACCEPT
    await days(village, found.link, 1, 1_500)
    return found


async def done(village: Village) -> ModeSwitch:
    async with village.database.read() as session:
        rows = await switching.open_ones(session)
        assert rows == [], "no switch is under way"
        return await session.get_one(ModeSwitch, 1)


async def post_all(village: Village, money: Money) -> None:
    async with village.database.begin() as session:
        await posting.catch_up(session, await village.meter(money.link.known), village.now)


async def test_money_that_is_left_is_the_customers_and_pays_the_first_bill(village: Village, money: Money) -> None:
    left = money.link.house.balance()

    await switch(village, money.link, "credit")
    await post_all(village, money)

    row = await done(village)
    assert (row.state, row.credit_ml, row.credit_money, row.value_minor) == ("done", 0, left, left // EACH)
    assert money.link.house.balance() == 0
    assert abs(await village.holds("meter_money:KES")) <= 1 and abs(await village.holds("granted:water")) <= 1
    kept = -await village.holds(f"customer:{village.customer}")
    assert kept == left // EACH + 7, "and what rounding down had left on the account"
    await days(village, money.link, 31, 40)
    await village.run(MONTH_BEGIN // DAY_S + 30)
    (bill,) = await village.bills()
    assert bill.volume_ml == 1_240_000 and bill.total_minor > 0
    assert -await village.holds(f"customer:{village.customer}") == max(0, kept - bill.total_minor)
    assert await cases(village, money.link.known) == []
    await village.check()


async def test_money_that_was_given_is_worth_nothing(village: Village, money: Money) -> None:
    gift = await money.buy(20_000, FREE)
    assert money.type(gift.vend.id) == ACCEPT
    await days(village, money.link, 1, 100)
    left = money.link.house.balance()

    await switch(village, money.link, "credit")
    await post_all(village, money)

    row = await done(village)
    assert (row.credit_money, row.value_minor) == (left, left // EACH - gift.vend.amount_minor)
    assert await village.holds("returned:water") == -gift.vend.amount_minor
    assert abs(await village.holds("meter_money:KES")) <= 1
    await village.check()


async def owing(village: Village, money: Money) -> int:
    """Use all the money up and go on: what the meter then owes."""
    await days(village, money.link, 1, 9_000)
    return int(money.link.house.meter().pots[kinds.ACCUMULATED_DEBT])


async def test_money_that_is_owed_at_the_meter_is_in_the_first_bill(village: Village, money: Money) -> None:
    owed = await owing(village, money)
    money_before = sum(money.link.house.meter().pots) - 2 * owed
    assert owed > EACH

    await switch(village, money.link, "credit")
    await post_all(village, money)

    row = await done(village)
    assert (row.state, row.credit_money, row.value_minor) == ("done", money_before, 0)
    assert await village.holds("carried:water") == owed // EACH
    await days(village, money.link, 31, 40)
    await village.run(MONTH_BEGIN // DAY_S + 30)
    (bill,) = await village.bills()
    content = Content.model_validate(bill.content)
    assert content.carried_minor == owed // EACH
    assert bill.total_minor == owed // EACH + sum(part.total_minor for part in content.stretches)
    assert await village.holds("carried:water") == 0
    assert abs(await village.holds("meter_money:KES")) <= 1
    await village.check()
    await village.credit(bill.id)
    assert await village.holds("carried:water") == owed // EACH, "it waits for the bill that is counted anew"
    await village.check()


async def test_there_and_back_the_meter_goes_on_by_its_own_tariff(village: Village, money: Money) -> None:
    await switch(village, money.link, "credit")
    await days(village, money.link, 3, 100)

    await switch(village, money.link, "prepayment")
    sale = await money.buy(30_000)
    assert money.type(sale.vend.id) == ACCEPT
    taken_in = money.link.house.balance()
    await days(village, money.link, 1, 100)

    async with village.database.read() as session:
        assert (await session.get_one(ModeSwitch, 2)).state == "done"
        (bill,) = [row for row in await village.bills() if isinstance(row, Bill)]
        assert (await session.get_one(Customer, bill.customer_id)).id == village.customer
    assert bill.volume_ml == 300_000 and bill.content["final"]
    assert 0 < money.link.house.balance() < taken_in
    assert await cases(village, money.link.known) == []
    await village.check()


async def test_a_class_in_another_currency_is_refused(village: Village, money: Money) -> None:
    meter = await village.meter(money.link.known)
    async with village.database.begin() as session:
        other = Tariff(
            utility_id=village.utility,
            name="dollars",
            commodity="water",
            currency="USD",
            price_minor_per_m3=None,
            created_at=village.now,
        )
        session.add(other)
        await session.flush()

        with pytest.raises(Refused, match="holds KES"):
            await switching.ask(session, ANNA, meter.drn, Wanted("credit", other.id, 1, "r"), village.now)


async def test_orders_that_wait_are_obeyed_before_the_switch_is_done(village: Village, money: Money) -> None:
    await switch(village, money.link, "credit")
    await obey(village, money.link)

    meter = await village.meter(money.link.known)
    assert (meter.payment, meter.account) == ("credit", "currency")
