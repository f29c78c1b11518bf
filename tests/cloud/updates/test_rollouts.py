"""Rollouts with real devices on both databases: waves, automatic stop, pauses, and what gateways say of themselves."""

import secrets

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import select

from cloud.api.fields import PageQuery
from cloud.audit.models import AuditEntry
from cloud.db import Database
from cloud.errors import Conflict, Forbidden, Refused
from cloud.ledger.models import Case, Verdict
from cloud.updates import releases, rollouts, rules
from shared import command_results as results
from shared import documents, kinds
from shared.update import CHUNK, CHUNK_SIZE, REQUEST
from tests.cloud.updates.fleet import ASKS, IMAGES, PUBLIC, TERMS, VERSION, Fleet, image_ids, manifest


async def test_a_rollout_goes_wave_by_wave_to_its_end(any_database: Database) -> None:
    fleet = await Fleet.found(any_database, 4)
    release = await fleet.release()
    rollout = await fleet.rollout(release.id)
    told = []

    for _ in range(3):
        now_told = await fleet.step()
        told.append(len(now_told))
        for gateway in now_told:
            await fleet.keep(gateway)
        fleet.wait(601)
        await fleet.updates.round()

    row, members = await fleet.look(rollout)
    assert told == [1, 1, 2]
    assert (row.state, {member.state for member in members.values()}) == ("finished", {rules.KEPT})
    async with any_database.read() as session:
        verdicts = (await session.scalars(select(Verdict).where(Verdict.kind == kinds.UPDATE))).all()
        shown = await rollouts.running_on(session, ASKS, PageQuery(after=0, limit=100))
        actions = set(await session.scalars(select(AuditEntry.action)))
    assert {one.verdict for one in verdicts} == {"explained"} and len(verdicts) == 8
    assert {(one.version, one.board) for one in shown} == {(VERSION, "rp2_pico_ppp")}
    assert {"release.add", "rollout.ask", "rollout.approve", "rollout.next", "rollout.finish"} <= actions


async def test_the_next_wave_waits_for_its_time(any_database: Database) -> None:
    fleet = await Fleet.found(any_database, 2)
    rollout = await fleet.rollout((await fleet.release()).id)
    for gateway in await fleet.step():
        await fleet.keep(gateway)

    fleet.wait(590)
    early = await fleet.step()
    fleet.wait(20)
    await fleet.updates.round()

    assert early == [] and (await fleet.look(rollout))[0].wave >= 1


async def test_a_rollback_in_the_first_wave_stops_it(any_database: Database) -> None:
    fleet = await Fleet.found(any_database, 3)
    rollout = await fleet.rollout((await fleet.release()).id)
    (first,) = await fleet.step()

    await fleet.roll_back(first)
    await fleet.updates.round()

    row, members = await fleet.look(rollout)
    assert (row.state, row.outcome) == ("stopped", "1 of 1 gateways failed, more than 10 %")
    assert members[first].outcome == "rolled back: the cloud acknowledged nothing within the trial"
    assert {member.state for number, member in members.items() if number != first} == {rules.SKIPPED}


async def test_a_gateway_that_is_silent_after_its_trial_began_has_failed(any_database: Database) -> None:
    fleet = await Fleet.found(any_database, 1)
    rollout = await fleet.rollout((await fleet.release()).id)
    (first,) = await fleet.step()
    await fleet.answer(first)
    await fleet.say(first, kinds.UPDATE_TRIAL)

    fleet.wait(3601)
    await fleet.updates.round()

    assert (await fleet.look(rollout))[1][first].outcome == "silent since its trial began"


async def test_safe_mode_after_it_was_kept_counts_as_a_failure(any_database: Database) -> None:
    fleet = await Fleet.found(any_database, 3)
    rollout = await fleet.rollout((await fleet.release()).id)
    (first,) = await fleet.step()
    await fleet.keep(first)

    device = fleet.devices[first]
    device.write(kinds.BOOT, detail=256 | 2, reference_a=2, reference_b=VERSION)
    await fleet.hear(device, device.batch())
    await fleet.updates.round()

    assert (await fleet.look(rollout))[0].state == "stopped"


