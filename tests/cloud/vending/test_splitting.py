"""What a sale comes to: tokens that carry it exactly, prices that add up, and the rest of the money on the account."""

import asyncio
import random

import pytest

from cloud.errors import Refused
from cloud.tariffs.rules import Month, volume_minor
from cloud.tariffs.terms import flat
from cloud.vending import rules
from cloud.vending.purchase import Standing, Wanted, plan
from cloud.vending.rules import TOKEN_MAX_ML, TOKEN_UNIT_ML, TOKENS_MAX, Cost
from shared.sts.amounts import field_to_units, units_to_field
from shared.sts.cipher import make_cipher
from shared.sts.token import decode
from tests.cloud.served import Api, Town


def cash(amount_minor: int) -> dict[str, object]:
    return {"kind": "cash", "amount_minor": amount_minor, "currency": "KES"}


def flat_price(price_minor: int) -> Cost:
    return lambda volume_ml: volume_minor(flat(price_minor), 0, volume_ml)


def buyer(balance_minor: int) -> Standing:
    return Standing(flat(10_000), Month(), TOKEN_MAX_ML, balance_minor)


async def balance(api: Api, town: Town) -> int:
    accounts = (await api.get(f"/customers/{town.customer}/accounts")).body["accounts"]
    return int(accounts[0]["balance_minor"]) if accounts else 0


def test_every_part_is_carried_exactly_and_the_prices_add_up(chance: random.Random) -> None:
    for _ in range(2000):
        most = chance.randrange(TOKEN_UNIT_ML, TOKEN_MAX_ML)
        wanted = chance.randrange(TOKEN_UNIT_ML, min(most * 15, 10**13))
        price = chance.randrange(1_000_000)
        quoted = rules.quote(wanted, flat_price(price), most)
        assert all(field_to_units(units_to_field(part.units)) == part.units for part in quoted.parts)
        assert all(part.volume_ml <= most for part in quoted.parts)
        assert quoted.amount_minor == quoted.volume_ml * price // 1_000_000 <= quoted.asked_minor
        assert 0 <= wanted - quoted.volume_ml < 1000 * TOKEN_UNIT_ML


def test_a_sale_of_more_tokens_than_a_meter_should_be_given_at_once_is_refused() -> None:
    most = 1000 * TOKEN_UNIT_ML

    assert len(rules.quote(TOKENS_MAX * most, flat_price(1), most).parts) == TOKENS_MAX
    with pytest.raises(Refused, match="at most 20 tokens"):
        rules.quote(TOKENS_MAX * most + TOKEN_UNIT_ML, flat_price(1), most)


@pytest.mark.parametrize(
    ("tender", "balance_minor", "keep", "expected"),
    [
        (1999, 0, False, (0, 999, 0)),
        (5000, 0, False, (0, 999, 3001)),
        (5000, 0, True, (0, 4000, 0)),
        (700, 300, False, (300, 0, 0)),
        (0, 2500, False, (1000, 0, 0)),
        (1200, 300, False, (300, 500, 0)),
    ],
)
def test_the_account_pays_first_and_keeps_what_rounding_left(
    tender: int, balance_minor: int, keep: bool, expected: tuple[int, int, int]
) -> None:
    planned = plan(Wanted(199_999, tender, keep), buyer(balance_minor))

    settled = planned.settled
    assert (settled.from_account_minor, settled.to_account_minor, settled.change_minor) == expected
    assert tender + expected[0] == planned.quote.amount_minor + expected[1] + expected[2]


def test_a_sale_that_tender_and_account_together_do_not_pay_is_refused_with_both() -> None:
    with pytest.raises(Refused, match="999 were tendered and 0 are on the account"):
        plan(Wanted(199_999, 999, False), buyer(0))


async def test_a_sale_above_one_tokens_range_is_several_tokens_of_one_purchase(any_api: Api) -> None:
    town = await any_api.town()
    order = town.vend(volume_ml=2_345_600_000, tender=cash(30_000_000))

    receipt = await any_api.made("/vends", order)
    again = await any_api.made("/vends", order)

    assert again == receipt
    assert receipt["token"] is None
    cipher = make_cipher(11, town.device.decoder_keys[0])
    decoded = [decode(token["digits"], cipher) for token in receipt["tokens"]]
    assert [value.amount for value in decoded] == [10_000, 10_000, 3_456]  # a balance may be 1000 m3 at most
    assert [value.tid for value in decoded] == [token["tid"] for token in receipt["tokens"]]
    assert len({value.tid for value in decoded}) == 3
    listed = (await any_api.get("/vends")).body["items"]
    assert [(row["part"], row["volume_ml"]) for row in listed] == [(1, 10**9), (2, 10**9), (3, 345_600_000)]
    assert sum(row["amount_minor"] for row in listed) == receipt["amount_minor"] == 23_456_000


