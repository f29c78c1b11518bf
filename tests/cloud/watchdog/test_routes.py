"""The stages of a purchase and the list of stuck ones, as callers of the API see them."""

from cloud.keys import CARRIERS, CLOCK, DATABASE, KEY_STORE
from cloud.notify.delivery import Outbox
from cloud.watchdog.rules import Limits
from cloud.watchdog.worker import Watchdog
from tests.cloud.served import Api

DAY_S = 86_400


async def test_a_sale_at_the_counter_is_delivered_with_its_answer(any_api: Api) -> None:
    town = await any_api.town()
    sold = await any_api.made("/vends", town.vend())

    found = (await any_api.get(f"/vends/{sold['purchase_id']}/stages")).body

    assert (found["stage"], found["delivered_by"], found["stuck_s"]) == ("delivered", "counter", 0)
    assert found["paid_at"] == found["vended_at"] == found["delivered_at"] == any_api.clock.now()
    assert found["applied_at"] is None
    assert found["sentence"].startswith(f"Compteur {town.drn} : le jeton a été remis")


async def test_who_may_see_sales_sees_stages_and_another_utility_does_not(any_api: Api) -> None:
    town = await any_api.town()
    other = await any_api.town()
    sold = await any_api.made("/vends", town.vend())
    path = f"/vends/{sold['purchase_id']}/stages"
    support = await any_api.person("support@b.example", "support", utility_id=town.utility)
    stranger = await any_api.person("stranger@b.example", "support", utility_id=other.utility)

    assert (await support.get(path)).status == 200
    assert (await stranger.get(path)).status == 404
    assert (await any_api.get("/vends/00000000-0000-0000-0000-000000000000/stages")).code == "purchase_unknown"


async def test_a_stuck_purchase_is_listed_with_what_to_do(any_api: Api) -> None:
    town = await any_api.town()
    sold = await any_api.made("/vends", town.vend())
    app = any_api.client.app
    assert app is not None
    await Outbox(app[DATABASE], app[KEY_STORE], app[CARRIERS], app[CLOCK]).deliver_due()
    dog = Watchdog(app[DATABASE], app[KEY_STORE], app[CARRIERS], app[CLOCK], Limits())

    any_api.clock.time += 4 * DAY_S
    await dog.find_late()
    await dog.heal_due()

    (stuck,) = (await any_api.get("/stuck-purchases")).body["items"]
    stages = (await any_api.get(f"/vends/{sold['purchase_id']}/stages")).body
    assert (stuck["purchase_id"], stuck["code"]) == (sold["purchase_id"], "gateway_away")
    assert (stages["code"], stages["alarmed_at"]) == ("gateway_away", any_api.clock.now())
    assert stages["stuck_s"] == 4 * DAY_S
