"""A key change in the ledger: explained once by the plan that was made for it, and the meter's key follows."""

import pytest
from sqlalchemy import select

from cloud.ledger.messages import Message
from cloud.ledger.service import Ingest
from cloud.meters.models import Meter
from cloud.vending import key_change, key_service
from cloud.vending.models import KeyChange, VendingKey
from shared import kinds
from shared.entries import Entry
from shared.key_data import pack
from tests.cloud.ledger.books import cases, verdicts
from tests.fakes.device import Device
from tests.fakes.utility import ADMIN, SGC, Town

KRN, KEN = 2, 254


async def send(ingest: Ingest, town: Town, device: Device, arrived_at: int | None = None) -> None:
    arrived = town.now if arrived_at is None else arrived_at
    outcome = await ingest.process([Message(device.gateway, device.batch(), arrived)], town.now)
    for reply in outcome.replies:
        device.receive(reply.data)


async def ready(ingest: Ingest, town: Town) -> Device:
    device = await town.device()
    await send(ingest, town, device)
    return device


async def meter_of(town: Town) -> Meter:
    async with town.database.read() as session:
        return (await session.scalars(select(Meter))).one()


async def plan(town: Town, base_year: int = 2014) -> KeyChange:
    """Plan the change of the town's only meter to a new key revision."""
    key = VendingKey(
        utility_id=town.utility,
        sgc=SGC,
        krn=KRN,
        kt=2,
        base_year=base_year,
        ken=KEN,
        dkga=4,
        ea=11,
        created_at=town.now,
    )
    async with town.database.begin() as session:
        await key_service.add(session, town.key_store, ADMIN, key)
        meter = (await session.scalars(select(Meter))).one()
        target = key_change.Target(SGC, KRN, 2, None)
        return await key_change.plan(session, town.key_store, ADMIN, meter, target, town.now)


async def change_of(town: Town) -> KeyChange:
    async with town.database.read() as session:
        return (await session.scalars(select(KeyChange))).one()


def entered(device: Device, change: KeyChange, **lies: int) -> Entry:
    """The device took the sections."""
    base_year = 2035 if change.roll_over else 2014
    told = {
        "detail": KRN << 8 | change.new_ti,
        "reference_a": pack(base_year, change.roll_over, kinds.MANUAL, 2, KEN),
        "reference_b": change.new_key_check,
    }
    return device.write(kinds.KEY_CHANGE, 0, rule=kinds.RULE_TOKEN_ACCEPTED, **{**told, **lies})


async def last(town: Town, device: Device) -> tuple[str, str]:
    found = (await verdicts(town, device))[-1]
    return found.verdict, found.reason


async def test_a_planned_change_is_explained_and_the_meter_has_the_new_key(town: Town, ingest: Ingest) -> None:
    device = await ready(ingest, town)
    change = await plan(town)
    sale = await town.sell(device)

    entered(device, change)
    device.token(0, sale.vend.tid, sale.vend.volume_ml)
    await send(ingest, town, device)

    assert [found.verdict for found in (await verdicts(town, device))[-2:]] == ["explained", "explained"]
    assert (await verdicts(town, device))[-2].cause == f"key-change:{change.id}"
    meter = await meter_of(town)
    assert (meter.key_check, meter.vending_key_id) == (change.new_key_check, change.new_vending_key_id)
    applied = await change_of(town)
    assert (applied.state, applied.applied_at) == ("applied", town.now)
    assert await cases(town, device) == []


async def test_after_it_is_seen_sales_are_plain_again_and_identifiers_go_on(town: Town, ingest: Ingest) -> None:
    device = await ready(ingest, town)
    change = await plan(town)
    before = await town.sell(device)
    entered(device, change)
    await send(ingest, town, device)

    after = await town.sell(device)

    assert [token.kind for token in after.tokens] == ["credit"]
    assert after.vend.key_check == change.new_key_check
    assert after.vend.tid > before.vend.tid


async def test_identifiers_begin_anew_with_a_roll_over_and_go_on_from_there(town: Town, ingest: Ingest) -> None:
    town.now = 2_100_000_000  # in 2036
    device = await ready(ingest, town)
    change = await plan(town, base_year=2035)
    first = await town.sell(device)
    entered(device, change)
    device.token(0, first.vend.tid, first.vend.volume_ml)
    await send(ingest, town, device)

    second = await town.sell(device)

    assert change.roll_over
    assert second.vend.tid == first.vend.tid + 1 < 1_000_000
    assert await last(town, device) == ("explained", f"vend {first.vend.id} of {first.vend.volume_ml} ml")


async def test_a_change_that_nobody_planned_is_unexplained_and_a_case(town: Town, ingest: Ingest) -> None:
    device = await ready(ingest, town)

    device.write(kinds.KEY_CHANGE, 0, detail=2 << 8 | 1, reference_a=pack(2014, False, 2, 2, 255), reference_b=77)
    await send(ingest, town, device)

    verdict, reason = await last(town, device)
    assert verdict == "unexplained" and "was planned" in reason
    assert [case.kind for case in await cases(town, device)] == ["unexplained"]


@pytest.mark.parametrize(
    "lie",
    [
        {"reference_b": 77},
        {"detail": 3 << 8 | 1},
        {"detail": KRN << 8 | 2},
        {"reference_a": pack(2014, False, 2, 2, 255)},
    ],
)
async def test_another_key_than_the_planned_one_is_unexplained(town: Town, ingest: Ingest, lie: dict[str, int]) -> None:
    device = await ready(ingest, town)
    change = await plan(town)
    await town.sell(device)

    entered(device, change, **lie)
    await send(ingest, town, device)

    assert (await last(town, device))[0] == "unexplained"
    assert (await change_of(town)).state == "issued"
    assert (await meter_of(town)).key_check == change.old_key_check


async def test_a_change_planned_after_the_entry_arrived_explains_nothing(town: Town, ingest: Ingest) -> None:
    device = await ready(ingest, town)
    arrived_at = town.now
    town.now += 60
    entered(device, await plan(town))

    await send(ingest, town, device, arrived_at)

    verdict, reason = await last(town, device)
    assert verdict == "unexplained" and "after the entry arrived" in reason


async def test_a_cancelled_change_explains_nothing(town: Town, ingest: Ingest) -> None:
    device = await ready(ingest, town)
    change = await plan(town)
    async with town.database.begin() as session:
        await key_change.cancel(session, ADMIN, change.id, town.now)

    entered(device, change)
    await send(ingest, town, device)

    assert (await last(town, device))[0] == "unexplained"


async def test_one_plan_explains_one_entry(town: Town, ingest: Ingest) -> None:
    device = await ready(ingest, town)
    change = await plan(town)

    entered(device, change)
    entered(device, change)
    await send(ingest, town, device)

    assert [found.verdict for found in (await verdicts(town, device))[-2:]] != ["explained", "explained"]
