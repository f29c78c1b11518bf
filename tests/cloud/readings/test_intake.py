"""Readings come in whole or running, before or after the DAY entry that names them; the ledger decides what counts."""

import pytest

from cloud.ledger.service import Ingest
from cloud.readings.rules import RUNNING, VERIFIED, WHOLE
from cloud.readings.service import DIFFER
from shared import documents, kinds
from tests.cloud.ledger.books import cases, quarantined
from tests.cloud.readings.uplink import DAY, HOUR, Link, close, message, record, running
from tests.fakes.utility import Town


@pytest.fixture
async def link(town: Town, ingest: Ingest) -> Link:
    """A gateway with two meters whose first entries are held."""
    made = Link(town, ingest, await town.device(meters=2))
    await made.send_ledger()
    return made


async def test_hours_of_the_running_day_are_held_and_acknowledged(link: Link) -> None:
    sent = message(link.device, running([3, 0, 12]), segment=0)

    (answer,) = await link.send(sent)

    acknowledged = documents.READINGS_ACK.decode(documents.without_mac(link.device.link_key, answer))
    assert (acknowledged["segment"], acknowledged["nonce"]) == (0, documents.READINGS.decode(sent[:-32])["nonce"])
    assert await link.hours() == [(0, 3, RUNNING), (1, 0, RUNNING), (2, 12, RUNNING)]


async def test_a_record_that_its_day_entry_names_is_verified(link: Link) -> None:
    packed = record([1, 2])
    close(link.device, packed, 3)
    await link.send_ledger()

    await link.send(message(link.device, packed))

    assert await link.hours() == [(0, 1, VERIFIED), (1, 2, VERIFIED)]
    assert [case.detail for case in await cases(link.town, link.device)] == []


async def test_a_day_entry_that_comes_later_verifies_the_record(link: Link) -> None:
    packed = record([1, 2])
    await link.send(message(link.device, packed, record([7], channel=1)))
    before = await link.hours()
    close(link.device, packed, 3)

    await link.send_ledger()

    assert before == [(0, 1, WHOLE), (1, 2, WHOLE), (0, 7, WHOLE)]
    assert await link.hours() == [(0, 1, VERIFIED), (1, 2, VERIFIED), (0, 7, WHOLE)]


@pytest.mark.parametrize("entry_first", [True, False])
async def test_a_record_that_differs_from_its_day_entry_is_a_case(link: Link, entry_first: bool) -> None:
    close(link.device, record([1, 2]), 3)
    forged = message(link.device, record([1, 1]))

    for step in (link.send_ledger(), link.send(forged)) if entry_first else (link.send(forged), link.send_ledger()):
        await step
    await link.send(forged)

    (case,) = await cases(link.town, link.device)
    assert (case.kind, case.channel, case.sequence) == (DIFFER, 0, link.device.sequence)
    assert await link.hours() == [(0, 1, WHOLE), (1, 1, WHOLE)]


async def test_a_total_that_differs_is_a_case_too(link: Link) -> None:
    packed = record([1, 2])
    close(link.device, packed, 4)
    await link.send_ledger()

    await link.send(message(link.device, packed))

    assert [case.kind for case in await cases(link.town, link.device)] == [DIFFER]


async def test_what_is_proven_by_less_never_replaces_what_is_proven_by_more(link: Link) -> None:
    whole = record([5, 6])
    await link.send(message(link.device, running([1])), message(link.device, whole))

    await link.send(message(link.device, running([9, 9, 9])))
    with_running = await link.hours()
    close(link.device, whole, 11)
    await link.send_ledger()
    await link.send(message(link.device, record([8, 8])))

    assert with_running == [(0, 5, WHOLE), (1, 6, WHOLE), (2, 9, RUNNING)]
    assert await link.hours() == [(0, 5, VERIFIED), (1, 6, VERIFIED), (2, 9, RUNNING)]


async def test_the_same_message_twice_changes_nothing(link: Link) -> None:
    sent = message(link.device, record([1, 2]), running([4]))

    first = await link.send(sent)
    held = await link.hours()
    again = await link.send(sent, sent)

    assert again == first * 2 and await link.hours() == held


async def test_a_day_without_a_record_says_nothing(link: Link) -> None:
    link.device.clock_s = 86400 * (DAY + 1)
    link.device.write(kinds.DAY, 0, detail=DAY)
    await link.send_ledger()

    await link.send(message(link.device, record([2])))

    assert await link.hours() == [(0, 2, WHOLE)] and await cases(link.town, link.device) == []


async def test_a_channel_without_a_meter_is_passed_over(link: Link) -> None:
    answers = await link.send(message(link.device, record([2], channel=5), record([3])))

    assert len(answers) == 1 and await link.hours() == [(0, 3, WHOLE)]


async def test_the_largest_message_is_held(link: Link) -> None:
    records = [record([at % 100] * 24, DAY + at, HOUR + 24 * at) for at in range(93)]

    answers = await link.send(message(link.device, *records))

    assert len(message(link.device, *records)) <= documents.MESSAGE_MAX and len(answers) == 1
    assert len(await link.hours()) == 93 * 24


async def test_what_is_not_genuine_is_set_aside(link: Link) -> None:
    good = message(link.device, record([1]))

    answers = await link.send(
        good[:-1] + bytes([good[-1] ^ 1]),
        good[:30],
        message(link.device, record([1])[:-1]),
        message(link.device, record([1]), gateway=link.device.gateway + 1),
        message(link.device, record([1]), epoch=0),
    )

    assert answers == [] and await link.hours() == []
    codes = [row.code for row in await quarantined(link.town, link.device)]
    assert codes == ["bad signature", "malformed", "malformed", "malformed", "wrong epoch"]


async def test_a_frozen_epoch_takes_no_readings(link: Link) -> None:
    twin = link.device.rewound(link.device.sequence - 1)
    twin.write(kinds.BOOT)
    await link.send(twin.batch(1))

    answers = await link.send(message(link.device, record([1])))

    assert answers == [] and await link.hours() == []
