"""The API of the ledger: entries with their verdicts, cases, and what was set aside; each for its own utility only."""

from cloud.keys import CLOCK, DATABASE, KEY_STORE
from cloud.ledger.messages import Message
from cloud.ledger.service import Ingest
from tests.cloud.served import Api, Town


async def take_in(api: Api, town: Town, *data: bytes) -> None:
    """Hand uplinks of the town's device to the ingest."""
    app = api.client.app
    assert app is not None
    now = app[CLOCK].now()
    messages = [Message(town.gateway, one, now) for one in data]
    await Ingest(app[DATABASE], app[KEY_STORE]).process(messages, now)


async def test_entries_are_listed_in_pages_with_their_verdicts(any_api: Api) -> None:
    town = await any_api.town()
    for _ in range(5):
        town.device.charge(0, 1000)
    await take_in(any_api, town, town.device.batch())

    first = (await any_api.get(f"/gateways/{town.gateway}/entries", limit=4)).body
    rest = (await any_api.get(f"/gateways/{town.gateway}/entries", after=first["next"])).body

    items = first["items"] + rest["items"]
    assert [item["sequence"] for item in items] == list(range(1, town.device.sequence + 1))
    assert [item["kind"] for item in items[:4]] == ["open", "policy", "meter", "charge"]
    assert [item["verdict"] for item in items[:4]] == ["explained", "explained", "explained", None]
    assert (
        (items[3]["pot"], items[3]["delta"]) == (4, 1000) and items[3]["channel"] == 0 and items[0]["channel"] is None
    )
    assert [item["hash"] for item in items] == [head.hex() for head in town.device.heads[1:]]
    assert rest["next"] is None


async def test_a_gateway_without_entries_has_an_empty_list(api: Api) -> None:
    town = await api.town()

    answer = await api.get(f"/gateways/{town.gateway}/entries")

    assert answer.body == {"items": [], "next": None}


async def test_an_earlier_epoch_is_listed_on_request(api: Api) -> None:
    town = await api.town()
    await take_in(api, town, town.device.batch())
    await town.enrol(second := type(town.device)())
    await take_in(api, town, second.batch())

    newest = (await api.get(f"/gateways/{town.gateway}/entries")).body["items"]
    earlier = (await api.get(f"/gateways/{town.gateway}/entries", epoch=1)).body["items"]

    assert {item["epoch"] for item in newest} == {2} and {item["epoch"] for item in earlier} == {1}


async def test_a_sold_token_shows_as_explained_and_moves_the_balance_of_the_meter(api: Api) -> None:
    town = await api.town()
    receipt = await api.made("/vends", town.vend())
    town.device.token(0, receipt["tid"], receipt["volume_ml"])
    await take_in(api, town, town.device.batch())

    meter = (await api.get(f"/meters/{town.drn}")).body
    last = (await api.get(f"/gateways/{town.gateway}/entries")).body["items"][-1]

    assert meter["balance_ml"] == receipt["volume_ml"]
    assert (last["verdict"], last["kind"]) == ("explained", "token")
    assert meter["last_verdicts"][0]["verdict"] == "explained"


async def test_a_case_is_shown_and_closed_once_with_a_note(any_api: Api) -> None:
    town = await any_api.town()
    town.device.token(0, town.device.state.meters[0].tids.minimum + 3, 1_000_000)
    await take_in(any_api, town, town.device.batch())

    cases = (await any_api.get("/cases", state="open")).body["items"]
    shown = (await any_api.get(f"/cases/{cases[0]['id']}")).body
    closed = await any_api.post(f"/cases/{shown['id']}/close", {"note": "a test"})
    again = await any_api.post(f"/cases/{shown['id']}/close", {"note": "a test"})

    assert [case["kind"] for case in cases] == ["unexplained"]
    assert (closed.body["state"], closed.body["note"]) == ("closed", "a test")
    assert again.status == 409
    assert (await any_api.get("/cases", state="open")).body["items"] == []
    assert (await any_api.get("/audit", limit=500)).body["items"][-1]["action"] == "case.close"


async def test_what_was_set_aside_is_shown_byte_for_byte(api: Api) -> None:
    town = await api.town()

    await take_in(api, town, b"\x00\xffnonsense")

    items = (await api.get("/quarantine")).body["items"]
    assert [(item["code"], item["raw"]) for item in items] == [("malformed", b"\x00\xffnonsense".hex())]


async def test_another_utility_sees_none_of_it(api: Api) -> None:
    town, other = await api.town(), await api.town()
    town.device.token(0, town.device.state.meters[0].tids.minimum + 3, 1_000_000)
    await take_in(api, town, town.device.batch(), b"nonsense of 20 bytes")
    case = (await api.get("/cases")).body["items"][0]["id"]
    scopes = ["ledger:read", "cases:read", "commands:read", "cases:write"]
    key = await api.made("/api-keys", {"name": "other", "scopes": scopes, "utility_id": other.utility})
    stranger = api.as_key(key["key"])

    assert (await stranger.get(f"/gateways/{town.gateway}/entries")).status == 404
    assert (await stranger.get(f"/gateways/{town.gateway}/commands")).status == 404
    assert (await stranger.get(f"/cases/{case}")).status == 404
    assert (await stranger.post(f"/cases/{case}/close", {"note": "mine"})).status == 404
    assert (await stranger.get("/cases")).body["items"] == []
    assert (await stranger.get("/quarantine")).body["items"] == []