async def test_a_remote_sale_queues_every_token_once(api: Api) -> None:
    town = await api.town()
    order = town.vend(volume_ml=2_000_000_000, tender=cash(20_000_000), delivery="remote")

    await api.made("/vends", order)
    await api.made("/vends", order)

    commands = (await api.get(f"/gateways/{town.gateway}/commands")).body["items"]
    assert [command["vend_id"] for command in commands] == [1, 2]


async def test_the_utilitys_limit_for_one_token_splits_sales_and_can_be_taken_away(api: Api) -> None:
    town = await api.town()
    path = f"/utilities/{town.utility}/token-limit"
    assert (await api.call("PUT", path, json={"token_max_ml": 2_000_000})).body["token_max_ml"] == 2_000_000

    split = await api.made("/vends", town.vend())
    await api.call("PUT", path, json={"token_max_ml": None})
    whole = await api.made("/vends", town.vend())

    assert [token["volume_ml"] for token in split["tokens"]] == [2_000_000, 2_000_000, 1_000_000]
    assert len(whole["tokens"]) == 1


async def test_what_rounding_left_over_is_kept_and_pays_for_the_next_purchase(any_api: Api) -> None:
    town = await any_api.town()

    first = await any_api.made("/vends", town.vend(volume_ml=199_999, tender=cash(2_500)))
    second = await any_api.made("/vends", town.vend(volume_ml=100_000, tender=cash(1)))

    assert (first["amount_minor"], first["to_account_minor"], first["change_minor"]) == (1_000, 999, 501)
    assert [line["kind"] for line in first["lines"]] == ["water", "to_account", "change"]
    assert (second["from_account_minor"], second["change_minor"]) == (999, 0)
    assert [line["amount_minor"] for line in second["lines"]] == [1_000, -999]
    assert await balance(any_api, town) == 0
    postings = (await any_api.get(f"/customers/{town.customer}/postings")).body["items"]
    assert [(row["kind"], row["amount_minor"], row["balance_minor"]) for row in postings] == [
        ("kept", 999, 999),
        ("used", -999, 0),
    ]


async def test_the_lines_of_a_receipt_add_up_to_the_tender(api: Api) -> None:
    town = await api.town()

    receipts = [
        await api.made("/vends", town.vend(volume_ml=volume, tender=cash(9_000), change=change))
        for volume, change in ((250_000, "return"), (333_333, "account"), (799_999, "return"))
    ]

    for receipt in receipts:
        assert sum(line["amount_minor"] for line in receipt["lines"]) == receipt["tender_minor"]
        paid = receipt["tender_minor"] + receipt["from_account_minor"]
        assert paid == receipt["amount_minor"] + receipt["to_account_minor"] + receipt["change_minor"]
    assert [receipt["change_minor"] > 0 for receipt in receipts] == [True, False, True]


async def test_twenty_sales_at_once_never_overdraw_an_account(any_api: Api) -> None:
    town = await any_api.town()
    await any_api.made("/vends", town.vend(volume_ml=100_000, tender=cash(4_500), change="account"))
    order = {"volume_ml": 100_000, "tender": cash(0)}

    answers = await asyncio.gather(*(any_api.post("/vends", town.vend(**order)) for _ in range(20)))

    assert sorted(answer.status for answer in answers) == [201] * 3 + [422] * 17
    assert await balance(any_api, town) == 500


async def test_a_refused_sale_leaves_the_account_as_it_was(api: Api) -> None:
    town = await api.town()
    await api.made("/vends", town.vend(volume_ml=199_999, tender=cash(1_999)))

    answer = await api.post("/vends", town.vend(tender=cash(10)))

    assert answer.code == "tender_short"
    assert await balance(api, town) == 999


async def test_a_meter_without_a_customer_gets_everything_back_as_change(api: Api) -> None:
    town = await api.town()
    drn = "12345678903"
    await api.made("/meters", town.meter(channel=1, drn=drn, customer_id=None))
    await town.enrol(type(town.device)())

    receipt = await api.made("/vends", town.vend(drn=drn, volume_ml=199_999, tender=cash(1_999)))
    refused = await api.post("/vends", town.vend(drn=drn, change="account"))

    assert (receipt["change_minor"], receipt["to_account_minor"], receipt["account_balance_minor"]) == (999, 0, None)
    assert refused.code == "no_account"
