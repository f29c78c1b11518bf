"""EA07 meters: sold to, provisioned and given new keys with the operator's tables, and refused without them."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from cloud.app import build_app
from cloud.config import Config, ConfigError
from cloud.vending import sts
from cloud.vending.sta_tables import sta_tables
from shared.documents import key_check
from shared.sts.cipher import make_cipher
from shared.sts.key_change import KeyChange
from shared.sts.keys import has_odd_parity
from shared.sts.tables import Tables
from shared.sts.token import decode
from tests.cloud.conftest import admin_api
from tests.cloud.served import SGC, Api, HandClock

S1 = list(range(16))[::-1]
S2 = [(5 * number + 3) % 16 for number in range(16)]
P = [(11 * number + 7) % 64 for number in range(64)]
TABLES = Tables(S1, S2, P)


def write(folder: Path, document: Any) -> Path:
    path = folder / "tables.json"
    path.write_text(document if isinstance(document, str) else json.dumps(document))
    return path


@pytest.fixture
async def sta_api(config: Config, tmp_path: Path, clock: HandClock) -> AsyncIterator[Api]:
    """A served cloud with tables of EA07."""
    path = write(tmp_path, {"s1": S1, "s2": S2, "p": P})
    app = build_app(config.model_copy(update={"sta_tables_file": path}), clock, services=())
    async with TestClient(TestServer(app)) as client:
        yield await admin_api(client, clock)


@pytest.mark.parametrize("dkga", [2, 4])
async def test_a_meter_of_ea07_gets_its_key_the_tables_and_a_token_that_fits_both(sta_api: Api, dkga: int) -> None:
    town = await sta_api.town(ea=7, dkga=dkga)

    receipt = await sta_api.made("/vends", town.vend())

    assert town.device.tables == bytes(S1 + S2 + P)
    token = decode(receipt["token"], make_cipher(7, town.device.decoder_keys[0], TABLES))
    assert (token.tid, token.amount) == (receipt["tid"], 50)


@pytest.mark.parametrize(("sgc", "sections"), [(SGC, 2), ("123456", 3)])
async def test_a_64_bit_key_changes_with_two_sections_and_with_its_group_in_three(
    sta_api: Api, sgc: str, sections: int
) -> None:
    town = await sta_api.town(ea=7, dkga=2)
    await sta_api.made("/vending-keys", {"utility_id": town.utility, "sgc": sgc, "krn": 2, "ea": 7, "dkga": 4})
    plan = await sta_api.made("/key-changes", {"drn": town.drn, "to": {"sgc": sgc, "krn": 2}})

    receipt = await sta_api.made("/vends", town.vend())

    cipher = make_cipher(7, town.device.decoder_keys[0], TABLES)
    held = KeyChange(long_key=False)
    for token in receipt["tokens"][:-1]:
        held.add(decode(token["digits"], cipher))
    new = held.new_key()
    assert len(receipt["tokens"]) == sections + 1
    assert key_check(new.decoder_key) == plan["new_key_check"]
    assert new.sgc == (sgc if sections == 3 else None)


async def test_the_tables_go_only_to_gateways_that_need_them(sta_api: Api) -> None:
    assert (await sta_api.town()).device.tables == b""


async def test_without_tables_a_meter_of_ea07_cannot_be_provisioned(api: Api) -> None:
    town = await api.town(ea=7, enrol=False)
    asked = (await town.challenge(town.device)).body
    proof = town.device.answer(asked["utility"], asked["gateway"], bytes.fromhex(asked["challenge"]))

    answer = await api.post(f"/gateways/{town.gateway}/enrolment/proof", {"signature": proof.hex()})

    assert (answer.status, answer.code) == (503, "tables_missing")
    assert "PENSTOCK_STA_TABLES_FILE" in answer.message


def test_a_new_key_for_dkga02_has_odd_parity() -> None:
    keys = [sts.new_vending_key(2) for _ in range(50)]

    assert all(len(key) == 8 and has_odd_parity(key) for key in keys)
    assert len(set(keys)) == 50


@pytest.mark.parametrize(
    ("document", "fault"),
    [
        ("{", "PENSTOCK_STA_TABLES_FILE"),
        ({"s1": S1, "s2": S2}, '"s1", "s2" and "p"'),
        ({"s1": S1, "s2": [*S2[:-1], S2[0]], "p": P}, "s2 holds 3 twice"),
        ({"s1": S1[:-1], "s2": S2, "p": P}, "s1 must have 16 numbers"),
    ],
)
def test_what_is_wrong_in_a_file_of_tables_is_named(tmp_path: Path, document: Any, fault: str) -> None:
    with pytest.raises(ConfigError, match=fault):
        sta_tables(Config(sta_tables_file=write(tmp_path, document)))


@pytest.mark.parametrize(
    ("key", "code", "reason"),
    [
        ({"kt": 0}, "key_type", "belongs to the maker"),
        ({"kt": 3}, "key_type", "disagree"),
        ({"ea": 11, "dkga": 2}, "algorithms", "EA 11 with DKGA 02 is not served"),
    ],
)
async def test_a_key_that_is_not_served_is_refused_with_the_reason(
    api: Api, key: dict[str, int], code: str, reason: str
) -> None:
    town = await api.town()

    answer = await api.post("/vending-keys", {"utility_id": town.utility, "sgc": "111111", "krn": 1, **key})

    assert (answer.status, answer.code) == (422, code)
    assert reason in answer.message
