"""Sales by blocks, charges, taxes and instalments: for money or for a volume, tried first, and said on the receipt."""

import asyncio
import datetime
from typing import Any

import pytest

from shared.sts.cipher import make_cipher
from shared.sts.token import decode
from tests.cloud.served import START, Api, KeyedDevice, Town
from tests.cloud.tariffs.test_versions import DAY_S, approved

NEXT_MONTH = int(datetime.datetime(2025, 7, 1, tzinfo=datetime.UTC).timestamp())
M3 = 1_000_000


def cash(amount_minor: int) -> dict[str, object]:
    return {"kind": "cash", "amount_minor": amount_minor, "currency": "KES"}


async def blocks(api: Api, **changes: Any) -> Town:
    """A town whose meter pays 50.00 a m3 up to 6 m3 in the month, and 90.00 above."""
    town = await api.town()
    await approved(api, town.tariff, **changes)
    api.clock.time += DAY_S
    return town


def for_money(town: Town, amount_minor: int, **changes: Any) -> dict[str, Any]:
    """A purchase for money alone."""
    order = town.vend(tender=cash(amount_minor), **changes)
    del order["volume_ml"]
    return order


async def owe(api: Api, town: Town, **changes: Any) -> Any:
    """A debt of 100.00, of which a payment takes 20 percent."""
    said = {"customer_id": town.customer, "currency": "KES", "principal_minor": 10_000, "percent": 20, "reason": "pipe"}
    return await api.made("/debts", {**said, **changes})


async def test_purchases_of_a_month_climb_through_the_blocks_and_the_next_month_begins_below(any_api: Api) -> None:
    town = await blocks(any_api)

    first = await any_api.made("/vends", town.vend(volume_ml=4 * M3))
    second = await any_api.made("/vends", town.vend(volume_ml=4 * M3))
    any_api.clock.time = NEXT_MONTH
    third = await any_api.made("/vends", town.vend(volume_ml=4 * M3))

    assert [sale["amount_minor"] for sale in (first, second, third)] == [20_000, 2 * 5_000 + 2 * 9_000, 20_000]
    used = [(block["number"], block["volume_ml"], block["amount_minor"]) for block in second["statement"]["blocks"]]
    assert used == [(1, 2 * M3, 10_000), (2, 2 * M3, 18_000)]
    position = first["statement"]["position"]
    assert (position["block"], position["left_ml"], position["next_price_milliminor"]) == (1, 2 * M3, 9_000_000)


async def test_money_buys_what_it_pays_for_and_the_rest_stays_on_the_account(any_api: Api) -> None:
    town = await blocks(any_api)

    first = await any_api.made("/vends", for_money(town, 50_000))
    second = await any_api.made("/vends", for_money(town, 700))

    assert (first["volume_ml"], first["amount_minor"], first["to_account_minor"]) == (8_200_000, 49_800, 200)
    assert (second["volume_ml"], second["amount_minor"], second["from_account_minor"]) == (100_000, 900, 200)


async def test_a_repeat_of_a_purchase_for_money_gives_the_same_answer(any_api: Api) -> None:
    town = await blocks(any_api, fixed_month_minor=1_000)
    order = for_money(town, 20_000)

    answers = await asyncio.gather(*(any_api.made("/vends", order) for _ in range(8)))

    assert all(answer == answers[0] for answer in answers)
    assert len((await any_api.get("/vends")).body["items"]) == 1


async def test_twenty_purchases_at_once_pay_one_fixed_charge_and_no_block_twice(any_api: Api) -> None:
    town = await blocks(any_api, fixed_month_minor=1_000)

    answers = await asyncio.gather(
        *(any_api.made("/vends", town.vend(volume_ml=M3, tender=cash(10_000))) for _ in range(20))
    )

    assert sum(answer["fixed_taxed_minor"] for answer in answers) == 1_000
    assert sum(answer["amount_minor"] for answer in answers) == 6 * 5_000 + 14 * 9_000


async def test_the_fixed_charge_is_taken_once_a_month_with_its_tax(any_api: Api) -> None:
    vat = [{"kind": "VAT", "permille": 160, "on": ["volume", "fixed"]}]
    town = await blocks(any_api, fixed_month_minor=10_000, taxes=vat)

    first = await any_api.made("/vends", town.vend(volume_ml=M3))
    second = await any_api.made("/vends", town.vend(volume_ml=M3))
    any_api.clock.time = NEXT_MONTH
    third = await any_api.made("/vends", town.vend(volume_ml=M3))

    assert [sale["fixed_taxed_minor"] for sale in (first, second, third)] == [11_600, 0, 11_600]
    assert first["amount_minor"] == 5_800
    said = [(line["kind"], line["name"], line["amount_minor"]) for line in first["lines"]]
    assert said == [
        ("water", None, 5_000),
        ("tax", "VAT on volume", 800),
        ("tax", "VAT on fixed", 1_600),
        ("fixed", None, 10_000),
        ("change", None, 50_000 - 17_400),
    ]
    assert sum(line["amount_minor"] for line in first["lines"]) == first["tender_minor"]


