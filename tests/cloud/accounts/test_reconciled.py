"""A day of swaps, dead gateways, closings and refunds holds in the reconciliation, and lists nothing."""

from cloud.accounts import refund_orders
from cloud.reports import reconciliation
from shared.civil import DAY_S
from tests.cloud.accounts.street import ANN, BOB, Street
from tests.cloud.accounts.test_closings import approve as approve_closing
from tests.cloud.accounts.test_closings import close, taxed
from tests.cloud.accounts.test_swaps import approve, ask
from tests.fakes.utility import ADMIN


async def test_the_reconciliation_of_the_day_lists_nothing(street: Street) -> None:
    town = street.town
    await taxed(street)
    old, dying, leaving, silent = [await street.house() for _ in range(4)]
    fresh, other = await street.house(customer=False), await street.house(customer=False)
    for drn in (old, dying, leaving, silent):
        await street.use(drn, await street.sell(drn))
        await street.draw(drn, 1_000_000)
    await street.sell(old, 300_000)

    await ask(street, old, fresh)
    await close(street, leaving)
    async with town.database.begin() as session:
        order = await refund_orders.order(session, ANN, town.customer, "KES", None, "asked for", 10**9, town.now)
        await refund_orders.pay(session, ANN, order.id, "cash", "R1", town.now)
    town.now += 2 * 3600
    await approve(street, await ask(street, dying, other, "last_verified"), BOB)
    await approve_closing(street, await close(street, silent, proof="last_verified"))
    for drn in (old, fresh, other, leaving):
        await street.talk(drn)
    town.now += DAY_S
    report = await reconciliation.run(town.database, ADMIN, town.utility, None, town.now)

    assert [(item.code, item.subject, item.amount) for item in report.items] == []
    assert [line for line in report.run.lines if line["unexplained"]] == []
    assert report.run.holds
