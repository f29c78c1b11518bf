"""Tariffs that meters apply: signed once, numbered upwards, enrolled or sent, and checked in the ledger."""

from typing import Any

from shared import kinds
from shared.documents import COMMAND_TARIFF, split_signature
from shared.tariff import PRICE_MAX, decode_tariff
from tests.cloud.commands.orders import received, take_in
from tests.cloud.served import START, Api, Town, new_drn

BLOCKS = [{"limit_ml": 6_000_000, "price_per_m3": 2_000_000}, {"limit_ml": None, "price_per_m3": 5_000_000}]


def order(utility: int, **changes: Any) -> dict[str, Any]:
    return {"utility_id": utility, "meter_group": 0, "effective_from_s": START, "blocks": BLOCKS, **changes}


async def with_money(api: Api) -> Town:
    """A town with a second meter whose account holds money, under an enrolled tariff."""
    town = await api.town(enrol=False)
    await api.made("/meters", town.meter(channel=1, drn=new_drn(), account="currency"))
    await api.made("/device-tariffs", order(town.utility))
    await town.enrol(town.device)
    device = town.device
    tariff = next(iter(device.known.tariffs.values()))
    # the fake opens mode and tariff of channel 1 as its gateway does: in the group of METER
    assert tariff.version == 1 and device.state.meters[1].tariff_version == 1
    return town


async def test_versions_rise_and_the_numbers_come_back(any_api: Api) -> None:
    town = await any_api.town(enrol=False)

    first = await any_api.made("/device-tariffs", order(town.utility))
    second = await any_api.made("/device-tariffs", order(town.utility, meter_group=3, counters="prorate"))

    assert (first["version"], second["version"], second["meter_group"]) == (1, 2, 3)
    assert first["blocks"] == BLOCKS and second["counters"] == "prorate"
    assert (await any_api.get("/device-tariffs")).body["items"] == [first, second]


async def test_a_tariff_that_begins_in_the_past_or_falls_is_refused(api: Api) -> None:
    town = await api.town(enrol=False)

    past = await api.post("/device-tariffs", order(town.utility, effective_from_s=START - 1))
    falling = await api.post("/device-tariffs", order(town.utility, blocks=[BLOCKS[1], BLOCKS[0]]))

    assert (past.status, past.code) == (422, "in_the_past")
    assert (falling.status, falling.code) == (422, "tariff_wrong")


async def test_a_price_that_no_gateway_takes_is_refused_here(api: Api) -> None:
    town = await api.town(enrol=False)

    highest = [{"limit_ml": None, "price_per_m3": PRICE_MAX}]
    above = [{"limit_ml": None, "price_per_m3": PRICE_MAX + 1}]
    price = await api.post("/device-tariffs", order(town.utility, blocks=above))
    charge = await api.post("/device-tariffs", order(town.utility, fixed_charge_per_month=PRICE_MAX + 1))

    assert [(answer.status, answer.code) for answer in (price, charge)] == [(422, "tariff_too_high")] * 2
    assert str(PRICE_MAX) in price.message
    assert await api.made("/device-tariffs", order(town.utility, blocks=highest, fixed_charge_per_month=PRICE_MAX))


async def test_a_meter_of_money_is_not_enrolled_without_a_tariff(api: Api) -> None:
    town = await api.town(enrol=False)
    await api.made("/meters", town.meter(channel=1, drn=new_drn(), account="currency"))

    asked = (await town.challenge(town.device)).body
    proof = town.device.answer(asked["utility"], asked["gateway"], bytes.fromhex(asked["challenge"]))
    answer = await api.post(f"/gateways/{town.gateway}/enrolment/proof", {"signature": proof.hex()})

    assert (answer.status, answer.code) == (422, "no_tariff")


async def test_mode_and_tariff_of_the_opening_are_explained_by_the_enrolment(any_api: Api) -> None:
    town = await with_money(any_api)

    town.device.charge(1, 3_000_000)
    await take_in(any_api, town, town.device.batch())

    items = (await any_api.get(f"/gateways/{town.gateway}/entries")).body["items"]
    verdicts = {item["kind"]: item["verdict"] for item in items if item["channel"] == 1}
    assert verdicts == {"meter": "explained", "mode": "explained", "tariff": "explained", "charge": None}


async def test_a_mode_of_the_opening_is_not_taken_up_again_later(any_api: Api) -> None:
    town = await with_money(any_api)

    town.device.write(kinds.MODE, 1, detail=kinds.MODE_CURRENCY, rule=kinds.RULE_ENROLMENT)
    await take_in(any_api, town, town.device.batch())

    last = (await any_api.get(f"/gateways/{town.gateway}/entries")).body["items"][-1]
    assert (last["verdict"], last["reason"]) == ("unexplained", "no command ordered this mode")


async def test_the_next_tariff_is_sent_and_comes_into_force_at_its_time(any_api: Api) -> None:
    town = await with_money(any_api)
    device = town.device
    later = START + 86400
    made = await any_api.made("/device-tariffs", order(town.utility, effective_from_s=later, counters="reset"))
    await take_in(any_api, town, device.hello(), device.batch())
    sent = await any_api.made(f"/gateways/{town.gateway}/documents", {"kind": "tariff", "version": made["version"]})

    command = await received(any_api, town, sent["command_id"])
    document, _ = split_signature(command["payload"])
    tariff = decode_tariff(document)
    device.known.add(tariff)
    in_force = {"reference_a": tariff.version, "reference_b": tariff.check, "rule": kinds.RULE_TARIFF_IN_FORCE}
    device.clock_s = later
    device.write(kinds.TARIFF, 1, detail=kinds.COUNTER_CONTINUE, **in_force)
    device.write(kinds.TARIFF, 1, detail=kinds.COUNTER_RESET, **in_force)
    device.clock_s = later - 1
    device.write(kinds.TARIFF, 1, detail=kinds.COUNTER_RESET, **in_force)
    await take_in(any_api, town, device.batch())

    assert command["kind"] == COMMAND_TARIFF
    last = [item["verdict"] for item in (await any_api.get(f"/gateways/{town.gateway}/entries")).body["items"][-3:]]
    assert last == ["unexplained", "explained", "unexplained"]


async def test_a_tariff_that_was_never_approved_is_unexplained(any_api: Api) -> None:
    town = await with_money(any_api)

    town.device.write(kinds.TARIFF, 1, reference_a=9, reference_b=1, rule=kinds.RULE_TARIFF_IN_FORCE)
    await take_in(any_api, town, town.device.batch())

    last = (await any_api.get(f"/gateways/{town.gateway}/entries")).body["items"][-1]
    assert last["reason"] == "tariff 9 with this check value was never approved"
