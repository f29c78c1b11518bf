"""Every widening is joined to what allows it, one to one, or ends in a case; the evidence is kept either way."""

from sqlalchemy import select

from cloud.ledger.messages import Message
from cloud.ledger.service import Ingest
from cloud.notify.models import Message as Notice
from cloud.vending.models import Vend
from shared import kinds
from shared.entries import decode
from tests.cloud.ledger.books import cases, entries, head, verdicts
from tests.fakes.device import Device
from tests.fakes.utility import Town


async def send(ingest: Ingest, town: Town, device: Device) -> None:
    """Take in all that the device has not had acknowledged."""
    outcome = await ingest.process([Message(device.gateway, device.batch(), town.now)], town.now)
    for reply in outcome.replies:
        device.receive(reply.data)


async def ready(ingest: Ingest, town: Town) -> Device:
    """An enrolled device whose first entries are taken in."""
    device = await town.device()
    await send(ingest, town, device)
    return device


async def notices(town: Town) -> list[Notice]:
    async with town.database.read() as session:
        found = select(Notice).where(Notice.utility_id == town.utility, Notice.kind != "token").order_by(Notice.id)
        return list(await session.scalars(found))


async def last_verdict(town: Town, device: Device) -> tuple[str, str]:
    found = (await verdicts(town, device))[-1]
    return found.verdict, found.reason


async def test_a_token_that_was_sold_is_explained_and_uses_up_its_vend(town: Town, ingest: Ingest) -> None:
    device = await ready(ingest, town)
    sale = await town.sell(device)

    entry = device.token(0, sale.vend.tid, sale.vend.volume_ml)
    await send(ingest, town, device)

    found = (await verdicts(town, device))[-1]
    assert (found.verdict, found.sequence, found.cause) == ("explained", entry.sequence, f"vend:{sale.vend.id}")
    async with town.database.read() as session:
        assert (await session.get_one(Vend, sale.vend.id)).consumed_by == found.id
    assert await cases(town, device) == []


async def test_the_customer_is_told_what_was_credited_and_the_new_balance(town: Town, ingest: Ingest) -> None:
    device = await ready(ingest, town)
    sale = await town.sell(device, volume_ml=5_000_000)

    device.token(0, sale.vend.tid, sale.vend.volume_ml)
    await send(ingest, town, device)

    told = await notices(town)
    assert [one.kind for one in told] == ["credit_accepted"]
    assert "5000 L" in told[0].text and sale.meter.drn in told[0].text


async def test_the_customer_is_warned_and_told_why_the_valve_closes(town: Town, ingest: Ingest) -> None:
    device = await ready(ingest, town)
    sale = await town.sell(device, volume_ml=1_000_000)
    device.token(0, sale.vend.tid, sale.vend.volume_ml)
    device.drive(0)
    device.charge(0, 600_000)
    device.write(kinds.WARNING, 0, detail=1, rule=kinds.RULE_LOW_CREDIT)
    device.charge(0, 400_000)
    device.drive(0)

    await send(ingest, town, device)

    told = await notices(town)
    assert [one.kind for one in told] == ["credit_accepted", "low_credit", "supply_closed"]
    assert await cases(town, device) == []


async def test_opening_the_valve_is_explained_by_the_policy_in_force(town: Town, ingest: Ingest) -> None:
    device = await ready(ingest, town)
    sale = await town.sell(device)
    device.token(0, sale.vend.tid, sale.vend.volume_ml)
    device.drive(0)

    await send(ingest, town, device)

    found = (await verdicts(town, device))[-1]
    assert (found.kind, found.verdict, found.cause) == (kinds.VALVE_INTENT, "explained", "policy:1")


async def test_a_token_that_nobody_sold_is_unexplained_stored_and_acknowledged(town: Town, ingest: Ingest) -> None:
    device = await ready(ingest, town)

    entry = device.token(0, device.state.meters[0].tids.minimum + 5, 9_000_000)
    await send(ingest, town, device)

    assert (await last_verdict(town, device))[0] == "unexplained"
    assert [(case.kind, case.sequence) for case in await cases(town, device)] == [("unexplained", entry.sequence)]
    assert device.acknowledged == entry.sequence
    assert len(await entries(town, device)) == entry.sequence
    assert await notices(town) == []


