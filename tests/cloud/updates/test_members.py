"""Gateways in rollouts on both databases: silent, replaced, stopped, away, or in two at once."""

import asyncio

import pytest
from sqlalchemy import text

from cloud.db import Database
from cloud.errors import Conflict
from cloud.ledger.pace import Allowance, Pace
from cloud.ledger.service import Ingest
from cloud.updates import releases, rollouts, rules
from cloud.updates.models import RolloutGateway
from shared import command_results as results
from shared import kinds
from tests.cloud.updates.fleet import ASKS, BOARD, TERMS, VERSION, Fleet, enrol, image_ids, replace
from tests.cloud.updates.test_rollouts import request


async def load(fleet: Fleet, gateway: int) -> None:
    """The gateway asks for the end of its image."""
    device = fleet.devices[gateway]
    assert await fleet.hear(device, request(device, image_ids()[1], 8192, 2))


async def test_a_device_that_is_replaced_while_it_downloads_is_told_again(any_database: Database) -> None:
    fleet = await Fleet.found(any_database, 1)
    rollout = await fleet.rollout((await fleet.release()).id)
    (gateway,) = await fleet.step()
    await fleet.answer(gateway)
    await fleet.step()
    loading = (await fleet.look(rollout))[1][gateway].state

    await replace(fleet, gateway)

    assert loading == rules.LOADING and await fleet.step() == [gateway]


async def test_a_gateway_that_has_its_image_and_is_never_heard_again_has_failed(any_database: Database) -> None:
    fleet = await Fleet.found(any_database, 2)
    rollout = await fleet.rollout((await fleet.release()).id, waves=[{"percent": 100}])
    dead, alive = await fleet.step()
    for gateway in (dead, alive):
        await fleet.answer(gateway)
        await load(fleet, gateway)

    fleet.wait(3000)
    await fleet.hear(fleet.devices[alive], fleet.devices[alive].hello())
    fleet.wait(601)
    await fleet.updates.round()

    row, members = await fleet.look(rollout)
    assert (members[dead].state, members[dead].outcome) == (rules.FAILED, "silent since it had the whole image")
    assert members[alive].state in (rules.STOPPING, rules.SKIPPED) and row.state == "stopped"


async def test_a_gateway_that_was_only_away_has_not_failed(any_database: Database) -> None:
    fleet = await Fleet.found(any_database, 1)
    rollout = await fleet.rollout((await fleet.release()).id, failure_percent=99, waves=[{"percent": 100}])
    gateways = [await enrol(fleet, BOARD)]  # not in the rollout
    (gateway,) = await fleet.step()
    await fleet.answer(gateway)
    await load(fleet, gateway)
    fleet.wait(3700)
    await fleet.updates.round()

    await fleet.say(gateway, kinds.UPDATE_TRIAL)
    await fleet.say(gateway, kinds.UPDATE_KEPT)

    _, members = await fleet.look(rollout)
    assert (members[gateway].state, members[gateway].outcome) == (rules.KEPT, None) and gateways[0] not in members


async def test_a_stopped_rollout_still_says_what_became_of_a_gateway_that_was_faster(any_database: Database) -> None:
    fleet = await Fleet.found(any_database, 1)
    rollout = await fleet.rollout((await fleet.release()).id)
    (gateway,) = await fleet.step()
    await fleet.answer(gateway)
    async with any_database.begin() as session:
        await rollouts.cancel(session, ASKS, rollout, fleet.now())

    await fleet.say(gateway, kinds.UPDATE_TRIAL)
    await fleet.step()
    await fleet.answer(gateway, results.UPDATE_RUNS)
    await fleet.say(gateway, kinds.UPDATE_ROLLED_BACK, kinds.UPDATE_NO_SYNC)

    row, members = await fleet.look(rollout)
    assert (row.state, members[gateway].state) == ("cancelled", rules.FAILED)


async def test_what_a_command_stopped_has_not_failed_in_the_rollout_that_follows(any_database: Database) -> None:
    fleet = await Fleet.found(any_database, 1)
    release = await fleet.release()
    first = await fleet.rollout(release.id)
    (gateway,) = await fleet.step()
    await fleet.answer(gateway)
    async with any_database.begin() as session:
        await rollouts.cancel(session, ASKS, first, fleet.now())
    second = await fleet.rollout(release.id)
    await fleet.updates.round()
    await fleet.updates.round()

    await fleet.say(gateway, kinds.UPDATE_FAILED, kinds.UPDATE_STOPPED)

    assert (await fleet.look(second))[1][gateway].state == rules.ORDERED


async def test_a_gateway_downloads_for_one_rollout_at_a_time(any_database: Database) -> None:
    fleet = await Fleet.found(any_database, 1)
    older = await fleet.rollout((await fleet.release()).id)
    (gateway,) = await fleet.step()
    await fleet.answer(gateway)
    newer = await fleet.rollout((await fleet.release(version=VERSION + 1)).id)

    meanwhile = await fleet.step()
    await fleet.say(gateway, kinds.UPDATE_TRIAL)
    await fleet.say(gateway, kinds.UPDATE_KEPT)
    afterwards = await fleet.step()

    assert meanwhile == [] and afterwards == [gateway]
    assert (await fleet.look(older))[1][gateway].state == rules.KEPT
    assert (await fleet.look(newer))[1][gateway].state == rules.ORDERED


