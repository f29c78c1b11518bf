"""The API of readings: the hours that were asked for, each with what proves it, for those who may see the meter."""

from shared.readings import NOT_CLOSED
from tests.cloud.ledger.test_routes import take_in
from tests.cloud.readings.uplink import HOUR, close, message, record
from tests.cloud.served import Api


async def test_hours_are_listed_with_what_the_ledger_proves(any_api: Api) -> None:
    town = await any_api.town()
    packed = record([1, 2])
    close(town.device, packed, 3)
    later = record([9], NOT_CLOSED, HOUR + 2)
    await take_in(any_api, town, town.device.batch(), message(town.device, packed, later))

    answer = await any_api.get(f"/meters/{town.drn}/readings", **{"from": HOUR * 3600 + 1, "to": (HOUR + 9) * 3600})

    assert answer.body == {
        "items": [
            {"at": (HOUR + 1) * 3600, "volume_ml": 2000, "verified": True, "time_quality": 2},
            {"at": (HOUR + 2) * 3600, "volume_ml": 9000, "verified": False, "time_quality": 2},
        ]
    }


async def test_a_meter_without_readings_has_none(api: Api) -> None:
    town = await api.town()

    answer = await api.get(f"/meters/{town.drn}/readings", **{"from": 0, "to": 3600})

    assert answer.body == {"items": []}


async def test_more_than_62_days_at_once_are_refused(api: Api) -> None:
    town = await api.town()

    answer = await api.get(f"/meters/{town.drn}/readings", **{"from": 0, "to": 62 * 86400 + 1})

    assert (answer.status, answer.code) == (422, "span_too_long")


async def test_both_ends_are_needed(api: Api) -> None:
    town = await api.town()

    answer = await api.get(f"/meters/{town.drn}/readings", to=3600)

    assert answer.status == 400 and "from" in answer.message


async def test_nobody_sees_the_readings_of_another_utility(api: Api) -> None:
    town, other = await api.town(), await api.town()
    await take_in(api, town, town.device.batch(), message(town.device, record([1])))
    key = await api.made("/api-keys", {"name": "k", "scopes": ["meters:read"], "utility_id": other.utility})
    span = {"from": HOUR * 3600, "to": (HOUR + 1) * 3600}

    stranger = await api.as_key(key["key"]).get(f"/meters/{town.drn}/readings", **span)
    owner = await api.get(f"/meters/{town.drn}/readings", **span)

    assert stranger.status == 404 and len(owner.body["items"]) == 1


async def test_who_may_not_read_meters_may_not_read_this(api: Api) -> None:
    town = await api.town()
    key = await api.made("/api-keys", {"name": "k", "scopes": ["vend"], "utility_id": town.utility})

    answer = await api.as_key(key["key"]).get(f"/meters/{town.drn}/readings", **{"from": 0, "to": 3600})

    assert answer.status == 403
