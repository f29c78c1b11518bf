"""A day of a utility, reconciled: what is as it should be holds, and whatever is not is listed once, with its age."""

import asyncio

import pytest
from sqlalchemy import select, text

from cloud.auth.actor import Actor
from cloud.books.models import BookEntry
from cloud.db import Database
from cloud.errors import Conflict, Refused
from cloud.ledger.messages import Message
from cloud.ledger.service import Ingest
from cloud.meters.models import Meter
from cloud.reports import reconciliation, tenders
from cloud.reports.models import ReconciliationItem
from cloud.reports.reconciliation import ENDED, OPEN, SETTLED, Report
from cloud.vending import service as vending
from cloud.vending.models import Vend
from shared.civil import DAY_S
from tests.cloud.ledger.books import cases, verdicts
from tests.cloud.reports.ledgers import send
from tests.fakes.device import Device
from tests.fakes.utility import ADMIN, Town


@pytest.fixture
async def town(any_database: Database) -> Town:
    """A utility in a fresh database of each kind."""
    return await Town(any_database).found()


async def run(town: Town) -> Report:
    """Reconcile the day that has just ended."""
    town.now += DAY_S
    return await reconciliation.run(town.database, ADMIN, town.utility, None, town.now)


def listed(report: Report) -> list[tuple[str, str, int]]:
    return [(item.code, item.subject.partition(":")[0], item.amount) for item in report.items]


def unexplained(report: Report) -> list[tuple[str, int]]:
    return [(line["name"], line["unexplained"]) for line in report.run.lines if line["unexplained"]]


async def lived(town: Town) -> Device:
    """A device that was sold a token, took it in and used some of it."""
    device = await town.device(meters=2)
    sale = await town.sell(device)
    await town.sell(device, 1)
    device.token(0, sale.vend.tid, sale.vend.volume_ml)
    device.charge(0, 1_234_567)
    await send(town, device)
    return device


async def test_a_day_on_which_all_went_well_holds_and_lists_nothing(town: Town) -> None:
    await lived(town)

    report = await run(town)

    assert (unexplained(report), listed(report)) == ([], [])
    assert report.run.holds
    sections = {line["section"] for line in report.run.lines}
    assert {"books", "vends", "meters"} <= sections


async def test_a_run_may_be_repeated_and_a_later_day_closes_it(town: Town) -> None:
    await lived(town)
    first = await run(town)
    day = first.run.day

    again = await reconciliation.run(town.database, ADMIN, town.utility, day, town.now)
    later = await run(town)

    assert (again.run.id, again.run.runs) == (first.run.id, 2)
    assert later.run.day == day + 1
    with pytest.raises(Conflict, match="was reconciled already"):
        await reconciliation.run(town.database, ADMIN, town.utility, day, town.now)
    with pytest.raises(Refused, match="not over"):
        await reconciliation.run(town.database, ADMIN, town.utility, day + 2, town.now)


async def test_credit_that_nobody_sold_is_listed_until_a_person_settles_it(town: Town) -> None:
    device = await lived(town)
    device.token(1, 1_000_000, 7_000_000)
    await send(town, device)

    report = await run(town)

    assert report.run.holds
    assert listed(report) == [("credit_unexplained", "meter", 7_000_000)]
    async with town.database.begin() as session:
        person = Actor("operator:1", None, ADMIN.scopes, person_id=1)
        await reconciliation.settle(session, person, report.items[0].id, "the installer's test token", town.now)
    assert [item.state for item in (await run(town)).items] == [SETTLED]
    device.token(1, 1_000_001, 1)
    await send(town, device)
    assert [(item.state, item.amount) for item in (await run(town)).items] == [(OPEN, 7_000_001)]


async def test_a_vend_that_somebody_removed_from_the_database_is_found(town: Town) -> None:
    await lived(town)
    async with town.database.begin() as session:
        gone = (await session.scalars(select(Vend).where(Vend.consumed_by.is_(None)))).one()
        gone.volume_ml -= 1_000_000

    report = await run(town)

    assert not report.run.holds
    assert {line["name"]: line["unexplained"] for line in report.run.lines if line["unexplained"]} == {
        "water issued, and vends": 1_000_000,
        "water in flight, and vends without an entry": 1_000_000,
    }
    assert {item.code for item in report.items} == {"difference"}


async def test_a_difference_that_is_gone_has_ended_and_shows_no_more(town: Town) -> None:
    await lived(town)
    async with town.database.begin() as session:
        vend = (await session.scalars(select(Vend).where(Vend.consumed_by.is_(None)))).one()
        vend.volume_ml -= 1_000_000
    first = await run(town)
    async with town.database.begin() as session:
        row = await session.get_one(Vend, vend.id)
        row.volume_ml += 1_000_000

    second = await run(town)

    assert (len(first.items), second.items, second.run.holds) == (2, [], True)
    async with town.database.read() as session:
        states = list(await session.scalars(select(ReconciliationItem.state)))
        kept = await reconciliation.report(session, ADMIN, first.run.id)
    assert states == [ENDED, ENDED]
    assert len(kept.items) == 2


