"""Return codes read out by telephone: what they prove, what they do not, and that guessing ends soon."""

from cloud.keys import CLOCK, DATABASE, KEY_STORE
from shared import return_code
from tests.cloud.commands.orders import online, take_in
from tests.cloud.meters.codes import shown
from tests.cloud.served import Api


async def test_a_code_proves_the_token_that_no_ledger_has_told_of(any_api: Api) -> None:
    town = await online(any_api)
    sale = await any_api.made("/vends", town.vend(volume_ml=5_000_000))
    town.device.token(0, sale["tid"], 5_000_000)
    town.device.charge(0, 1_200_000)

    code = await shown(any_api, town)
    found = (await any_api.post(f"/meters/{town.drn}/return-code", {"code": code})).body

    assert (found["fits"], found["tokens_since"], found["last_tid"]) == (True, 1, sale["tid"])
    assert found["purchase_id"] == sale["purchase_id"]
    assert found["balance_from"] <= 3_800_000 < found["balance_below"]


async def test_a_code_of_what_the_ledger_knows_proves_the_balance(any_api: Api) -> None:
    town = await online(any_api)
    sale = await any_api.made("/vends", town.vend(volume_ml=2_000_000))
    town.device.token(0, sale["tid"], 2_000_000)
    await take_in(any_api, town, town.device.batch())
    town.device.charge(0, 1_990_000)

    found = (await any_api.post(f"/meters/{town.drn}/return-code", {"code": await shown(any_api, town)})).body

    assert (found["fits"], found["tokens_since"]) == (True, 0)
    assert found["balance_from"] <= 10_000 < found["balance_below"]


async def test_a_token_that_was_not_sold_is_not_proved(api: Api) -> None:
    town = await online(api)
    town.device.token(0, town.device.state.meters[0].tids.minimum + 9, 5_000_000)

    found = (await api.post(f"/meters/{town.drn}/return-code", {"code": await shown(api, town)})).body

    assert found["fits"] is False and found["last_tid"] is None


async def test_five_codes_a_day_are_checked_right_or_wrong(any_api: Api) -> None:
    town = await online(any_api)
    path = f"/meters/{town.drn}/return-code"
    for number in range(5):
        assert (await any_api.post(path, {"code": f"0000{number:08d}"})).body["fits"] is False

    sixth = await any_api.post(path, {"code": await shown(any_api, town)})
    any_api.clock.time += 86400
    next_day = await any_api.post(path, {"code": await shown(any_api, town)})

    assert (sixth.status, sixth.code) == (429, "guesses")
    assert (next_day.status, next_day.body["fits"]) == (200, True)


async def test_a_code_is_twelve_digits(api: Api) -> None:
    town = await online(api)

    answer = await api.post(f"/meters/{town.drn}/return-code", {"code": "12345"})

    assert (answer.status, answer.code) == (400, "invalid_body")


async def test_the_pin_is_the_meters_and_its_telling_is_audited(any_api: Api) -> None:
    town = await online(any_api)
    app = any_api.client.app
    assert app is not None
    async with app[DATABASE].begin() as session:
        key = await app[KEY_STORE].return_key(session, town.utility, town.drn, 1, app[CLOCK].now())

    told = (await any_api.get(f"/meters/{town.drn}/pin")).body["pin"]

    assert told == return_code.pin(key)
    last = (await any_api.get("/audit", limit=500)).body["items"][-1]
    assert (last["action"], last["subject"]) == ("key.pin", f"meter:{town.drn}")


async def test_a_gateway_without_a_device_has_no_codes(api: Api) -> None:
    town = await api.town(enrol=False)

    answer = await api.get(f"/meters/{town.drn}/pin")

    assert (answer.status, answer.code) == (409, "gateway_not_enrolled")
