"""Management tokens and key changes in a ledger: what takes away is explained, what nobody ordered is a case."""

from cloud.ledger.service import Ingest
from shared import kinds
from shared.key_data import pack
from tests.cloud.ledger.books import cases, head, verdicts
from tests.cloud.ledger.test_verdicts import last_verdict, ready, send
from tests.fakes.device import Device
from tests.fakes.utility import Town


def tid_after(device: Device, minutes: int) -> int:
    return device.state.meters[0].tids.minimum + minutes


def clear(device: Device, minutes: int, delta: int, what: int = kinds.CLEARED_CREDIT) -> None:
    balance = device.balance(0) + delta
    values = {"pot": kinds.TOKEN_CREDIT, "delta": delta, "balance": balance} if delta else {}
    check = device.state.meters[0].key_check
    values.update(reference_a=tid_after(device, minutes), reference_b=check, detail=kinds.MANUAL << 8 | what)
    device.write(kinds.CLEAR, 0, **values)


async def test_credit_taken_away_and_a_cleared_tamper_status_are_explained(town: Town, ingest: Ingest) -> None:
    device = await ready(ingest, town)
    sale = await town.sell(device, volume_ml=5_000_000)
    device.token(0, sale.vend.tid, sale.vend.volume_ml)
    device.write(kinds.TAMPER, detail=1)

    clear(device, 500, -5_000_000)
    clear(device, 501, 0, kinds.CLEARED_TAMPER)
    await send(ingest, town, device)

    found = (await verdicts(town, device))[-2:]
    assert [row.verdict for row in found] == ["explained", "explained"]
    assert found[0].reason == "5000000 ml of credit were taken away"
    assert await cases(town, device) == []
    kept = await head(town, device)
    assert kept is not None and kept.state == device.state.to_bytes()


async def test_a_clearing_that_gives_credit_is_contradicted(town: Town, ingest: Ingest) -> None:
    device = await ready(ingest, town)

    clear(device, 500, 1_000_000)
    await send(ingest, town, device)

    assert await last_verdict(town, device) == ("contradicted", "a clearing that gives 1000000")


async def test_a_flow_limit_may_be_lowered_and_to_lift_it_is_a_case(town: Town, ingest: Ingest) -> None:
    device = await ready(ingest, town)
    for minutes, limit in ((500, 800), (501, 600)):
        device.write(kinds.LIMIT, 0, reference_a=tid_after(device, minutes), reference_b=limit, detail=0x201)
    await send(ingest, town, device)
    before = len(await verdicts(town, device))

    device.write(kinds.LIMIT, 0, reference_a=tid_after(device, 502), reference_b=700, detail=0x201)
    device.write(kinds.LIMIT, 0, reference_a=tid_after(device, 503), reference_b=0, detail=0x201)
    await send(ingest, town, device)

    found = (await verdicts(town, device))[before:]
    assert [row.verdict for row in found] == ["unexplained", "unexplained"]


async def test_a_key_change_that_nobody_planned_is_a_case(town: Town, ingest: Ingest) -> None:
    device = await ready(ingest, town)
    reference = pack(2014, False, kinds.MANUAL, 2, 255)

    change = device.write(kinds.KEY_CHANGE, 0, detail=2 << 8 | 1, reference_a=reference, reference_b=0xBEEF)
    await send(ingest, town, device)

    assert (await last_verdict(town, device))[0] == "unexplained"
    assert [(case.kind, case.sequence) for case in await cases(town, device)] == [("unexplained", change.sequence)]
    kept = await head(town, device)
    assert kept is not None and kept.state == device.state.to_bytes()


async def test_a_void_of_a_used_token_is_contradicted(town: Town, ingest: Ingest) -> None:
    device = await ready(ingest, town)
    sale = await town.sell(device)
    device.token(0, sale.vend.tid, sale.vend.volume_ml)

    device.write(kinds.VOID, 0, reference_a=sale.vend.tid + 50, reference_b=sale.vend.tid, detail=0x201)
    await send(ingest, town, device)

    assert (await last_verdict(town, device))[0] == "contradicted"


async def test_a_liars_figures_are_kept_and_do_not_stop_its_ledger(town: Town, ingest: Ingest) -> None:
    device = await ready(ingest, town)

    device.write(kinds.TAMPER, detail=0xFFFF)
    device.write(kinds.VOID, 0, reference_a=0xFFFFFFFF, reference_b=0xFFFFFFFE)
    await send(ingest, town, device)

    assert device.acknowledged == device.sequence
    kept = await head(town, device)
    assert kept is not None and kept.state == device.state.to_bytes()
