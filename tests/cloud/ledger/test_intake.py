"""Taking messages in: chains grow once and in order, whatever the network does, and forgeries move nothing."""

import pytest

from cloud.ledger.messages import Message
from cloud.ledger.service import Ingest
from shared import kinds
from tests.cloud.ledger.books import cases, entries, head, quarantined, verdicts
from tests.fakes.device import Device
from tests.fakes.utility import Town


async def give(ingest: Ingest, town: Town, device: Device, *data: bytes) -> list[tuple[str, dict]]:  # type: ignore[type-arg]
    """Hand messages of a device to the ingest; its answers, as the device reads them."""
    outcome = await ingest.process([Message(device.gateway, one, town.now) for one in data], town.now)
    return [device.receive(reply.data) for reply in outcome.replies]


async def test_a_batch_is_stored_and_acknowledged_with_its_nonce(town: Town, ingest: Ingest) -> None:
    device = await town.device()
    for _ in range(5):
        device.charge(0, 1000)
    data = device.batch()

    answers = await give(ingest, town, device, data)

    assert [name for name, _ in answers] == ["ack"]
    assert answers[0][1]["sequence"] == device.sequence == device.acknowledged
    assert data[90:98] == answers[0][1]["nonce"]
    assert [row.body for row in await entries(town, device)] == device.entries
    assert [row.hash for row in await entries(town, device)] == device.heads[1:]
    assert (await head(town, device)).state == device.state.to_bytes()


async def test_the_first_entries_are_explained_by_the_enrolment(town: Town, ingest: Ingest) -> None:
    device = await town.device(meters=2)

    await give(ingest, town, device, device.batch())

    found = await verdicts(town, device)
    assert [(row.sequence, row.verdict) for row in found] == [(n, "explained") for n in (1, 2, 3, 4)]
    assert await cases(town, device) == []


async def test_batches_one_after_another_in_one_go_continue_the_chain(town: Town, ingest: Ingest) -> None:
    device = await town.device()
    for _ in range(40):
        device.charge(0, 10)
    parts = [device.batch(first, min(first + 6, device.sequence)) for first in range(1, device.sequence + 1, 7)]

    await give(ingest, town, device, *parts)

    assert device.acknowledged == device.sequence
    assert len(await entries(town, device)) == device.sequence


async def test_a_double_is_acknowledged_again_and_stored_once(town: Town, ingest: Ingest) -> None:
    device = await town.device()
    data = device.batch()
    await give(ingest, town, device, data)

    answers = await give(ingest, town, device, data, data)

    assert [fields["sequence"] for _, fields in answers] == [device.sequence] * 2
    assert len(await entries(town, device)) == device.sequence
    assert await quarantined(town, device) == [] and await cases(town, device) == []


async def test_a_batch_that_overlaps_adds_only_what_is_new(town: Town, ingest: Ingest) -> None:
    device = await town.device()
    await give(ingest, town, device, device.batch())
    for _ in range(6):
        device.charge(0, 500)

    await give(ingest, town, device, device.batch(2, 6), device.batch(1, device.sequence))

    assert [row.body for row in await entries(town, device)] == device.entries


async def test_a_gap_is_answered_with_what_is_held_and_moves_nothing(town: Town, ingest: Ingest) -> None:
    device = await town.device()
    held = device.sequence
    await give(ingest, town, device, device.batch())
    for _ in range(4):
        device.charge(0, 500)

    answers = await give(ingest, town, device, device.batch(held + 3, held + 4))

    assert answers[0][1]["sequence"] == held
    assert (await head(town, device)).sequence == held
    assert await cases(town, device) == [] and await quarantined(town, device) == []


async def test_batches_in_the_wrong_order_end_in_the_right_chain(town: Town, ingest: Ingest) -> None:
    device = await town.device()
    for _ in range(9):
        device.charge(0, 500)
    late, early = device.batch(7, device.sequence), device.batch(1, 6)

    await give(ingest, town, device, late, early)
    await give(ingest, town, device, late)

    assert device.acknowledged == device.sequence


async def test_a_forged_signature_is_set_aside_and_moves_no_head(town: Town, ingest: Ingest) -> None:
    device = await town.device()
    forged = bytearray(device.batch())
    forged[110] ^= 1

    answers = await give(ingest, town, device, bytes(forged))

    assert answers == []
    kept = await quarantined(town, device)
    assert [(row.code, row.raw) for row in kept] == [("bad signature", bytes(forged))]
    assert [(case.kind, case.quarantine_id) for case in await cases(town, device)] == [("bad signature", kept[0].id)]
    assert await head(town, device) is None


async def test_entries_changed_under_a_right_signature_are_set_aside(town: Town, ingest: Ingest) -> None:
    device = await town.device()
    changed = bytearray(device.batch())
    changed[-1] ^= 1

    assert await give(ingest, town, device, bytes(changed)) == []

    assert [row.code for row in await quarantined(town, device)] == ["wrong head"]
    assert (await head(town, device)).sequence == 0


async def test_the_same_bad_message_again_is_counted_not_piled_up(town: Town, ingest: Ingest) -> None:
    device = await town.device()
    batch = device.batch()
    forged = batch[:-1] + bytes((batch[-1] ^ 1,))

    await give(ingest, town, device, forged, forged)
    await give(ingest, town, device, forged)

    assert [row.times for row in await quarantined(town, device)] == [3]
    assert [case.times for case in await cases(town, device)] == [3]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "malformed"),
        (b"PSbatch1", "malformed"),
        (b"PSnothing and more", "malformed"),
        (b"PShello1" + bytes(111), "malformed"),
        (bytes(5000), "malformed"),
    ],
)
async def test_what_is_no_document_is_set_aside_without_a_case(
    town: Town, ingest: Ingest, data: bytes, code: str
) -> None:
    device = await town.device()

    assert await give(ingest, town, device, data) == []

    assert [(row.code, row.raw) for row in await quarantined(town, device)] == [(code, data)]
    assert await cases(town, device) == []