async def test_a_gateway_on_another_trial_is_told_again_later(database: Database) -> None:
    fleet = await Fleet.found(database, 1)
    rollout = await fleet.rollout((await fleet.release()).id)
    (gateway,) = await fleet.step()
    await fleet.answer(gateway, results.UPDATE_RUNS)

    soon = await fleet.step()
    fleet.wait(3601)
    later = await fleet.step()

    assert soon == [] and later == [gateway]
    assert (await fleet.look(rollout))[0].state == "running"


async def test_what_a_gateway_says_counts_where_it_was_told(any_database: Database) -> None:
    fleet = await Fleet.found(any_database, 1)
    release = await fleet.release()
    rollout = await fleet.rollout(release.id)
    (gateway,) = await fleet.step()
    terms = {**TERMS, "utility_id": fleet.town.utility, "release_id": release.id}
    async with any_database.begin() as session:  # somebody asks for the same once more
        await rollouts.ask(session, ASKS, gateways=None, terms=terms, now=fleet.now())

    await fleet.keep(gateway)

    assert (await fleet.look(rollout))[1][gateway].state == rules.KEPT


async def test_a_release_that_is_withdrawn_stops_where_it_runs_and_is_not_resumed(any_database: Database) -> None:
    fleet = await Fleet.found(any_database, 3)
    release = await fleet.release()
    running, paused = await fleet.rollout(release.id), await fleet.rollout(release.id)
    (told,) = await fleet.step()
    await fleet.answer(told)
    async with any_database.begin() as session:
        await rollouts.pause(session, ASKS, paused, fleet.now())
        await releases.withdraw(session, ASKS, release.id, fleet.now())
        with pytest.raises(Conflict):
            await rollouts.resume(session, ASKS, paused, fleet.now())

    again = await fleet.step()

    assert again == [told] and fleet.orders[told]["payload"] == b""
    for one in (running, paused):
        row, _ = await fleet.look(one)
        assert (row.state, row.outcome) == ("stopped", "its release was withdrawn")


async def test_a_paused_rollout_that_fails_tells_those_that_download_to_stop(any_database: Database) -> None:
    fleet = await Fleet.found(any_database, 3)
    rollout = await fleet.rollout((await fleet.release()).id, waves=[{"percent": 100}])
    told = await fleet.step()
    for gateway in told:
        await fleet.answer(gateway)
    async with any_database.begin() as session:
        await rollouts.pause(session, ASKS, rollout, fleet.now())

    await fleet.say(told[0], kinds.UPDATE_TRIAL)
    await fleet.say(told[0], kinds.UPDATE_ROLLED_BACK, kinds.UPDATE_NO_SYNC)
    stopped = await fleet.step()

    assert (await fleet.look(rollout))[0].state == "stopped" and sorted(stopped) == sorted(told[1:])


async def test_each_chunk_of_an_image_counts_in_what_a_gateway_may_send(database: Database) -> None:
    fleet = await Fleet.found(database, 1)
    await fleet.release()
    (device,) = fleet.devices.values()
    fleet.ingest = Ingest(database, fleet.town.key_store, Pace(Allowance(burst=8, per_hour=1)))

    got = [len(await fleet.hear(device, request(device, image_ids()[0], 0, 4))) for _ in range(3)]

    assert got == [4, 4, 0]


async def test_a_cancel_waits_for_no_command_and_the_gateways_are_told_afterwards(database: Database) -> None:
    fleet = await Fleet.found(database, 3)
    rollout = await fleet.rollout((await fleet.release()).id, waves=[{"percent": 100}])
    await fleet.step()

    async with database.begin() as session:
        await rollouts.cancel(session, ASKS, rollout, fleet.now())
    at_once = {member.state for member in (await fleet.look(rollout))[1].values()}
    await fleet.updates.round()

    assert at_once == {rules.STOPPING}
    assert {member.state for member in (await fleet.look(rollout))[1].values()} == {rules.SKIPPED}


async def test_what_a_gateway_says_while_the_worker_looks_is_not_lost(postgresql_url: str) -> None:
    database = Database(postgresql_url)
    fleet = await Fleet.found(database, 1)
    rollout = await fleet.rollout((await fleet.release()).id)
    (gateway,) = await fleet.step()
    await fleet.answer(gateway)

    async with database.begin() as session:  # the intake, in the midst of the batch that says that it was kept
        member = await session.get_one(RolloutGateway, (rollout, gateway), with_for_update=True)
        member.state = rules.KEPT
        await session.flush()
        looks = asyncio.create_task(fleet.updates.round())
        while not await session.scalar(text("SELECT count(*) FROM pg_locks WHERE NOT granted")):
            await asyncio.sleep(0.02)  # until it has seen the row as it was, and waits for it
    await looks

    assert (await fleet.look(rollout))[1][gateway].state == rules.KEPT
    await database.close()