async def test_what_is_free_in_a_month_costs_nothing_once(any_api: Api) -> None:
    town = await blocks(any_api, free_month_ml=2 * M3)

    free = await any_api.made("/vends", town.vend(volume_ml=2 * M3, tender=cash(0)))
    paid = await any_api.made("/vends", town.vend(volume_ml=M3))

    assert (free["amount_minor"], paid["amount_minor"]) == (0, 5_000)
    assert free["statement"]["blocks"][0]["free_ml"] == 2 * M3


async def test_a_debt_takes_its_share_of_each_payment_first_until_it_is_paid(any_api: Api) -> None:
    town = await blocks(any_api)
    await owe(any_api, town)

    first = await any_api.made("/vends", for_money(town, 40_000))
    second = await any_api.made("/vends", for_money(town, 40_000))
    third = await any_api.made("/vends", for_money(town, 40_000))

    assert [sale["payment_debt_minor"] for sale in (first, second, third)] == [8_000, 2_000, 0]
    assert first["statement"]["payment_debt_left_minor"] == 2_000
    (debt,) = (await any_api.get("/debts")).body["items"]
    assert debt["paid_minor"] == 10_000 and debt["closed_at"] is not None


async def test_a_debt_takes_no_more_in_a_month_than_its_cap(any_api: Api) -> None:
    town = await blocks(any_api)
    await owe(any_api, town, month_cap_minor=3_000)

    taken = [(await any_api.made("/vends", for_money(town, 10_000)))["payment_debt_minor"] for _ in range(3)]
    any_api.clock.time = NEXT_MONTH
    taken.append((await any_api.made("/vends", for_money(town, 10_000)))["payment_debt_minor"])

    assert taken == [2_000, 1_000, 0, 2_000]


async def test_a_volume_costs_its_price_and_what_the_debt_takes_beside_it(any_api: Api) -> None:
    town = await blocks(any_api)
    await owe(any_api, town)
    asked = {"drn": town.drn, "currency": "KES", "volume_ml": 4 * M3}

    tried = await any_api.made("/trial-vends", asked)
    short = await any_api.post("/vends", town.vend(volume_ml=4 * M3, tender=cash(tried["tender_minor"] - 1)))
    sold = await any_api.made("/vends", town.vend(volume_ml=4 * M3, tender=cash(tried["tender_minor"] + 100)))

    assert tried["tender_minor"] == 24_999, "a fifth of it, rounded down, is the debt's"
    assert (short.status, short.code) == (422, "tender_short")
    assert "24999 must be paid" in short.message
    assert (sold["payment_debt_minor"], sold["amount_minor"], sold["change_minor"]) == (4_999, 20_000, 100)
    assert {**sold["statement"]} == tried["statement"]


async def test_a_debt_that_is_ended_takes_nothing_and_another_may_be_opened(any_api: Api) -> None:
    town = await blocks(any_api)
    debt = await owe(any_api, town)
    body = {"customer_id": town.customer, "currency": "KES", "principal_minor": 1, "percent": 1, "reason": "again"}

    second = await any_api.post("/debts", body)
    ended = await any_api.made(f"/debts/{debt['id']}/close", {"reason": "waived"})
    twice = await any_api.post(f"/debts/{debt['id']}/close", {"reason": "waived"})
    sale = await any_api.made("/vends", for_money(town, 10_000))
    await any_api.made("/debts", body)

    assert (second.status, second.code) == (409, "debt_open")
    assert ended["closed_at"] is not None
    assert (twice.status, twice.code) == (409, "debt_closed")
    assert sale["payment_debt_minor"] == 0


@pytest.mark.parametrize(
    ("changes", "debt", "money", "reason"),
    [
        ({}, 0, 499, "the smallest token costs 500"),
        ({"fixed_month_minor": 1_000}, 0, 1_499, "1000 to the month's fixed charge; the smallest token costs 500"),
        ({}, 100, 10_000, "10000 go to the debt; the smallest token costs 500"),
        ({"minimum_minor": 2_000}, 0, 1_999, "the least purchase is 2000 minor units"),
    ],
)
async def test_a_purchase_too_small_for_debt_charges_and_a_token_is_refused_with_the_reason(
    api: Api, changes: dict[str, Any], debt: int, money: int, reason: str
) -> None:
    town = await blocks(api, **changes)
    if debt:
        await owe(api, town, percent=debt)

    answer = await api.post("/vends", for_money(town, money))

    assert (answer.status, answer.code) == (422, "purchase_too_small")
    assert reason in answer.message
    assert (await api.get("/vends")).body["items"] == []
    assert all(row["paid_minor"] == 0 for row in (await api.get("/debts")).body["items"])


async def test_a_tariff_that_counts_consumption_sells_no_tokens(api: Api) -> None:
    town = await blocks(api, block_basis="consumption")

    answer = await api.post("/vends", town.vend())

    assert (answer.status, answer.code) == (422, "basis_wrong")