async def test_a_gateway_that_is_not_enrolled_is_set_aside(town: Town, ingest: Ingest) -> None:
    device = await town.device()
    stranger = device.clone()
    stranger.gateway = device.gateway + 1000

    outcome = await ingest.process([Message(stranger.gateway, device.batch(), town.now)], town.now)

    assert outcome.replies == []
    assert [row.code for row in await quarantined(town, stranger)] == ["unknown gateway"]


async def test_a_gateway_cannot_speak_for_another(town: Town, ingest: Ingest) -> None:
    one, other = await town.device(), await town.device()

    outcome = await ingest.process([Message(other.gateway, one.batch(), town.now)], town.now)

    assert outcome.replies == []
    assert [row.code for row in await quarantined(town, other)] == ["malformed"]
    assert await entries(town, one) == []


async def test_two_histories_freeze_the_epoch_and_keep_both(town: Town, ingest: Ingest) -> None:
    device = await town.device()
    await give(ingest, town, device, device.batch())
    twin = device.clone()
    device.charge(0, 100)
    twin.charge(0, 200)
    await give(ingest, town, device, device.batch())

    answers = await give(ingest, town, twin, twin.batch())

    assert answers == []
    assert [row.body for row in await entries(town, device)] == device.entries
    assert [(row.code, row.raw[-42:]) for row in await quarantined(town, device)] == [("conflict", twin.entries[-1])]
    assert [case.kind for case in await cases(town, device)] == ["conflict"]
    assert (await head(town, device)).frozen
    device.charge(0, 100)
    assert await give(ingest, town, device, device.batch()) == []
    assert [row.code for row in await quarantined(town, device)] == ["conflict", "frozen"]


async def test_a_twin_that_went_on_longer_is_found_by_its_batch(town: Town, ingest: Ingest) -> None:
    device = await town.device()
    twin = device.clone()
    device.charge(0, 100)
    await give(ingest, town, device, device.batch(1))
    for _ in range(3):
        twin.charge(0, 200)

    assert await give(ingest, town, twin, twin.batch(1)) == []

    assert [case.kind for case in await cases(town, device)] == ["conflict"]


async def test_a_twin_is_found_by_its_hello(town: Town, ingest: Ingest) -> None:
    device = await town.device()
    twin = device.clone()
    device.charge(0, 100)
    await give(ingest, town, device, device.batch(1))
    twin.charge(0, 200)

    assert await give(ingest, town, twin, twin.hello()) == []

    assert (await head(town, device)).frozen


async def test_a_hello_is_answered_with_signed_time_and_what_is_held(town: Town, ingest: Ingest) -> None:
    device = await town.device()
    await give(ingest, town, device, device.batch())
    device.charge(0, 100)

    answers = await give(ingest, town, device, device.hello(nonce=b"12345678"))

    assert [name for name, _ in answers] == ["time", "ack"]
    assert answers[0][1]["boot_nonce"] == device.boot_nonce and answers[0][1]["time_s"] == town.now
    assert answers[1][1]["sequence"] == device.sequence - 1 and answers[1][1]["nonce"] == b"12345678"


async def test_the_first_hello_of_an_epoch_is_told_that_nothing_is_held(town: Town, ingest: Ingest) -> None:
    device = await town.device()

    answers = await give(ingest, town, device, device.hello())

    assert answers[1][1]["sequence"] == 0 and answers[1][1]["head"] == device.heads[0]


async def test_a_hello_under_a_wrong_link_key_is_not_answered(town: Town, ingest: Ingest) -> None:
    device = await town.device()
    data = bytearray(device.hello())
    data[-1] ^= 1

    assert await give(ingest, town, device, bytes(data)) == []

    assert [case.kind for case in await cases(town, device)] == ["bad signature"]


async def test_a_hello_that_knows_of_more_than_is_held_opens_a_case(town: Town, ingest: Ingest) -> None:
    device = await town.device()

    await give(ingest, town, device, device.hello(acknowledged=3))

    assert [case.kind for case in await cases(town, device)] == ["cloud behind"]


async def test_a_new_epoch_starts_a_new_chain_and_closes_the_old_one(town: Town, ingest: Ingest) -> None:
    device = await town.device()
    device.charge(0, 700)
    await give(ingest, town, device, device.batch())
    successor = await town.enrol(device.gateway, Device())

    await give(ingest, town, successor, successor.batch())
    device.charge(0, 700)
    await give(ingest, town, device, device.batch())

    assert successor.epoch == 2 and successor.acknowledged == successor.sequence
    assert (successor.balance(0), successor.state.meters[0].pots[kinds.ACCUMULATED_DEBT]) == (0, 700)
    assert [row.verdict for row in await verdicts(town, successor)] == ["explained"] * 3
    assert [row.code for row in await quarantined(town, device)] == ["wrong epoch"]


async def test_a_bad_message_does_not_stop_those_beside_it(town: Town, ingest: Ingest) -> None:
    good, bad = await town.device(), await town.device()
    good.charge(0, 10)
    messages = [
        Message(good.gateway, good.batch(1, 2), town.now),
        Message(bad.gateway, b"\xff" * 200, town.now),
        Message(good.gateway, good.batch(3, 4), town.now),
    ]

    outcome = await ingest.process(messages, town.now)

    for reply in outcome.replies:
        good.receive(reply.data)
    assert good.acknowledged == 4
    assert len(await quarantined(town, bad)) == 1
