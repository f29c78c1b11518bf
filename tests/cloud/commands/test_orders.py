"""Orders to a meter: what the device is told, what the ledger proves of it, and what two people must want."""

from typing import Any

import pytest

from shared import kinds
from tests.cloud.commands.orders import (
    ADJUST,
    CONTROL,
    FACTOR,
    MODE,
    carry_out,
    colleague,
    nobodys_key,
    online,
    received,
    take_in,
    verdict,
)
from tests.cloud.served import Api, Town, new_drn

PREPAID = {"payment": "prepayment", "critical_need": False, "meter_group": 0, "reason": "as it was"}
BILLED = {"payment": "credit", "critical_need": False, "meter_group": 0, "reason": "bills are late"}


async def test_a_mode_is_ordered_carried_out_and_shown(any_api: Api) -> None:
    town = await second_meter(any_api, payment="credit")
    given = await any_api.made(f"/meters/{town.drn}/mode", {**BILLED, "arrears": "trickle", "critical_need": True})

    command = await received(any_api, town, given["command_id"])
    told = MODE.decode(command["payload"])
    carry_out(town, command, kinds.MODE, channel=1, detail=told["mode"], reference_a=told["group"])

    assert told == {"channel": 1, "mode": kinds.MODE_CREDIT | kinds.MODE_TRICKLE | kinds.MODE_CRITICAL, "group": 0}
    assert await verdict(any_api, town) == ("explained", "command 1: bills are late")
    meter = (await any_api.get(f"/meters/{town.drn}")).body
    assert (meter["payment"], meter["arrears"], meter["critical_need"]) == ("credit", "trickle", True)
    shown = (await any_api.get(f"/commands/{given['command_id']}")).body
    assert (shown["status"], shown["result_text"]) == ("applied", "carried out")


async def test_another_mode_than_was_ordered_is_unexplained(any_api: Api) -> None:
    town = await online(any_api)
    given = await any_api.made(f"/meters/{town.drn}/mode", PREPAID)

    command = await received(any_api, town, given["command_id"])
    carry_out(town, command, kinds.MODE, detail=kinds.MODE_BULK)

    assert (await verdict(any_api, town))[0] == "unexplained"
    assert (await any_api.get("/cases", drn=town.drn)).body["items"][0]["kind"] == "unexplained"


@pytest.mark.parametrize("kind", [kinds.MODE, kinds.FACTOR, kinds.GRANT, kinds.CONTROL])
async def test_what_nobody_ordered_is_unexplained(api: Api, kind: int) -> None:
    town = await online(api)
    effects: dict[int, dict[str, int]] = {
        kinds.MODE: {"detail": kinds.MODE_CREDIT},
        kinds.FACTOR: {"reference_a": 10},
        kinds.GRANT: {"detail": kinds.GRANT_ADJUSTMENT, "pot": 1, "delta": 100, "balance": 100, "reference_a": 1},
        kinds.CONTROL: {"detail": kinds.CONTROL_CONNECT},
    }

    town.device.write(kind, 0, rule=kinds.RULE_COMMAND, **effects[kind])

    assert (await verdict(api, town))[0] == "unexplained"


async def test_an_effect_behind_the_group_of_its_command_is_unexplained(any_api: Api) -> None:
    town = await online(any_api)
    given = await any_api.made(f"/meters/{town.drn}/factor", {"pulse_volume_ml": 500, "reason": "other meter"})
    command = await received(any_api, town, given["command_id"])
    carry_out(town, command, kinds.FACTOR, reference_a=FACTOR.decode(command["payload"])["pulse_volume_ml"])
    assert await verdict(any_api, town) == ("explained", "command 1: other meter")
    assert (await any_api.get(f"/meters/{town.drn}")).body["pulse_volume_ml"] == 500

    town.device.write(kinds.FACTOR, 0, rule=kinds.RULE_COMMAND, reference_a=500)

    assert await verdict(any_api, town) == ("unexplained", "no command ordered this factor")


async def test_an_adjustment_is_joined_to_its_command_once(any_api: Api) -> None:
    town = await online(any_api)
    order = {"pot": "token_credit", "amount": 2_000_000, "reason": "leak on our side"}
    given = await any_api.made(f"/meters/{town.drn}/adjustments", order)
    command = await received(any_api, town, given["command_id"])
    told = ADJUST.decode(command["payload"])
    effect = {"detail": kinds.GRANT_ADJUSTMENT, "pot": told["pot"], "delta": told["delta"], "rule": kinds.RULE_COMMAND}

    detail = command["kind"] << 8 | 1
    town.device.write(kinds.COMMAND, reference_a=command["counter"], detail=detail, group_left=2)
    town.device.write(kinds.GRANT, 0, balance=2_000_000, reference_a=1, group_left=1, **effect)
    town.device.write(kinds.GRANT, 0, balance=4_000_000, reference_a=1, **effect)

    assert (await verdict(any_api, town)) == (
        "unexplained",
        f"command 1 explains entry {town.device.sequence - 1} already",
    )
    assert (await any_api.get(f"/meters/{town.drn}")).body["last_verdicts"][1]["verdict"] == "explained"


