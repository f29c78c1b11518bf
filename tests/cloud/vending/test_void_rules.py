"""Voids: two people above a limit, taxes given back with the price, and a return code as proof without a network."""

from typing import Any

import pytest

from cloud.keys import CONFIG
from cloud.vending.statement import TaxView
from cloud.vending.void_taxes import of_part
from shared import kinds
from tests.cloud.commands.orders import online, take_in
from tests.cloud.meters.codes import shown
from tests.cloud.served import Api, Town

VAT = [{"kind": "VAT", "permille": 160, "on": ["volume", "fixed"]}]


async def taxed(api: Api, **terms: Any) -> Town:
    """A town whose tariff has a tax from now on."""
    town = await online(api)
    path = f"/tariffs/{town.tariff}/versions"
    blocks = [{"limit_ml": None, "price_milliminor": 8_123_457}]
    at = api.clock.now() + 60
    wanted = {"reason": "r", "block_basis": "purchase", "blocks": blocks, "taxes": VAT, "effective_from_s": at, **terms}
    await api.made(path, wanted)
    await api.made(f"{path}/2/submit", None)
    await (await api.person("tariffs@penstock.example", "approver")).made(f"{path}/2/approve", None)
    api.clock.time += 120
    return town


async def balances(api: Api, town: Town) -> dict[str, int]:
    found = (await api.get(f"/books/{town.utility}")).body
    assert found["holds"]
    return {row["code"]: row["balance"] for row in found["accounts"] if row["unit"] == "KES" and row["balance"]}


def enter(town: Town, void: Any) -> None:
    detail = kinds.MANUAL << 8 | 1
    marks = {"rule": kinds.RULE_TOKEN_ACCEPTED, "detail": detail}
    town.device.write(kinds.VOID, 0, **marks, reference_a=void["tid"], reference_b=void["target_tid"])


async def test_a_void_gives_the_taxes_back_that_its_token_paid(any_api: Api) -> None:
    town = await taxed(any_api, fixed_month_minor=1_000)
    await any_api.call("PUT", f"/utilities/{town.utility}/token-limit", json={"token_max_ml": 2_000_000})
    sold = await any_api.made("/vends", town.vend(volume_ml=5_000_000, tender=_cash(90_000)))
    before = await balances(any_api, town)

    for part in (1, 2, 3):
        enter(town, await any_api.made(f"/vends/{sold['purchase_id']}/void", {"part": part}))
        await take_in(any_api, town, town.device.batch())
    after = await balances(any_api, town)

    on_volume = next(tax["amount_minor"] for tax in sold["statement"]["taxes"] if tax["on"] == "volume")
    on_fixed = next(tax["amount_minor"] for tax in sold["statement"]["taxes"] if tax["on"] == "fixed")
    assert before["tax:VAT"] == -on_volume - on_fixed and after["tax:VAT"] == -on_fixed
    assert after["refunds:water"] == -after["revenue:water"] == sold["amount_minor"] - on_volume
    assert after[f"customer:{town.customer}"] == -sold["amount_minor"]


def _cash(amount: int) -> dict[str, Any]:
    return {"kind": "cash", "amount_minor": amount, "currency": "KES"}


def test_the_shares_of_all_parts_are_the_tax() -> None:
    taxes = [TaxView(kind="VAT", permille=160, on="volume", amount_minor=1_001)]
    taxes += [TaxView(kind="VAT", permille=160, on="fixed", amount_minor=77)]
    amounts = [333, 1, 0, 5_000, 333]

    shares = [dict(of_part(taxes, amounts, part)).get("VAT", 0) for part in range(1, 6)]

    assert sum(shares) == 1_001 and shares[2] == 0 and min(shares) >= 0


@pytest.mark.parametrize("limit", [49_999, 50_000])
async def test_a_void_above_the_limit_needs_another_person(any_api: Api, limit: int) -> None:
    town = await online(any_api)
    app = any_api.client.app
    assert app is not None
    object.__setattr__(app[CONFIG], "void_limit_minor", limit)
    sold = await any_api.made("/vends", town.vend())
    path = f"/vends/{sold['purchase_id']}/void"

    first = await any_api.made(path, {"reason": "wrong meter"})

    if limit == 50_000:
        assert first["state"] == "voiding" and len(first["token"]) == 20
        return
    assert (first["state"], first["token"], first["tid"]) == ("waiting", None, None)
    own = await any_api.post(f"/token-requests/{first['request_id']}/approve")
    approver = await any_api.person("a@penstock.example", "approver")
    await approver.made(f"/token-requests/{first['request_id']}/approve", None)
    ordered = await any_api.made(path, {})
    assert (own.status, own.code) == (403, "own_request")
    assert (ordered["state"], len(ordered["token"])) == ("voiding", 20)


async def test_a_return_code_returns_the_money_once_and_the_ledger_agrees_later(any_api: Api) -> None:
    town = await online(any_api)
    sold = await any_api.made("/vends", town.vend())
    path = f"/vends/{sold['purchase_id']}/void"
    void = await any_api.made(path, {})
    enter(town, void)
    code = await shown(any_api, town)

    proved = await any_api.made(f"{path}/proof", {"code": code})
    again = await any_api.made(f"{path}/proof", {"code": code})
    account = (await balances(any_api, town))[f"customer:{town.customer}"]
    await take_in(any_api, town, town.device.batch())

    assert proved == again and proved["state"] == "void"
    assert account == (await balances(any_api, town))[f"customer:{town.customer}"] == -50_000
    last = (await any_api.get(f"/meters/{town.drn}")).body["last_verdicts"][0]
    assert last["verdict"] == "explained"


async def test_a_code_without_the_void_a_guess_and_no_order_prove_nothing(any_api: Api) -> None:
    town = await online(any_api)
    sold = await any_api.made("/vends", town.vend())
    path = f"/vends/{sold['purchase_id']}/void"
    early = await any_api.post(f"{path}/proof", {"code": await shown(any_api, town)})
    await any_api.made(path, {})
    not_entered = await any_api.post(f"{path}/proof", {"code": await shown(any_api, town)})
    town.device.token(0, sold["tid"], sold["volume_ml"])
    used = await any_api.post(f"{path}/proof", {"code": await shown(any_api, town)})

    assert [(answer.status, answer.code) for answer in (early, not_entered, used)] == [
        (422, "void_not_ordered"),
        (422, "code_unproved"),
        (422, "code_unproved"),
    ]
    assert f"customer:{town.customer}" not in await balances(any_api, town)


async def test_guesses_of_a_void_end_with_the_days_five(any_api: Api) -> None:
    town = await online(any_api)
    sold = await any_api.made("/vends", town.vend())
    path = f"/vends/{sold['purchase_id']}/void"
    await any_api.made(path, {})
    for number in range(5):
        assert (await any_api.post(f"{path}/proof", {"code": f"0001{number:08d}"})).code == "code_unproved"

    sixth = await any_api.post(f"{path}/proof", {"code": "000100000009"})

    assert (sixth.status, sixth.code) == (429, "guesses")