async def test_a_vend_recorded_after_the_entry_arrived_explains_nothing(town: Town, ingest: Ingest) -> None:
    device = await ready(ingest, town)
    arrived_at = town.now
    town.now += 60
    sale = await town.sell(device)
    device.token(0, sale.vend.tid, sale.vend.volume_ml)

    await ingest.process([Message(device.gateway, device.batch(), arrived_at)], town.now)

    verdict, reason = await last_verdict(town, device)
    assert verdict == "unexplained" and "after the entry arrived" in reason


async def test_a_vend_made_later_does_not_change_the_verdict(town: Town, ingest: Ingest) -> None:
    device = await ready(ingest, town)
    tid = device.state.meters[0].tids.minimum + 1
    device.token(0, tid, 5_000_000)
    await send(ingest, town, device)

    sale = await town.sell(device)
    device.charge(0, 10)
    await send(ingest, town, device)

    assert sale.vend.tid == tid
    assert (await last_verdict(town, device))[0] == "unexplained"
    async with town.database.read() as session:
        assert (await session.get_one(Vend, sale.vend.id)).consumed_by is None


async def test_more_credit_than_was_sold_is_unexplained(town: Town, ingest: Ingest) -> None:
    device = await ready(ingest, town)
    sale = await town.sell(device, volume_ml=1_000_000)

    device.token(0, sale.vend.tid, 2_000_000)
    await send(ingest, town, device)

    verdict, reason = await last_verdict(town, device)
    assert verdict == "unexplained" and "1000000 ml were sold, 2000000 ml credited" in reason


async def test_one_vend_cannot_explain_two_entries(town: Town, ingest: Ingest) -> None:
    device = await ready(ingest, town)
    sale = await town.sell(device)
    device.token(0, sale.vend.tid, sale.vend.volume_ml)
    await send(ingest, town, device)

    second = device.token(0, sale.vend.tid, sale.vend.volume_ml)
    await send(ingest, town, device)

    verdict, reason = await last_verdict(town, device)
    assert verdict == "contradicted" and "was used" in reason
    assert [(case.kind, case.sequence) for case in await cases(town, device)] == [("contradicted", second.sequence)]


async def test_one_vend_cannot_explain_an_entry_of_the_next_epoch(town: Town, ingest: Ingest) -> None:
    device = await ready(ingest, town)
    sale = await town.sell(device)
    device.token(0, sale.vend.tid, sale.vend.volume_ml)
    await send(ingest, town, device)
    successor = await town.enrol(device.gateway, Device())

    successor.state.meters[0].tids.minimum = 0
    successor.token(0, sale.vend.tid, sale.vend.volume_ml)
    await send(ingest, town, successor)

    assert (await last_verdict(town, successor))[0] != "explained"


async def test_wrong_arithmetic_is_contradicted_stored_and_acknowledged(town: Town, ingest: Ingest) -> None:
    device = await ready(ingest, town)

    lie = device.write(kinds.CHARGE, 0, pot=kinds.TOKEN_CREDIT, delta=-1000, balance=50_000, register=1000)
    await send(ingest, town, device)

    verdict, reason = await last_verdict(town, device)
    assert verdict == "contradicted" and reason == "balance 50000 is not 0 -1000"
    assert [(case.kind, case.sequence) for case in await cases(town, device)] == [("contradicted", lie.sequence)]
    assert device.acknowledged == lie.sequence
    assert (await head(town, device)).state == device.state.to_bytes()


async def test_consumption_without_its_charge_is_contradicted(town: Town, ingest: Ingest) -> None:
    device = await ready(ingest, town)

    device.write(kinds.CHARGE, 0, pot=kinds.TOKEN_CREDIT, delta=-1, balance=-1, register=1000)
    await send(ingest, town, device)

    assert (await last_verdict(town, device)) == ("contradicted", "charge 1 for a consumption of 1000")


async def test_a_valve_opened_against_the_policy_is_contradicted(town: Town, ingest: Ingest) -> None:
    device = await ready(ingest, town)

    device.write(kinds.VALVE_INTENT, 0, detail=kinds.FULL, rule=kinds.RULE_CREDIT_AVAILABLE)
    await send(ingest, town, device)

    assert (await last_verdict(town, device))[0] == "contradicted"