async def test_more_than_the_limit_waits_for_a_second_person(any_api: Api) -> None:
    town = await online(any_api)
    order = {"pot": "accumulated_debt", "amount": 10_000_001, "reason": "meter read wrongly"}

    given = await any_api.made(f"/meters/{town.drn}/adjustments", order)
    own = await any_api.post(f"/command-requests/{given['request_id']}/approve")
    other = await colleague(any_api)
    approved = await other.post(f"/command-requests/{given['request_id']}/approve")
    again = await other.post(f"/command-requests/{given['request_id']}/approve")

    assert (given["state"], given["command_id"]) == ("waiting", None)
    assert (own.status, own.code) == (403, "own_request")
    assert (approved.status, approved.body["state"]) == (200, "approved")
    assert (again.status, again.code) == (409, "request_decided")
    command = (await any_api.get(f"/commands/{approved.body['command_id']}")).body
    assert (command["status"], command["reason"]) == ("queued", "meter read wrongly")


async def test_a_second_key_of_the_same_person_is_no_second_person(any_api: Api) -> None:
    town = await online(any_api)
    order = {"pot": "token_credit", "amount": 10_000_001, "reason": "for myself"}
    given = await any_api.made(f"/meters/{town.drn}/adjustments", order)
    made = await any_api.made("/api-keys", {"name": "my other hand", "scopes": ["api-keys:write", "commands:approve"]})
    again = await any_api.as_key(made["key"]).made("/api-keys", {"name": "third", "scopes": ["commands:approve"]})

    for key in (made["key"], again["key"]):
        own = await any_api.as_key(key).post(f"/command-requests/{given['request_id']}/approve")
        assert (own.status, own.code) == (403, "own_request")


async def test_a_key_that_belongs_to_nobody_neither_asks_nor_approves(any_api: Api) -> None:
    town = await online(any_api)
    nobody = await nobodys_key(any_api)
    order = {"pot": "token_credit", "amount": 10_000_001, "reason": "r"}
    given = await any_api.made(f"/meters/{town.drn}/adjustments", order)

    asked = await nobody.post(f"/meters/{town.drn}/adjustments", order)
    approved = await nobody.post(f"/command-requests/{given['request_id']}/approve")

    assert (asked.status, asked.code) == (403, "no_person")
    assert (approved.status, approved.code) == (403, "no_person")


async def test_only_who_made_a_request_withdraws_it(any_api: Api) -> None:
    town = await critical(any_api)
    given = await any_api.made(f"/meters/{town.drn}/control", {"action": "disconnect", "reason": "r"})
    other = await any_api.person("operator@penstock.example", "operator")

    refused = await other.post(f"/command-requests/{given['request_id']}/withdraw")
    withdrawn = await any_api.post(f"/command-requests/{given['request_id']}/withdraw")

    assert (refused.status, refused.code) == (403, "not_your_request")
    assert withdrawn.body["state"] == "declined"


async def test_a_customers_payment_mode_is_not_changed_by_hand(any_api: Api) -> None:
    prepaid, billed = await online(any_api), await second_meter(any_api, payment="credit")

    answers = [
        await any_api.post(f"/meters/{prepaid.drn}/mode", BILLED),
        await any_api.post(f"/meters/{billed.drn}/mode", PREPAID),
    ]

    assert [(answer.status, answer.code) for answer in answers] == [(422, "payment_changes")] * 2
    assert f"POST /meters/{prepaid.drn}/switches" in answers[0].body["detail"]
    assert (await any_api.get(f"/gateways/{prepaid.gateway}/commands")).body["items"] == []


async def test_a_meter_of_nobody_goes_over_to_bills_by_hand_only_with_nothing_on_it(any_api: Api) -> None:
    town = await second_meter(any_api, customer_id=None)
    balance = {"pot": kinds.TOKEN_CREDIT, "delta": 500, "balance": 500}

    empty = await any_api.post(f"/meters/{town.drn}/mode", BILLED)
    town.device.write(kinds.GRANT, 1, rule=kinds.RULE_COMMAND, detail=kinds.GRANT_ADJUSTMENT, **balance)
    await take_in(any_api, town, town.device.batch())
    holding = await any_api.post(f"/meters/{town.drn}/mode", BILLED)

    assert (empty.status, holding.status, holding.code) == (201, 422, "credit_left")


async def critical(api: Api) -> Town:
    """A town with an enrolled meter of critical need."""
    return await second_meter(api, critical_need=True)


