"""Acts 5 to 7: water flows while the cloud is away, it comes back and verifies, a second sale is credited remotely."""

import asyncio

from tools.demo.sale import SALE_ML
from tools.demo.scene import Item, Scene, m3
from tools.stack.seed import PULSE_VOLUME_ML

_LOW_ML = 1_050_000
_ML_PER_S = 250_000
_SLOWLY_ML_PER_S = 30_000


async def water(scene: Scene) -> None:
    """The cloud is killed; the gateway charges, warns and closes by itself."""
    scene.act("Water flows while the cloud is down")
    world = scene.hill.world
    await scene.stack.cloud.kill()
    scene.say("The cloud was killed.")
    await world.flow(0, _LOW_ML, _ML_PER_S)
    rest = asyncio.create_task(world.flow(0, SALE_ML, _SLOWLY_ML_PER_S))
    await world.wait_for_text("LOW CREDIT", 30.0)
    scene.say(f"{m3(_LOW_ML)} drawn: the display warns of LOW CREDIT.")
    drawn_ml = await rest
    await world.wait_for(lambda: world.valve(0).closed, "a closed valve", 20.0)
    scene.say(f"The balance went down to zero and the valve closed, after {m3(_LOW_ML + drawn_ml)} in all.")


async def verified(scene: Scene) -> None:
    """The cloud comes back and verifies what happened without it."""
    scene.act("The cloud is back")
    drn, site = scene.hill.drns[0], scene.hill
    await scene.stack.cloud.start()

    async def closure() -> Item | None:
        return await scene.entry(site, lambda e: e["kind"] == "valve intent" and e["channel"] == 0 and e["detail"] == 0)

    entry = await scene.until("the closure in the cloud", closure, 45.0)
    scene.require(entry["verdict"] != "contradicted", f"the closure is contradicted: {entry['reason']}")
    scene.say(
        f"The signed batches came: entry {entry['sequence']} closes the valve by rule {entry['rule']}, "
        "as the policy says."
    )

    async def at_rest() -> Item | None:
        return await scene.entry(
            site, lambda e: e["kind"] == "valve outcome" and e["channel"] == 0 and e["detail"] == 0
        )

    await scene.until("the closed valve in the cloud", at_rest)
    meter = await scene.meter(drn)
    register_ml, delivered_ml = meter["register_ml"], scene.hill.world.pipes[0].delivered_ml
    rest_ml = delivered_ml - register_ml  # less than a pulse, and pulses that came with the end switch
    scene.require(0 <= rest_ml < 5 * PULSE_VOLUME_ML, f"register {register_ml} ml, delivered {delivered_ml} ml")
    left_ml = await scene.left_ml(site, 0)
    scene.require(left_ml == SALE_ML - register_ml, f"left {left_ml} ml of {SALE_ML} after {register_ml}")
    scene.say(
        f"Conservation: sold {m3(SALE_ML)}, register {m3(register_ml)}, balance {m3(meter['balance_ml'])}, "
        f"owed {m3(meter['accumulated_debt'])} for what flowed while the valve closed: it adds up to the millilitre; "
        f"the pipe delivered {m3(delivered_ml)}."
    )


async def remote(scene: Scene) -> None:
    """A sale that nobody types."""
    scene.act("A second sale is credited remotely")
    drn, site = scene.hill.drns[1], scene.hill
    before = (await scene.meter(drn))["balance_ml"]
    receipt = await scene.sell(drn, 2_000_000, "remote")
    entry = await scene.explained(site, 1, receipt["tid"], 30.0)
    scene.say(f"The token went down in a signed command; entry {entry['sequence']} confirms it: explained.")
    await site.world.wait_for(lambda: site.world.valve(1).opened, "an open valve")
    meter = await scene.meter(drn)
    scene.require(meter["balance_ml"] == before + 2_000_000, f"balance {meter['balance_ml']} ml")
    told = await scene.message("+233200000002", "crédit de")
    scene.say(
        f"The valve of meter 2 opened, its balance is {m3(meter['balance_ml'])}, "
        f"and the customer was told: {told['text']!r}."
    )
