"""A device with a right key that bends the format: kinds in the wrong place, credit in another pot, figures past all
bounds, messages without end. Nothing of it passes without a case, and nothing of it reaches its neighbours."""

import pytest

from cloud.ledger.messages import Message
from cloud.ledger.service import Ingest
from cloud.meters import policies
from shared import kinds
from shared.policy import POLICY, POLICY_FIELDS, check_value, encode_fields
from tests.cloud.ledger.books import cases, entries, head, quarantined, verdicts
from tests.cloud.ledger.test_verdicts import last_verdict, notices, ready, send
from tests.fakes.device import Device
from tests.fakes.utility import Town


@pytest.mark.parametrize("channel", [0, 9])
async def test_an_older_policy_on_a_channel_instead_of_the_gateway_is_contradicted(
    town: Town, ingest: Ingest, channel: int
) -> None:
    device = await ready(ingest, town)
    newer = await _second_policy(town)
    device.write(kinds.POLICY, reference_a=2, reference_b=newer)

    device.write(kinds.POLICY, channel, reference_a=device.policy.version, reference_b=device.policy.check)
    await send(ingest, town, device)

    assert [row.verdict for row in await verdicts(town, device)][-2:] == ["explained", "contradicted"]


async def _second_policy(town: Town) -> int:
    document = POLICY.encode(
        utility=town.utility,
        meter_group=policies.ALL_METERS,
        version=2,
        valid_from_s=town.now,
        fields=encode_fields(POLICY_FIELDS, {}),
    )
    check = check_value(document)
    async with town.database.begin() as session:
        session.add(
            policies.PolicyDocument(
                utility_id=town.utility,
                meter_group=policies.ALL_METERS,
                version=2,
                check_value=check,
                document=document,
                signature=bytes(64),
                created_at=town.now,
            )
        )
    return check


async def test_a_valve_intent_of_the_gateway_itself_is_contradicted(town: Town, ingest: Ingest) -> None:
    device = await ready(ingest, town)

    device.write(kinds.VALVE_INTENT, detail=kinds.FULL, rule=kinds.RULE_CREDIT_AVAILABLE)
    await send(ingest, town, device)

    assert (await last_verdict(town, device))[0] == "contradicted"


async def test_a_charge_to_another_pot_is_contradicted(town: Town, ingest: Ingest) -> None:
    device = await ready(ingest, town)

    device.write(kinds.CHARGE, 0, pot=kinds.RESERVED_CREDIT, delta=-5000, balance=-5000, register=5000)
    await send(ingest, town, device)

    verdict, reason = await last_verdict(town, device)
    assert verdict == "contradicted" and reason.startswith("paid by pot 3, rule 0, where it is pot 4")


async def test_a_sold_token_in_another_pot_is_contradicted_and_does_not_use_up_its_vend(
    town: Town, ingest: Ingest
) -> None:
    device = await ready(ingest, town)
    sale = await town.sell(device)
    volume, check = sale.vend.volume_ml, device.state.meters[0].key_check

    device.write(
        kinds.TOKEN,
        0,
        pot=kinds.EMERGENCY_CREDIT,
        delta=volume,
        balance=volume,
        detail=kinds.MANUAL << 8 | 1,
        reference_a=sale.vend.tid,
        reference_b=check,
    )
    await send(ingest, town, device)

    found = (await verdicts(town, device))[-1]
    assert (found.verdict, found.vend_id) == ("contradicted", None)


@pytest.mark.parametrize(("tid", "delta"), [(1 << 24, 1000), (0xFFFFFFFF, 1000), (5_000_000, -1000)])
async def test_a_token_past_all_bounds_is_contradicted_stored_and_breaks_nothing(
    town: Town, ingest: Ingest, tid: int, delta: int
) -> None:
    device, good = await ready(ingest, town), await ready(ingest, town)
    _raw_token(device, tid, delta)
    good.charge(0, 10)
    both = [Message(device.gateway, device.batch(), town.now), Message(good.gateway, good.batch(), town.now)]

    outcome = await ingest.process(both, town.now)

    assert [reply.gateway for reply in outcome.replies] == [device.gateway, good.gateway]
    assert (await last_verdict(town, device))[0] == "contradicted"
    assert [case.kind for case in await cases(town, device)] == ["contradicted"]
    assert (await head(town, device)).state == device.state.to_bytes()
    assert await quarantined(town, device) == []