async def second_meter(api: Api, **changes: Any) -> Town:
    """A town with a further meter, on channel 1 of its gateway, whose device was heard; its number is the town's."""
    town = await api.town(enrol=False)
    made = await api.made("/meters", town.meter(channel=1, drn=new_drn(), **changes))
    town.drn = made["drn"]
    await town.enrol(town.device)
    await take_in(api, town, town.device.hello(), town.device.batch())
    return town


@pytest.mark.parametrize(
    ("path", "order"),
    [
        ("control", {"action": "disconnect", "reason": "r"}),
        ("control", {"action": "safety", "until_s": 1_750_003_600, "reason": "r"}),
        ("mode", {"payment": "prepayment", "critical_need": False, "meter_group": 0, "reason": "r"}),
    ],
)
async def test_nobody_alone_takes_supply_from_critical_need(api: Api, path: str, order: dict[str, Any]) -> None:
    town = await critical(api)

    given = await api.made(f"/meters/{town.drn}/{path}", order)

    assert given["state"] == "waiting"
    assert (await api.get(f"/gateways/{town.gateway}/commands")).body["items"] == []


async def test_one_person_opens_a_meter_of_critical_need(api: Api) -> None:
    town = await critical(api)

    given = await api.made(f"/meters/{town.drn}/control", {"action": "connect", "reason": "r"})

    assert given["state"] == "queued"


async def test_a_request_that_is_a_day_old_is_made_again(api: Api) -> None:
    town = await critical(api)
    given = await api.made(f"/meters/{town.drn}/control", {"action": "disconnect", "reason": "r"})
    api.clock.time += 24 * 3600 + 1

    other = await colleague(api)
    late = await other.post(f"/command-requests/{given['request_id']}/approve")
    declined = await other.post(f"/command-requests/{given['request_id']}/decline")

    assert (late.status, late.code) == (409, "request_old")
    assert declined.body["state"] == "declined"
    assert (await api.get("/command-requests", state="waiting")).body["items"] == []


async def test_a_control_of_the_operator_is_explained_by_its_command(any_api: Api) -> None:
    town = await online(any_api)
    given = await any_api.made(f"/meters/{town.drn}/control", {"action": "connect", "reason": "paid at the desk"})

    command = await received(any_api, town, given["command_id"])
    told = CONTROL.decode(command["payload"])
    carry_out(town, command, kinds.CONTROL, detail=told["action"], reference_a=told["until_s"])

    assert await verdict(any_api, town) == ("explained", "command 1: paid at the desk")


async def test_opening_all_explains_each_meter_once_given(any_api: Api) -> None:
    town = await online(any_api)
    until = any_api.clock.now() + 3600
    given = await any_api.made(f"/gateways/{town.gateway}/open-all", {"until_s": until, "reason": "fire"})

    command = await received(any_api, town, given["command_id"])
    carry_out(town, command, kinds.CONTROL, detail=kinds.CONTROL_OPEN_ALL, reference_a=until)

    assert await verdict(any_api, town) == ("explained", "command 1: fire")


async def test_opening_all_for_longer_than_ordered_is_unexplained(api: Api) -> None:
    town = await online(api)
    until = api.clock.now() + 3600
    given = await api.made(f"/gateways/{town.gateway}/open-all", {"until_s": until, "reason": "fire"})

    command = await received(api, town, given["command_id"])
    carry_out(town, command, kinds.CONTROL, detail=kinds.CONTROL_OPEN_ALL, reference_a=until + 86400)

    assert (await verdict(api, town))[0] == "unexplained"


@pytest.mark.parametrize(
    ("path", "order", "code"),
    [
        ("control", {"action": "safety", "reason": "r"}, "until_s"),
        ("control", {"action": "connect", "until_s": 1_750_003_600, "reason": "r"}, "until_s"),
        ("control", {"action": "safety", "until_s": 1, "reason": "r"}, "until_s"),
        ("adjustments", {"pot": "token_credit", "amount": 0, "reason": "r"}, "amount_zero"),
        (
            "mode",
            {"payment": "prepayment", "arrears": "disconnect", "critical_need": False, "meter_group": 0, "reason": "r"},
            "arrears_prepayment",
        ),
    ],
)
async def test_an_order_against_a_rule_is_refused(api: Api, path: str, order: dict[str, Any], code: str) -> None:
    town = await online(api)

    answer = await api.post(f"/meters/{town.drn}/{path}", order)

    assert (answer.status, answer.code) == (422, code)


async def test_orders_and_approvals_stand_in_the_audit(api: Api) -> None:
    town = await critical(api)
    given = await api.made(f"/meters/{town.drn}/control", {"action": "disconnect", "reason": "court order"})
    await (await colleague(api)).post(f"/command-requests/{given['request_id']}/approve")

    actions = [item["action"] for item in (await api.get("/audit", limit=500)).body["items"]]

    assert "command.request" in actions and "command.approve" in actions