async def test_a_trial_says_what_the_sale_will_be_and_leaves_nothing(any_api: Api) -> None:
    town = await blocks(any_api, fixed_month_minor=1_000)
    await owe(any_api, town)
    asked = {"drn": town.drn, "currency": "KES", "money_minor": 30_000}

    tried = [await any_api.made("/trial-vends", asked) for _ in range(2)]
    sold = await any_api.made("/vends", for_money(town, 30_000))

    assert tried[0] == tried[1]
    assert tried[0]["statement"] == sold["statement"]
    same = ("volume_ml", "tender_minor", "from_account_minor", "to_account_minor", "change_minor")
    assert [tried[0][name] for name in same] == [sold[name] for name in same]
    assert tried[0]["tokens_ml"] == [token["volume_ml"] for token in sold["tokens"]]


async def test_what_was_taken_back_counts_in_no_block(api: Api) -> None:
    town = await blocks(api)
    kept = await api.made("/vends", town.vend(volume_ml=4 * M3))
    taken_back = await api.made("/vends", town.vend(volume_ml=4 * M3))
    await api.made(f"/vends/{taken_back['purchase_id']}/void", {})

    still_out = await api.made("/trial-vends", {"drn": town.drn, "currency": "KES", "volume_ml": M3})

    assert kept["statement"]["position"]["month_ml"] == 4 * M3
    assert still_out["statement"]["position"]["month_ml"] == 9 * M3, "it may still be used until the ledger shows it"


async def test_the_receipt_in_text_says_tokens_bill_four_lines_and_the_next_price(any_api: Api) -> None:
    vat = [{"kind": "VAT", "permille": 160, "on": ["volume"]}]
    town = await blocks(any_api, fixed_month_minor=1_000, taxes=vat)
    await owe(any_api, town)
    sold = await any_api.made("/vends", for_money(town, 30_000))

    printed = (await any_api.get(f"/vends/{sold['purchase_id']}/receipt", language="en")).body["text"]

    digits = sold["token"]
    spaced = " ".join(digits[start : start + 4] for start in range(0, 20, 4))
    body = printed.split("-" * 40 + "\n", 1)[1]
    assert (
        body
        == f"""Token
{spaced}
----------------------------------------
Volume                            3.9 m3
Paid                          300.00 KES
3.9 m3 at 50.00               195.00 KES
VAT 16 % on the volume         31.20 KES
Fixed charge, month            10.00 KES
Payment debt share             60.00 KES
To account                      3.80 KES
Account after this sale         3.80 KES
----------------------------------------
1 Payment debt                 60.00 KES
  still owed                   40.00 KES
2 Accumulated debt             see meter
3 Emergency credit             see meter
4 Service                         3.9 m3
----------------------------------------
This month                        3.9 m3
Block 1                            50.00
  left in it                      2.1 m3
  next price                       90.00
Tariff Domestic, version 2
"""
    )
    assert all(len(line) <= 40 for line in printed.splitlines())


@pytest.mark.parametrize(("commodity", "subclass", "unit"), [("electricity", 0, "kWh"), ("gas", 2, "m3")])
async def test_an_electricity_meter_is_sold_kilowatt_hours_and_a_gas_meter_gas(
    any_api: Api, commodity: str, subclass: int, unit: str
) -> None:
    town = await any_api.town()
    power = {"utility_id": town.utility, "name": "Power", "commodity": commodity, "currency": "KES"}
    tariff = (await any_api.made("/tariffs", {**power, "price_minor_per_m3": 2_256}))["id"]
    drn = "12345678903"
    await any_api.made("/meters", town.meter(channel=1, drn=drn, commodity=commodity, tariff_id=tariff))
    device = KeyedDevice()
    await town.enrol(device)

    sold = await any_api.made("/vends", for_money(town, 10_000, drn=drn))

    token = decode(sold["token"], make_cipher(11, device.decoder_keys[1]))
    assert (token.token_class, token.subclass, token.amount) == (0, subclass, 44)  # in tenths of a kWh or a m3
    assert (sold["volume_ml"], sold["amount_minor"]) == (4_400_000, 9_926)
    assert sold["lines"][0]["kind"] == commodity
    printed = (await any_api.get(f"/vends/{sold['purchase_id']}/receipt", language="en")).body["text"]
    assert f"4.4 {unit} at 22.56" in printed


async def test_water_is_not_sold_by_the_tariff_of_electricity(api: Api) -> None:
    town = await api.town(enrol=False)
    power = {"utility_id": town.utility, "name": "Power", "commodity": "electricity", "currency": "KES"}
    tariff = (await api.made("/tariffs", power))["id"]

    answer = await api.post("/meters", town.meter(channel=1, drn="12345678903", tariff_id=tariff))

    assert answer.code == "tariff_commodity"


async def test_a_meter_that_holds_money_takes_no_tokens_of_volume(api: Api) -> None:
    town = await api.town(enrol=False)
    drn = "12345678903"
    await api.made("/meters", town.meter(channel=1, drn=drn, account="currency"))

    answer = await api.post("/trial-vends", {"drn": drn, "currency": "KES", "volume_ml": M3})

    assert (answer.status, answer.code) == (422, "account_currency")


def test_the_month_that_tests_start_in_is_june() -> None:
    assert datetime.datetime.fromtimestamp(START + DAY_S, datetime.UTC).month == 6