async def test_credit_that_adds_up_past_all_bounds_is_stored_and_each_of_it_a_case(town: Town, ingest: Ingest) -> None:
    device = await ready(ingest, town)
    for turn in range(3):
        _raw_token(device, device.state.meters[0].tids.minimum + 1 + turn, (1 << 47) - 1, balance=0)

    await send(ingest, town, device)

    assert device.acknowledged == device.sequence
    assert len(await cases(town, device)) == 3


@pytest.mark.parametrize("kind", [kinds.VALVE_INTENT, kinds.VALVE_OUTCOME, kinds.WARNING])
async def test_a_detail_of_two_bytes_where_a_state_has_one_is_contradicted(
    town: Town, ingest: Ingest, kind: int
) -> None:
    device = await ready(ingest, town)

    device.write(kind, 0, detail=0x1FF)
    await send(ingest, town, device)

    assert (await last_verdict(town, device))[0] == "contradicted"
    assert device.acknowledged == device.sequence


def _raw_token(device: Device, tid: int, delta: int, balance: int | None = None) -> None:
    device.write(
        kinds.TOKEN,
        0,
        pot=kinds.TOKEN_CREDIT,
        delta=delta,
        balance=device.balance(0) + delta if balance is None else balance,
        detail=kinds.MANUAL << 8 | 1,
        reference_a=tid,
        reference_b=device.state.meters[0].key_check,
    )


async def test_a_warning_said_again_and_again_reaches_the_customer_once(town: Town, ingest: Ingest) -> None:
    device = await ready(ingest, town)
    for _ in range(20):
        device.write(kinds.WARNING, 0, detail=1, rule=kinds.RULE_LOW_CREDIT)

    await send(ingest, town, device)

    assert [one.kind for one in await notices(town)] == ["low_credit"]


async def test_a_warning_that_is_none_is_contradicted(town: Town, ingest: Ingest) -> None:
    device = await ready(ingest, town)

    device.write(kinds.WARNING, 0, detail=0, rule=kinds.RULE_LOW_CREDIT)
    await send(ingest, town, device)

    assert (await last_verdict(town, device))[0] == "contradicted"
    assert await notices(town) == []


async def test_flow_through_a_valve_that_failed_to_close_is_a_case(town: Town, ingest: Ingest) -> None:
    device = await ready(ingest, town)
    device.write(kinds.VALVE_OUTCOME, 0, detail=kinds.VALVE_FAILED)

    device.charge(0, 20_000)
    await send(ingest, town, device)

    assert [case.kind for case in await cases(town, device)] == ["flow while closed"]


async def test_the_second_history_is_kept_however_much_nonsense_came_before(
    town: Town, ingest: Ingest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cloud.ledger.cases.KEPT_PER_GATEWAY_MAX", 5)
    device = await ready(ingest, town)
    twin = device.clone()
    device.charge(0, 100)
    await send(ingest, town, device)
    twin.charge(0, 200)
    conflicting = twin.batch()

    nonsense = [Message(device.gateway, bytes([n] * 20), town.now) for n in range(8)]
    await ingest.process([*nonsense, Message(device.gateway, conflicting, town.now)], town.now)

    evidence = [row for row in await quarantined(town, device) if row.code == "conflict"]
    assert [row.raw for row in evidence] == [conflicting]
    assert [case.quarantine_id for case in await cases(town, device)] == [evidence[0].id]


async def test_a_damaged_key_of_one_gateway_holds_up_no_other(town: Town, ingest: Ingest) -> None:
    good, broken = await ready(ingest, town), await town.device()
    await _damage_link_key(town, broken)
    good.charge(0, 10)
    both = [Message(broken.gateway, broken.batch(), town.now), Message(good.gateway, good.batch(), town.now)]

    outcome = await Ingest(town.database, town.key_store).process(both, town.now)

    assert [reply.gateway for reply in outcome.replies] == [good.gateway]
    assert outcome.later == {0}
    assert len(await entries(town, good)) == good.sequence


async def _damage_link_key(town: Town, device: Device) -> None:
    from sqlalchemy import update

    from cloud.vending.models import SealedSecret

    mine = update(SealedSecret).where(SealedSecret.subject == f"{device.gateway}/{device.epoch}")
    async with town.database.begin() as session:
        await session.execute(mine.values(ciphertext=bytes(48)))