async def test_a_position_that_does_not_agree_with_the_device_is_listed_for_its_meter(town: Town) -> None:
    await lived(town)
    await run(town)
    async with town.database.begin() as session:
        await session.execute(text("UPDATE meter_position SET token_credit = token_credit + 5 WHERE channel = 0"))

    report = await run(town)

    assert listed(report) == [("meter_differs", "meter", -5)]
    assert report.run.holds  # listed, and so not unexplained


async def test_tokens_that_nobody_used_are_listed_when_they_are_old(town: Town) -> None:
    device = await town.device()
    await town.sell(device)
    await town.sell(device)
    assert (await run(town)).items == []

    town.now += 30 * DAY_S

    assert listed(await run(town)) == [("in_flight_old", "meter", 10_000_000)]


@pytest.mark.parametrize("kind", ["card", "voucher"])
async def test_a_typed_tender_waits_and_is_listed_after_its_deadline(town: Town, kind: str) -> None:
    device = await town.device()
    async with town.database.begin() as session:
        drn = await _drn(session, device)
        order = vending.Order(
            "11111111-1111-4111-8111-111111111111", drn, 1_000_000, kind, 10_000, "KES", "keypad", "return"
        )
        await vending.vend(session, town.key_store, ADMIN, order, town.now)

    first = await run(town)
    town.now += 3 * DAY_S
    second = await run(town)

    assert first.items == [] and first.run.holds
    assert listed(second) == [("tender_unproven", "purchase", 10_000)]
    assert second.run.holds


async def test_credit_is_doubted_while_its_typed_tender_is_not_proven(town: Town) -> None:
    device = await town.device()
    purchase_id = "11111111-1111-4111-8111-111111111112"
    async with town.database.begin() as session:
        drn = await _drn(session, device)
        order = vending.Order(purchase_id, drn, 1_000_000, "card", 10_000, "KES", "keypad", "return")
        sale = await vending.vend(session, town.key_store, ADMIN, order, town.now)
    device.token(0, sale.vend.tid, sale.vend.volume_ml)
    await send(town, device)
    entry = device.sequence

    async def found() -> list[str]:
        return [row.verdict for row in await verdicts(town, device) if row.sequence == entry]

    await run(town)
    in_time = await found()
    town.now += 3 * DAY_S
    await run(town)
    await run(town)
    late = await found()
    async with town.database.begin() as session:
        other = Actor("operator:2", None, ADMIN.scopes, person_id=2)
        await session.execute(text("UPDATE vend SET actor = 'operator:1'"))
        await tenders.prove(session, other, purchase_id, tenders.Proof(None, None, "seen"), town.now)

    assert (in_time, late) == (["explained"], ["explained", "unexplained"])
    assert await found() == ["explained", "unexplained", "explained"]
    assert [case.kind for case in await cases(town, device)] == ["unexplained"]
    report = await run(town)
    assert (report.items, report.run.holds) == ([], True)


async def _drn(session, device: Device) -> str:  # type: ignore[no-untyped-def]
    return (await session.scalars(select(Meter.drn).where(Meter.gateway_id == device.gateway))).one()


async def test_what_arrives_after_the_day_is_not_posted_and_holds_all_the_same(town: Town) -> None:
    device = await lived(town)
    town.now += DAY_S
    device.charge(0, 999)
    await send(town, device)

    report = await reconciliation.run(town.database, ADMIN, town.utility, None, town.now)

    assert report.run.holds and report.items == []


async def test_the_books_hold_while_messages_come_in_any_order(town: Town) -> None:
    device = await lived(town)
    ingest = Ingest(town.database, town.key_store)
    for _ in range(3):
        device.charge(1, 500)
        await ingest.process([Message(device.gateway, device.batch(1, device.sequence), town.now)], town.now)
        assert (await run(town)).run.holds


async def test_two_runs_at_once_list_everything_once(town: Town) -> None:
    device = await lived(town)
    device.token(1, 1_000_000, 7_000_000)
    await send(town, device)
    town.now += DAY_S

    runs = [reconciliation.run(town.database, ADMIN, town.utility, None, town.now) for _ in range(3)]
    found = await asyncio.gather(*runs)

    assert sorted(report.run.runs for report in found) == [1, 2, 3]
    assert {report.run.id for report in found} == {found[0].run.id}
    async with town.database.read() as session:
        items = list(await session.scalars(select(ReconciliationItem)))
        entries = list(await session.scalars(select(BookEntry).where(BookEntry.kind == "consumption")))
    assert [(item.code, item.amount) for item in items] == [("credit_unexplained", 7_000_000)]
    assert len(entries) == 2