async def test_a_policy_that_was_never_approved_is_unexplained_and_so_is_what_it_opens(
    town: Town, ingest: Ingest
) -> None:
    device = await ready(ingest, town)

    device.write(kinds.POLICY, reference_a=7, reference_b=1234)
    device.write(kinds.VALVE_INTENT, 0, detail=kinds.FULL, rule=kinds.RULE_CREDIT_AVAILABLE)
    await send(ingest, town, device)

    assert [row.verdict for row in await verdicts(town, device)][-2:] == ["unexplained", "unexplained"]


async def test_a_meter_opened_otherwise_than_enrolled_is_unexplained(town: Town, ingest: Ingest) -> None:
    device = await town.device()
    opening = device.state.meters[0]
    liar = device.rewound(2)

    values = {"detail": 1 << 8 | 1, "reference_a": opening.tids.minimum, "reference_b": opening.key_check}
    liar.write(kinds.METER, 0, pot=kinds.TOKEN_CREDIT, delta=1_000_000, balance=1_000_000, **values)
    await send(ingest, town, liar)

    assert await last_verdict(town, liar) == ("unexplained", "balance 1000000, but the enrolment gave 0")


async def test_a_meter_that_was_not_enrolled_is_unexplained(town: Town, ingest: Ingest) -> None:
    device = await ready(ingest, town)

    device.write(kinds.METER, 5, pot=kinds.TOKEN_CREDIT)
    await send(ingest, town, device)

    assert await last_verdict(town, device) == ("unexplained", "channel 5 was not in the enrolment of epoch 1")


async def test_a_meter_opened_again_to_forget_what_it_used_is_contradicted(town: Town, ingest: Ingest) -> None:
    device = await ready(ingest, town)
    device.charge(0, 5000)

    first = decode(device.entries[2])
    device.write(
        kinds.METER,
        0,
        pot=first.pot,
        detail=first.detail,
        register=first.register,
        reference_a=first.reference_a,
        reference_b=first.reference_b,
    )
    await send(ingest, town, device)

    assert await last_verdict(town, device) == ("contradicted", "meter 0 is open already")


async def test_an_epoch_opened_again_is_unexplained(town: Town, ingest: Ingest) -> None:
    device = await ready(ingest, town)

    device.write(kinds.OPEN, digest=bytes(26))
    await send(ingest, town, device)

    assert (await last_verdict(town, device))[0] == "unexplained"


async def test_a_grant_that_there_is_not_is_contradicted(town: Town, ingest: Ingest) -> None:
    device = await ready(ingest, town)

    device.write(kinds.GRANT, 0, pot=kinds.EMERGENCY_CREDIT, delta=1000, balance=1000)
    await send(ingest, town, device)

    assert (await last_verdict(town, device)) == ("contradicted", "there is no grant 0")


async def test_a_command_that_was_never_given_is_unexplained(town: Town, ingest: Ingest) -> None:
    device = await ready(ingest, town)

    device.write(kinds.COMMAND, reference_a=9, detail=1 << 8 | 1)
    await send(ingest, town, device)

    assert (await last_verdict(town, device)) == ("unexplained", "command 9 of kind 1 was never given")


async def test_a_checkpoint_over_another_state_is_contradicted(town: Town, ingest: Ingest) -> None:
    device = await ready(ingest, town)

    device.write(kinds.CHECKPOINT, digest=device.state.digest())
    device.write(kinds.CHECKPOINT, digest=bytes(26))
    await send(ingest, town, device)

    assert await last_verdict(town, device) == ("contradicted", "the checkpoint's hash is not that of the state")
    assert len([row for row in await verdicts(town, device) if row.kind == kinds.CHECKPOINT]) == 1


async def test_flow_through_a_closed_valve_is_a_case(town: Town, ingest: Ingest) -> None:
    device = await ready(ingest, town)

    device.charge(0, 9_000)
    device.charge(0, 20_000)
    device.charge(0, 20_000)
    await send(ingest, town, device)

    assert [(case.kind, case.channel, case.times) for case in await cases(town, device)] == [
        ("flow while closed", 0, 2)
    ]
