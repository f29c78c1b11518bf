"""Emergency credit, lifelines, controls and faults in the ledger: explained, told to the customer, or a case."""

from cloud.ledger.service import Ingest
from cloud.meters import policies
from cloud.notify import texts as written
from shared import credit, kinds, lifeline
from shared.policy import decode_policy
from tests.cloud.ledger.books import cases, verdicts
from tests.cloud.ledger.test_verdicts import last_verdict, notices, ready, send
from tests.fakes.device import Device
from tests.fakes.utility import ADMIN, Town

FIELDS = {
    "emergency_limit": 500_000,
    "emergency_threshold": 100_000,
    "emergency_activation": 2,
    "lifeline_quota_ml": 50_000,
    "emergency_open_s": 3600,
    "burst_safety_s": 3600,
    "burst_l_h": 500,
}


async def generous(ingest: Ingest, town: Town) -> Device:
    """A device under a policy with emergency credit, lifeline and emergency opening."""
    async with town.database.begin() as session:
        row = await policies.add(session, town.key_store, ADMIN, town.utility, 0, FIELDS, town.now)
        document = row.document
    device = await ready(ingest, town)
    assert device.policy.check == decode_policy(document).check
    return device


def invoke(device: Device, limit: int) -> None:
    offer = {"reference_a": limit >> 32, "reference_b": limit & 0xFFFFFFFF, "rule": kinds.RULE_KEYPAD}
    device.write(kinds.GRANT, 0, detail=kinds.GRANT_EMERGENCY, **offer)


async def texts(town: Town) -> list[tuple[str, str]]:
    return [(one.kind, one.text) for one in await notices(town)]


async def test_emergency_credit_is_explained_by_the_policy_and_told(town: Town, ingest: Ingest) -> None:
    device = await generous(ingest, town)

    invoke(device, 500_000)
    await send(ingest, town, device)

    found = (await verdicts(town, device))[-1]
    assert (found.verdict, found.cause) == ("explained", "policy:2")
    assert [(kind, "500 L" in text) for kind, text in await texts(town)] == [("emergency_credit", True)]
    assert credit.emergency_left(device.state.meters[0]) == 500_000


async def test_more_emergency_credit_than_the_policy_gives_is_contradicted(town: Town, ingest: Ingest) -> None:
    device = await generous(ingest, town)

    invoke(device, 5_000_000)
    await send(ingest, town, device)

    assert await last_verdict(town, device) == ("contradicted", "another limit of emergency credit than the policy's")
    assert await texts(town) == []


async def test_a_grant_under_a_policy_that_nobody_approved_is_unexplained(town: Town, ingest: Ingest) -> None:
    device = await generous(ingest, town)

    device.write(kinds.POLICY, reference_a=7, reference_b=1)
    invoke(device, 5_000_000)
    await send(ingest, town, device)

    assert (await last_verdict(town, device))[0] == "unexplained"


async def test_a_rule_that_is_not_known_here_stops_no_ledger(town: Town, ingest: Ingest) -> None:
    device = await generous(ingest, town)

    device.write(kinds.CONTROL, 0, detail=kinds.CONTROL_SAFETY_OVER, rule=kinds.RULE_MEASURED)
    device.write(kinds.GRANT, 0, detail=kinds.GRANT_EMERGENCY, reference_b=500_000, rule=200)
    await send(ingest, town, device)

    assert device.acknowledged == device.sequence
    assert (await verdicts(town, device))[-1].sequence == device.sequence


async def test_an_opening_at_the_keypad_is_explained_by_the_policy(town: Town, ingest: Ingest) -> None:
    device = await generous(ingest, town)

    until = {"reference_a": device.clock_s + 3600, "rule": kinds.RULE_KEYPAD}
    device.write(kinds.CONTROL, 0, detail=kinds.CONTROL_EMERGENCY_OPEN, **until)
    await send(ingest, town, device)

    assert (await last_verdict(town, device))[0] == "explained"


async def test_an_opening_for_too_long_is_contradicted(town: Town, ingest: Ingest) -> None:
    device = await generous(ingest, town)

    until = {"reference_a": device.clock_s + 7200, "rule": kinds.RULE_KEYPAD}
    device.write(kinds.CONTROL, 0, detail=kinds.CONTROL_EMERGENCY_OPEN, **until)
    await send(ingest, town, device)

    assert (await last_verdict(town, device))[0] == "contradicted"


