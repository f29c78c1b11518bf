"""Where a meter stands is what its ledger says: shown with its verdicts, and carried over to the next epoch."""

from cloud.keys import DATABASE, KEY_STORE
from cloud.ledger.messages import Message
from cloud.ledger.service import Ingest
from tests.cloud.served import Api, KeyedDevice, Town


async def send(town: Town) -> None:
    """Take in all that the device has not had acknowledged."""
    await send_part(town, None)


async def send_part(town: Town, last: int | None) -> None:
    """Take in what is not acknowledged up to an entry."""
    app, now = town.api.client.app, town.api.clock.now()
    assert app is not None
    ingest = Ingest(app[DATABASE], app[KEY_STORE])
    outcome = await ingest.process([Message(town.gateway, town.device.batch(None, last), now)], now)
    for reply in outcome.replies:
        town.device.receive(reply.data)


async def sold_and_used(api: Api, used_ml: int = 1_000) -> Town:
    """A town whose meter took in a token of 5 m3, and drew some of it."""
    town = await api.town()
    sold = await api.made("/vends", town.vend())
    town.device.token(0, sold["tid"], sold["volume_ml"])
    town.device.charge(0, used_ml)
    await send(town)
    return town


async def test_a_meter_is_shown_with_the_balance_and_register_of_its_ledger(api: Api) -> None:
    town = await sold_and_used(api, used_ml=1_000)

    meter = (await api.get(f"/meters/{town.drn}")).body

    assert (meter["balance_ml"], meter["register_ml"]) == (4_999_000, 1_000)
    assert meter["last_verdicts"][0]["verdict"] == "explained"


async def test_a_sale_is_explained_once_the_ledger_shows_its_credit(api: Api) -> None:
    town = await api.town()
    sold = await api.made("/vends", town.vend())
    before = (await api.get(f"/vends/{sold['purchase_id']}")).body["state"]

    town.device.token(0, sold["tid"], sold["volume_ml"])
    await send(town)

    after = (await api.get(f"/vends/{sold['purchase_id']}")).body["state"]
    assert (before, after) == ("vended", "explained")


async def test_the_next_epoch_opens_with_the_balance_and_register_of_the_last(api: Api) -> None:
    town = await sold_and_used(api, used_ml=1_000)
    town.device = KeyedDevice()

    await town.enrol(town.device)
    await send(town)

    meter = (await api.get(f"/meters/{town.drn}")).body
    assert (meter["balance_ml"], meter["register_ml"]) == (4_999_000, 1_000)
    assert {verdict["verdict"] for verdict in meter["last_verdicts"] if verdict["epoch"] == 2} == {"explained"}
    assert (await api.get("/cases")).body["items"] == []


async def test_a_device_with_entries_cannot_begin_its_epoch_again(api: Api) -> None:
    town = await sold_and_used(api)
    asked = (await town.challenge(town.device)).body
    proof = town.device.answer(asked["utility"], asked["gateway"], bytes.fromhex(asked["challenge"]))

    answer = await api.post(f"/gateways/{town.gateway}/enrolment/proof", {"signature": proof.hex()})

    assert (answer.status, answer.code) == (409, "epoch_used")


async def test_an_epoch_that_ended_before_its_meters_were_heard_of_loses_no_credit(api: Api) -> None:
    town = await sold_and_used(api, used_ml=1_000)
    town.device = KeyedDevice()
    await town.enrol(town.device)
    await send_part(town, 2)
    town.device = KeyedDevice()

    await town.enrol(town.device)
    await send(town)

    meter = (await api.get(f"/meters/{town.drn}")).body
    assert (meter["balance_ml"], meter["register_ml"]) == (4_999_000, 1_000)
