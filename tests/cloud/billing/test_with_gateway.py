"""The gateway's own code against bills: it closes its days, changes its mode, gives its credit back, and is limited."""

from cloud.billing import switching
from cloud.billing.document import Content
from cloud.billing.switching import Wanted
from shared import kinds
from shared.civil import DAY_S
from tests.cloud.billing.village import ANNA, BEN, Village
from tests.cloud.ledger.books import cases, verdicts
from tests.cloud.ledger.test_with_gateway import ACCEPT, Link, connected


async def linked(village: Village) -> Link:
    """A prepaid meter at a gateway of the true code, that took a token of 5 m3 in."""
    village.mode = 0
    link = await connected(village, village.ingest)
    assert link.house.type((await link.sell()).digits) == ACCEPT
    await link.talk()
    return link


async def obey(village: Village, link: Link) -> None:
    """Send what is ordered until nothing waits."""
    for _ in range(8):
        village.sent.clear()
        await village.dispatcher.round()
        if not village.sent:
            return
        for _, data in village.sent:
            link.house.receive(data)
        link.house.step(10)
        await link.talk()


async def days(village: Village, link: Link, count: int, litres: int) -> None:
    """Days with an hour in which water flows."""
    for _ in range(count):
        link.house.flow(litres)
        link.house.step(DAY_S, 600_000)
    village.now = max(village.now, link.house.clock.time_s)
    await link.talk()


async def switch(village: Village, link: Link, payment: str) -> None:
    meter = await village.meter(link.known)
    tariff = village.billed if payment == "credit" else village.tariff
    async with village.database.begin() as session:
        asked = await switching.ask(session, ANNA, meter.drn, Wanted(payment, tariff, 1, "wished"), village.now)
        await switching.approve(session, BEN, asked.id, village.now)
    for _ in range(3):
        await obey(village, link)
        await village.billing.work_due()


async def test_there_and_back_with_a_month_of_bills_between(village: Village) -> None:
    link = await linked(village)
    await days(village, link, 1, 1_500)
    left = link.house.balance()

    await switch(village, link, "credit")
    billed_from = link.house.meter().register
    given_back = await village.holds(f"customer:{village.customer}")
    await days(village, link, 5, 400)
    await village.run(link.house.clock.time_s // DAY_S - 1)
    await switch(village, link, "prepayment")

    assert left == 3_500_000 and given_back == -35_000
    first = (await village.bills())[0]
    content = Content.model_validate(first.content)
    assert first.from_register_ml == billed_from and first.volume_ml == 2_000_000
    assert sum(part.volume_ml for part in content.stretches) == 2_000_000
    assert not link.house.meter().mode & kinds.MODE_CREDIT and link.house.balance() == 0
    assert {found.verdict for found in await verdicts(village, link.known)} == {"explained"}
    assert [case.detail for case in await cases(village, link.known)] == []
    await village.check()


async def test_a_late_payer_is_limited_by_the_gateway_and_let_go(village: Village) -> None:
    await village.decide_policy(due_days=1, trickle_days=2, disconnect_days=4)
    link = await linked(village)
    await switch(village, link, "credit")
    await days(village, link, 40, 400)
    await village.run(link.house.clock.time_s // DAY_S - 1)
    (bill,) = await village.bills()
    seen = []

    for _ in range(8):
        await days(village, link, 1, 0)
        await village.billing.review()
        await obey(village, link)
        seen.append((await village.meter(link.known)).arrears)
    limited = link.house.meter().mode
    await village.pay(bill.total_minor, "all")
    await village.billing.review()
    await obey(village, link)

    assert [seen.count(level) for level in ("none", "trickle", "disconnect")] == [2, 2, 4]
    assert limited & kinds.MODE_ARREARS and not link.house.meter().mode & kinds.MODE_ARREARS
    assert {found.verdict for found in await verdicts(village, link.known)} == {"explained"}
    await village.check()
