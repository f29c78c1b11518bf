"""Crashes, rivals and poison: what was acknowledged stays, what fails is set aside alone, the rest comes again."""

import asyncio

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from cloud.ledger import intake
from cloud.ledger.messages import Message
from cloud.ledger.service import Ingest
from tests.cloud.ledger.books import cases, entries, head, quarantined
from tests.fakes.device import Device
from tests.fakes.utility import Town


async def test_a_cloud_killed_between_commit_and_answer_acknowledges_the_double(town: Town, ingest: Ingest) -> None:
    device = await town.device()
    data = device.batch()
    await ingest.process([Message(device.gateway, data, town.now)], town.now)

    again = await Ingest(town.database, town.key_store).process([Message(device.gateway, data, town.now)], town.now)

    device.receive(again.replies[0].data)
    assert device.acknowledged == device.sequence == len(await entries(town, device))


async def test_a_restarted_worker_goes_on_from_the_stored_state(town: Town, ingest: Ingest) -> None:
    device = await town.device()
    await ingest.process([Message(device.gateway, device.batch(), town.now)], town.now)
    device.charge(0, 100)

    await Ingest(town.database, town.key_store).process([Message(device.gateway, device.batch(1), town.now)], town.now)

    assert (await head(town, device)).state == device.state.to_bytes()
    assert await cases(town, device) == []


async def test_two_workers_at_once_store_every_entry_once(town: Town) -> None:
    devices = [await town.device() for _ in range(3)]
    workers = [Ingest(town.database, town.key_store) for _ in range(2)]

    async def work(worker: Ingest, turn: int) -> None:
        for first in range(1, devices[0].sequence + 1, 8):
            messages = [Message(device.gateway, device.batch(first, first + 7), town.now) for device in devices[::turn]]
            while (await worker.process(messages, town.now)).later:
                await asyncio.sleep(0)

    for device in devices:
        while device.sequence < 80:
            device.charge(0, 10)
    await asyncio.gather(work(workers[0], 1), work(workers[1], -1))

    for device in devices:
        assert [row.body for row in await entries(town, device)] == device.entries
        assert (await head(town, device)).state == device.state.to_bytes()
        assert await cases(town, device) == [] and await quarantined(town, device) == []


async def test_a_message_that_breaks_the_cloud_is_set_aside_alone(
    town: Town, ingest: Ingest, monkeypatch: pytest.MonkeyPatch
) -> None:
    good, poison = await town.device(), await town.device()
    judged = intake._judge

    async def breaks_on_one(desk, claims, arrived_at):  # type: ignore[no-untyped-def]
        await judged(desk, claims, arrived_at)
        if desk.position.gateway == poison.gateway:
            raise ZeroDivisionError

    monkeypatch.setattr(intake, "_judge", breaks_on_one)
    messages = [Message(device.gateway, device.batch(), town.now) for device in (good, poison)]

    outcome = await ingest.process(messages, town.now)

    assert [reply.gateway for reply in outcome.replies] == [good.gateway]
    assert len(await entries(town, good)) == good.sequence
    assert await entries(town, poison) == []
    assert [(row.code, row.raw) for row in await quarantined(town, poison)] == [("internal", messages[1].data)]
    assert [case.kind for case in await cases(town, poison)] == ["internal"]


async def test_what_was_set_aside_by_a_fault_is_taken_in_once_the_fault_is_gone(
    town: Town, ingest: Ingest, monkeypatch: pytest.MonkeyPatch
) -> None:
    device = await town.device()
    with monkeypatch.context() as broken:
        broken.setattr(intake, "_judge", lambda *_: 1 / 0)
        await ingest.process([Message(device.gateway, device.batch(), town.now)], town.now)

    outcome = await ingest.process([Message(device.gateway, device.batch(), town.now)], town.now)

    device.receive(outcome.replies[0].data)
    assert device.acknowledged == device.sequence


async def test_a_database_that_is_away_sets_nothing_aside(
    town: Town, ingest: Ingest, monkeypatch: pytest.MonkeyPatch
) -> None:
    device = await town.device()

    async def away(*_: object) -> None:
        raise OperationalError("SELECT", {}, Exception("connection refused"))

    with monkeypatch.context() as broken:
        broken.setattr(intake, "batch", away)
        outcome = await ingest.process([Message(device.gateway, device.batch(), town.now)] * 3, town.now)

    assert outcome.later == {0, 1, 2}
    assert await quarantined(town, device) == []
    outcome = await ingest.process([Message(device.gateway, device.batch(), town.now)], town.now)
    assert len(outcome.replies) == 1


async def test_a_message_that_cannot_even_be_set_aside_comes_again_and_stops_nothing(
    town: Town, ingest: Ingest, monkeypatch: pytest.MonkeyPatch
) -> None:
    good, poison = await town.device(), await town.device()

    async def fails(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    with monkeypatch.context() as broken:
        broken.setattr("cloud.ledger.cases.quarantine", fails)
        messages = [Message(poison.gateway, b"nonsense", town.now), Message(good.gateway, good.batch(), town.now)]
        outcome = await ingest.process(messages, town.now)

    assert outcome.later == {0}
    assert [reply.gateway for reply in outcome.replies] == [good.gateway]


async def test_a_head_that_moved_meanwhile_is_worked_on_again(town: Town, ingest: Ingest) -> None:
    device = await town.device()
    await ingest.process([Message(device.gateway, device.batch(1, 1), town.now)], town.now)
    rival = Ingest(town.database, town.key_store)
    await rival.process([Message(device.gateway, device.batch(1, 2), town.now)], town.now)

    outcome = await ingest.process([Message(device.gateway, device.batch(), town.now)], town.now)

    device.receive(outcome.replies[0].data)
    assert device.acknowledged == device.sequence
    assert (await head(town, device)).state == device.state.to_bytes()


async def test_a_flood_of_bad_messages_is_bounded(town: Town, ingest: Ingest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cloud.ledger.cases.KEPT_PER_GATEWAY_MAX", 5)
    device: Device = await town.device()

    await ingest.process([Message(device.gateway, bytes([n] * 20), town.now) for n in range(12)], town.now)

    kept = await quarantined(town, device)
    assert len(kept) == 5 and sum(row.times for row in kept) == 12


async def test_a_verdict_and_an_entry_cannot_be_edited(town: Town, ingest: Ingest) -> None:
    device = await town.device()
    await ingest.process([Message(device.gateway, device.batch(), town.now)], town.now)

    for table in ("verdict", "ledger_entry"):
        for statement in (f"DELETE FROM {table}", f"UPDATE {table} SET utility_id = 99"):
            with pytest.raises(Exception, match="append-only"):
                async with town.database.begin() as session:
                    await session.execute(text(statement))


async def test_a_batch_under_way_while_the_gateway_is_enrolled_anew_adds_nothing_to_the_closed_epoch(
    town: Town, ingest: Ingest, monkeypatch: pytest.MonkeyPatch
) -> None:
    device = await town.device()
    await ingest.process([Message(device.gateway, device.batch(1), town.now)], town.now)
    held = device.sequence
    device.charge(0, 700)
    async with town.database.read() as session:
        authors = await ingest._directory.authors(session, {device.gateway})
    successor = await town.enrol(device.gateway, Device())

    async def as_they_were(*_: object) -> object:
        return authors

    with monkeypatch.context() as race:
        race.setattr(ingest._directory, "authors", as_they_were)
        outcome = await ingest.process([Message(device.gateway, device.batch(held + 1), town.now)], town.now)

    assert (outcome.replies, outcome.later) == ([], {0})
    assert (await head(town, device)).sequence == held and successor.balance(0) == 0
