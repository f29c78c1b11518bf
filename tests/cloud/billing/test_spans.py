"""Who is billed for what flowed, when people move: the register of the move parts them, and nobody pays for another."""

from cloud.accounts import service as accounts
from cloud.accounts.models import Customer
from cloud.billing import spans
from cloud.meters.models import Meter
from shared.civil import DAY_S
from tests.cloud.billing.village import ANNA, Village
from tests.fakes.device import Device


async def neighbour(village: Village) -> int:
    """Another customer."""
    row = Customer(
        utility_id=village.utility, name="B", phone="+254700000002", email=None, language="en", created_at=village.now
    )
    async with village.database.begin() as session:
        return (await accounts.add(session, ANNA, row)).id


async def move(village: Village, device: Device, customer: int | None) -> None:
    """The meter's customer changes."""
    found = await village.meter(device)
    async with village.database.begin() as session:
        meter = await session.get_one(Meter, found.id)
        meter.customer_id = customer
        if customer is None:
            await spans.end(session, meter, village.now)
        else:
            await spans.cut(session, meter, customer, village.now)


async def test_who_moves_out_pays_up_to_the_move_and_who_moves_in_from_there(village: Village) -> None:
    device = await village.billed_device()
    await village.month(device, 100_000, days=10)
    other = await neighbour(village)

    await move(village, device, other)
    await village.month(device, 300_000, days=10)
    await village.run(device.clock_s // DAY_S - 1)

    first, second = await village.bills()
    assert [(bill.customer_id, bill.volume_ml) for bill in (first, second)] == [
        (village.customer, 1_000_000),
        (other, 3_000_000),
    ]
    assert second.from_register_ml == first.until_register_ml and first.content["final"]
    assert await village.holds(f"receivable:{other}") == second.total_minor
    await village.check()


async def test_what_flows_while_nobody_lives_there_is_billed_to_nobody(village: Village) -> None:
    device = await village.billed_device()
    await village.month(device, 100_000, days=10)
    await move(village, device, None)
    await village.month(device, 50_000, days=5)
    other = await neighbour(village)
    await move(village, device, other)
    await village.month(device, 200_000, days=10)

    await village.run(device.clock_s // DAY_S - 1)

    assert [(bill.customer_id, bill.volume_ml) for bill in await village.bills()] == [
        (village.customer, 1_000_000),
        (other, 2_000_000),
    ]
    await village.check()


async def test_looking_twice_makes_no_second_span(village: Village) -> None:
    device = await village.billed_device()
    found = await village.meter(device)

    for _ in range(3):
        async with village.database.begin() as session:
            meter = await session.get_one(Meter, found.id)
            assert len(await spans.refresh(session, meter, village.now)) == 1