async def test_when_it_stops_those_that_still_download_are_told_to(any_database: Database) -> None:
    fleet = await Fleet.found(any_database, 3)
    rollout = await fleet.rollout((await fleet.release()).id, waves=[{"percent": 100}])
    told = await fleet.step()
    await fleet.roll_back(told[0])
    await fleet.answer(told[1])
    await fleet.answer(told[2])

    again = await fleet.step()

    assert sorted(again) == sorted(told[1:]) and {fleet.orders[gateway]["payload"] for gateway in again} == {b""}
    assert (await fleet.look(rollout))[0].state == "stopped"


async def test_a_wave_that_takes_too_long_waits_for_a_person(any_database: Database) -> None:
    fleet = await Fleet.found(any_database, 2)
    rollout = await fleet.rollout((await fleet.release()).id)
    await fleet.step()

    fleet.wait(7201)
    await fleet.updates.round()
    row, _ = await fleet.look(rollout)
    assert (row.state, row.outcome) == ("paused", "wave 1: 0 of 1 gateways have kept the release in 7200 s")
    async with any_database.begin() as session:
        await rollouts.resume(session, ASKS, rollout, fleet.now())
    for gateway in await fleet.step() or fleet.orders:
        await fleet.keep(gateway)
    fleet.wait(601)
    await fleet.updates.round()

    assert (await fleet.look(rollout))[0].wave == 1


async def test_a_command_that_expired_is_given_again(any_database: Database) -> None:
    fleet = await Fleet.found(any_database, 1)
    rollout = await fleet.rollout((await fleet.release()).id, wave_s=10 * 86400)
    (first,) = await fleet.step()

    fleet.wait(86401)
    await fleet.step()
    again = await fleet.step()

    assert again == [first] and fleet.orders[first]["counter"] == 2
    assert (await fleet.look(rollout))[1][first].state == rules.ORDERED


async def test_a_gateway_of_another_board_is_left_out_and_not_a_failure(any_database: Database) -> None:
    fleet = await Fleet.found(any_database, 2)
    rollout = await fleet.rollout((await fleet.release()).id, waves=[{"percent": 100}], soak_s=0)
    told = await fleet.step()

    await fleet.answer(told[0], results.OTHER_BOARD)
    await fleet.keep(told[1])
    await fleet.updates.round()
    await fleet.updates.round()

    row, members = await fleet.look(rollout)
    assert (row.state, members[told[0]].state) == ("finished", rules.SKIPPED)


async def test_a_refusal_of_its_own_counts_as_a_failure(any_database: Database) -> None:
    fleet = await Fleet.found(any_database, 1)
    rollout = await fleet.rollout((await fleet.release()).id)
    (first,) = await fleet.step()

    await fleet.answer(first, results.TOO_LARGE)
    await fleet.updates.round()

    row, members = await fleet.look(rollout)
    assert row.state == "stopped" and members[first].outcome == (
        "refused: the image is larger than a slot of the gateway"
    )


async def test_nobody_starts_what_they_asked_for(database: Database) -> None:
    fleet = await Fleet.found(database, 1)
    release = await fleet.release()
    terms = {**TERMS, "utility_id": fleet.town.utility, "release_id": release.id}
    async with database.begin() as session:
        made = await rollouts.ask(session, ASKS, gateways=None, terms=terms, now=fleet.now())

    with pytest.raises(Forbidden):
        async with database.begin() as session:
            await rollouts.approve(session, ASKS, made.id, fleet.now())
    assert await fleet.step() == []


async def test_a_pause_tells_nobody_further_and_a_cancel_ends_it(database: Database) -> None:
    fleet = await Fleet.found(database, 2)
    rollout = await fleet.rollout((await fleet.release()).id)
    async with database.begin() as session:
        await rollouts.pause(session, ASKS, rollout, fleet.now())

    told = await fleet.step()
    async with database.begin() as session:
        await rollouts.cancel(session, ASKS, rollout, fleet.now())

    row, members = await fleet.look(rollout)
    assert told == [] and row.state == "cancelled"
    assert {member.state for member in members.values()} == {rules.SKIPPED}
    with pytest.raises(Conflict):
        async with database.begin() as session:
            await rollouts.resume(session, ASKS, rollout, fleet.now())


