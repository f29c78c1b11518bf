"""The rehearsal names every meter that would stop at a date, with the reason and with what helps."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from cloud.config import Config
from shared.sts.time_id import TID_MAX, base_seconds
from tests.cloud.served import SGC, Api

AFTER_2014 = base_seconds(2014) + (TID_MAX + 1) * 60


async def stopped(api: Api, at: int, **query: Any) -> list[dict[str, Any]]:
    answer = await api.get("/reports/roll-over", at=at, **query)
    assert answer.status == 200, answer.body
    return list(answer.body["items"])


async def test_a_meter_stops_with_the_minute_after_its_base_date(any_api: Api) -> None:
    town = await any_api.town()

    before, after = await stopped(any_api, AFTER_2014 - 1), await stopped(any_api, AFTER_2014)

    assert before == []
    assert [(row["drn"], row["reason"], row["since"]) for row in after] == [(town.drn, "base_date", AFTER_2014)]
    assert "later base date" in after[0]["remedy"]


async def test_the_remedy_follows_the_key_change(api: Api) -> None:
    town = await api.town()
    await api.made("/vending-keys", {"utility_id": town.utility, "sgc": SGC, "krn": 2, "ken": 250})
    change = await api.made("/key-changes", {"drn": town.drn, "to": {"sgc": SGC, "krn": 2}})

    only_new_stops = await stopped(api, AFTER_2014 - 1)
    await api.made(f"/key-changes/{change['id']}/cancel", None)
    api.clock.time = base_seconds(2035) + 60
    await api.made("/vending-keys", {"utility_id": town.utility, "sgc": SGC, "krn": 3, "base_year": 2035})
    await api.made("/key-changes", {"drn": town.drn, "to": {"sgc": SGC, "krn": 3}})
    planned = await stopped(api, AFTER_2014)
    await api.made("/vends", town.vend())
    issued = await stopped(api, AFTER_2014)

    assert [(row["krn"], row["reason"]) for row in only_new_stops] == [(2, "key_expired")]
    assert "plan another one" in only_new_stops[0]["remedy"]
    assert "sell to the customer" in planned[0]["remedy"]
    assert "entered at the meter" in issued[0]["remedy"]


async def test_a_default_key_and_an_expired_key_are_named_at_any_date(api: Api) -> None:
    await api.town(kt=1)
    expired = await api.town(ken=0)

    found = await stopped(api, api.clock.now())

    assert [row["reason"] for row in found] == ["default_key", "key_expired"]
    assert found[1]["drn"] == expired.drn and found[1]["since"] == base_seconds(2014) + 65_536 * 60


async def test_the_report_comes_in_pages_and_only_of_the_callers_utility(api: Api) -> None:
    towns = [await api.town() for _ in range(3)]
    key = await api.made("/api-keys", {"name": "one", "scopes": ["key-changes:read"], "utility_id": towns[1].utility})

    first = await api.get("/reports/roll-over", at=AFTER_2014, limit=2)
    rest = await api.get("/reports/roll-over", at=AFTER_2014, limit=2, after=first.body["next"])
    own = await stopped(api.as_key(key["key"]), AFTER_2014)

    listed = [row["drn"] for row in first.body["items"] + rest.body["items"]]
    assert listed == [town.drn for town in towns] and rest.body["next"] is None
    assert [row["drn"] for row in own] == [towns[1].drn]


async def test_the_command_line_lists_them_and_ends_with_1(api: Api, config: Config) -> None:
    town = await api.town()

    calm, stops = rehearse(config, "2045-11-24"), rehearse(config, "2045-11-25")
    wrong = rehearse(config, "tomorrow")

    assert (calm.returncode, calm.stdout) == (0, "0 meters would stop at 2045-11-24\n")
    assert stops.returncode == 1
    assert stops.stdout.splitlines()[0].startswith(f"{town.drn}  SGC {SGC} KRN 1  base_date since 2045-11-24 20:16: ")
    assert wrong.returncode == 2 and wrong.stderr == "cloud: --at tomorrow: write a date as 2045-11-25\n"


def rehearse(config: Config, at: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PENSTOCK_DATABASE_URL": config.database_url}
    return subprocess.run(
        [sys.executable, "-m", "cloud", "report", "roll-over", "--at", at],
        env=environment,
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        check=False,
    )
