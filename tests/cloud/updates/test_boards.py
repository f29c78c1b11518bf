"""Who a rollout goes to on both databases: gateways of the release's board, of another, of one that is not known."""

import pytest

from cloud.api.fields import PageQuery
from cloud.db import Database
from cloud.errors import Refused
from cloud.updates import rollouts, rules
from shared import command_results as results
from tests.cloud.updates.fleet import ASKS, BOARD, Fleet, enrol, replace


async def test_a_gateway_whose_board_is_not_known_waits_until_it_is_told(any_database: Database) -> None:
    fleet = await Fleet.found(any_database, 1)
    unknown = await enrol(fleet, None)
    rollout = await fleet.rollout((await fleet.release()).id, waves=[{"percent": 100}], soak_s=0)
    told = await fleet.step()
    await fleet.keep(told[0])
    before = (await fleet.look(rollout))[1][unknown]

    await replace(fleet, unknown)
    again = await fleet.step()

    assert unknown not in told and again == [unknown]
    assert (before.state, before.outcome) == (rules.UNKNOWN, "it has not told its board")
    await fleet.keep(unknown)
    await fleet.updates.round()
    row, members = await fleet.look(rollout)
    assert (row.state, members[unknown].state, members[unknown].outcome) == ("finished", rules.KEPT, None)


async def test_a_gateway_that_told_another_board_is_left_out(any_database: Database) -> None:
    fleet = await Fleet.found(any_database, 1)
    other, unknown = await enrol(fleet, "esp32_devkit"), await enrol(fleet, None)
    release = await fleet.release()
    rollout = await fleet.rollout(release.id, waves=[{"percent": 100}])
    await replace(fleet, unknown, "esp32_devkit")

    await fleet.step()

    _, members = await fleet.look(rollout)
    assert other not in members and members[unknown].state == rules.SKIPPED
    assert members[unknown].outcome == "it is a esp32_devkit, and the release is for rp2_pico_ppp"
    with pytest.raises(Refused, match="is a esp32_devkit"):
        await fleet.rollout(release.id, [other])


async def test_gateways_of_unknown_board_alone_are_no_rollout(database: Database) -> None:
    fleet = await Fleet.found(database, 0)
    await enrol(fleet, None)

    with pytest.raises(Refused, match="1 have not told their board"):
        await fleet.rollout((await fleet.release()).id)


async def test_a_gateway_that_gets_another_kind_of_device_is_not_told(database: Database) -> None:
    fleet = await Fleet.found(database, 1)
    (gateway,) = fleet.devices
    rollout = await fleet.rollout((await fleet.release()).id)

    await replace(fleet, gateway, "rp2_pico_w")

    assert await fleet.step() == []
    assert (await fleet.look(rollout))[1][gateway].state == rules.SKIPPED


async def test_a_wave_whose_gateways_are_all_left_out_gets_others(any_database: Database) -> None:
    fleet = await Fleet.found(any_database, 4)
    rollout = await fleet.rollout((await fleet.release()).id)
    (first,) = await fleet.step()
    await fleet.answer(first, results.OLD_FIRMWARE)  # it runs it already

    second = await fleet.step()

    row, members = await fleet.look(rollout)
    assert row.wave == 0 and len(second) == 1 and second != [first]
    assert (members[first].state, members[second[0]].wave) == (rules.SKIPPED, 0)


async def test_a_way_back_for_one_gateway_goes_to_no_other(database: Database) -> None:
    fleet = await Fleet.found(database, 2)
    first, second = sorted(fleet.devices)
    release = await fleet.release(permitted=(first, bytes(range(8))))

    with pytest.raises(Refused, match=f"for gateway {first} alone"):
        await fleet.rollout(release.id, [first, second])
    rollout = await fleet.rollout(release.id)

    assert list((await fleet.look(rollout))[1]) == [first]


async def test_what_runs_where_says_the_board_that_the_device_told(any_database: Database) -> None:
    fleet = await Fleet.found(any_database, 1)
    (gateway,) = fleet.devices

    async def board() -> str | None:
        async with any_database.read() as session:
            (shown,) = await rollouts.running_on(session, ASKS, PageQuery(after=0, limit=10))
            assert shown.boot_nonce == fleet.devices[gateway].boot_nonce
            return shown.board

    before = await board()
    await replace(fleet, gateway, "esp32_devkit")

    assert (before, await board()) == (BOARD, "esp32_devkit")


async def test_gateways_of_a_rollout_are_listed_by_state(database: Database) -> None:
    fleet = await Fleet.found(database, 2)
    unknown = await enrol(fleet, None)
    rollout = await fleet.rollout((await fleet.release()).id)

    async with database.read() as session:
        found = await rollouts.members(session, rollout, PageQuery(after=0, limit=10), rules.UNKNOWN)

    assert [one.gateway_id for one in found] == [unknown]