async def test_a_list_of_gateways_goes_to_those_only(database: Database) -> None:
    fleet = await Fleet.found(database, 3)
    chosen = sorted(fleet.devices)[1]

    rollout = await fleet.rollout((await fleet.release()).id, [chosen])

    assert list((await fleet.look(rollout))[1]) == [chosen]
    with pytest.raises(Refused):
        await fleet.rollout((await fleet.release(version=VERSION + 1)).id, [999_999])


async def test_only_what_the_release_key_signed_becomes_a_release(database: Database) -> None:
    async with database.begin() as session:
        for signed in (manifest(Ed25519PrivateKey.generate()), manifest()[:-1], b"no manifest"):
            with pytest.raises(Refused):
                await releases.add(session, ASKS, PUBLIC, signed, "", 1)
        with pytest.raises(Refused, match="PENSTOCK_RELEASE_KEY_FILE"):
            await releases.add(session, ASKS, None, manifest(), "", 1)
        kept = await releases.add(session, ASKS, PUBLIC, manifest(), "", 1)
        with pytest.raises(Refused):
            await releases.add_image(session, ASKS, kept.id, IMAGES[0][:-1], 1)


async def test_a_release_without_its_images_or_withdrawn_is_rolled_out_by_nobody(database: Database) -> None:
    fleet = await Fleet.found(database, 1)
    async with database.begin() as session:
        bare = await releases.add(session, ASKS, PUBLIC, manifest(version=VERSION + 1), "", 1)
    whole = await fleet.release()
    async with database.begin() as session:
        await releases.withdraw(session, ASKS, whole.id, 1)

    for release_id in (bare.id, whole.id):
        with pytest.raises(Conflict):
            await fleet.rollout(release_id)


async def test_chunks_come_as_they_were_asked_for(any_database: Database) -> None:
    fleet = await Fleet.found(any_database, 1)
    await fleet.release()
    device = next(iter(fleet.devices.values()))
    got = [b"", b""]

    for slot, image_id in enumerate(image_ids()):
        while len(got[slot]) < len(IMAGES[slot]):
            for data in await fleet.hear(device, request(device, image_id, len(got[slot]), 3)):
                chunk = CHUNK.decode(data)
                assert (chunk["image"], chunk["offset"]) == (image_id, len(got[slot])) and len(data) <= 4096
                got[slot] += chunk["data"]

    assert tuple(got) == IMAGES


async def test_a_request_that_is_forged_or_asks_for_nothing_gets_nothing(database: Database) -> None:
    fleet = await Fleet.found(database, 1)
    await fleet.release()
    device = next(iter(fleet.devices.values()))
    good = request(device, image_ids()[0], 0, 1)

    for data in (
        good[:-1] + bytes([good[-1] ^ 1]),
        request(device, image_ids()[0], 1, 1),
        request(device, image_ids()[0], 0, 17),
        request(device, secrets.token_bytes(8), 0, 1),
        request(device, image_ids()[0], 100 * CHUNK_SIZE, 1),
    ):
        assert await fleet.hear(device, data) == []


async def test_firmware_that_nobody_ordered_is_a_case(any_database: Database) -> None:
    fleet = await Fleet.found(any_database, 1)
    (gateway,) = fleet.devices

    await fleet.say(gateway, kinds.UPDATE_TRIAL, version=0x02000000)

    async with any_database.read() as session:
        case = (await session.scalars(select(Case))).one()
    assert case.detail == "update: no command brought firmware 2.0.0"


async def test_a_minimum_that_no_manifest_named_is_a_case(database: Database) -> None:
    fleet = await Fleet.found(database, 1)
    await fleet.rollout((await fleet.release()).id)
    (gateway,) = await fleet.step()
    await fleet.answer(gateway)

    await fleet.say(gateway, kinds.UPDATE_TRIAL)
    await fleet.say(gateway, kinds.UPDATE_KEPT, minimum=0)

    async with database.read() as session:
        case = (await session.scalars(select(Case))).one()
    assert "another minimum" in case.detail


def request(device, image_id: bytes, offset: int, count: int) -> bytes:  # type: ignore[no-untyped-def]
    """What a gateway sends for chunks."""
    who = {"utility": device.utility, "gateway": device.gateway, "epoch": device.epoch}
    return documents.with_mac(device.link_key, REQUEST.encode(image=image_id, offset=offset, count=count, **who))