async def test_the_customers_own_lock_needs_nobodys_leave(town: Town, ingest: Ingest) -> None:
    device = await ready(ingest, town)
    known = len(await verdicts(town, device))

    device.write(kinds.CONTROL, 0, detail=kinds.CONTROL_LOCK, rule=kinds.RULE_KEYPAD)
    await send(ingest, town, device)

    assert len(await verdicts(town, device)) == known and await cases(town, device) == []


async def test_a_lifeline_that_begins_is_told_once_and_its_doses_are_not(town: Town, ingest: Ingest) -> None:
    device = await generous(ingest, town)
    sale = await town.sell(device, volume_ml=1_000_000)
    device.token(0, sale.vend.tid, sale.vend.volume_ml)
    device.drive(0)
    device.charge(0, 1_000_000)
    slot, left = _due(device)
    device.write(kinds.GRANT, 0, detail=kinds.GRANT_LIFELINE, reference_a=slot, reference_b=left)
    device.drive(0)
    device.charge(0, left)
    device.drive(0)

    await send(ingest, town, device)

    assert [kind for kind, _ in await texts(town)] == ["credit_accepted", "supply_limited"]
    assert await cases(town, device) == []
    assert device.state.meters[0].shut == 1


def _due(device: Device) -> tuple[int, int]:
    laws = device.known.laws(device.state, device.state.meters[0])
    found = lifeline.due(device.state.meters[0], device.clock_s, laws.policy, laws.floor)
    assert found is not None
    return found


async def test_a_warning_of_each_kind_is_told_once_per_top_up(town: Town, ingest: Ingest) -> None:
    device = await ready(ingest, town)

    for detail in (kinds.WARN_LOW_CREDIT, kinds.WARN_DAYS_LEFT, kinds.WARN_DAYS_LEFT):
        device.write(kinds.WARNING, 0, detail=detail)
    await send(ingest, town, device)

    assert [kind for kind, _ in await texts(town)] == ["low_credit", "few_days_left"]


async def test_a_closure_is_told_with_its_reason(town: Town, ingest: Ingest) -> None:
    device = await generous(ingest, town)
    sale = await town.sell(device)
    device.token(0, sale.vend.tid, sale.vend.volume_ml)
    device.drive(0)
    until = {"reference_a": device.clock_s + 600, "rule": kinds.RULE_MEASURED}
    device.write(kinds.FAULT, 0, detail=kinds.FAULT_BURST << 8 | 1, reference_a=900, reference_b=500)
    device.write(kinds.CONTROL, 0, detail=kinds.CONTROL_SAFETY, **until)
    device.drive(0)

    await send(ingest, town, device)

    kind, text = (await texts(town))[-1]
    assert kind == "supply_closed" and "for safety" in text


async def test_a_fault_is_one_case_of_its_meter_however_often_it_comes(town: Town, ingest: Ingest) -> None:
    device = await ready(ingest, town)

    for detail in (kinds.FAULT_MAGNET << 8 | 1, kinds.FAULT_MAGNET << 8, kinds.FAULT_MAGNET << 8 | 1):
        device.write(kinds.FAULT, 0, detail=detail)
    await send(ingest, town, device)

    found = await cases(town, device)
    assert [(case.kind, case.detail, case.channel, case.times) for case in found] == [("fault", "magnet", 0, 2)]


async def test_flow_through_a_valve_that_is_open_against_the_intent_is_a_case(town: Town, ingest: Ingest) -> None:
    device = await ready(ingest, town)

    device.write(kinds.VALVE_OUTCOME, 0, detail=kinds.VALVE_OPENED)
    device.charge(0, 20_000)
    await send(ingest, town, device)

    assert [(case.kind, case.channel) for case in await cases(town, device)] == [("opened, not closed", 0)]


def test_every_text_stands_in_both_languages() -> None:
    for sentences in (*written.CLOSURES.values(), *written.LIMITS.values()):
        assert set(sentences) == {"en", "fr"}
    for kind in written.WARNINGS.values():
        assert all(written.warning(language, "1", kind, "2 L") for language in ("en", "fr"))
    assert written.amount(1_234_567, "KES") == "12.34 KES" and written.amount(-200_000, "XOF") == "-2 XOF"
