"""Acts 1 to 4: enrolment, a sale, the keypad, and what the keypad refuses."""

from shared.sts.digits import grouped
from tools.demo.power import restart
from tools.demo.scene import Item, Scene, m3

SALE_ML = 1_500_000
_WRONG_ENTRIES = 3


async def enrolment(scene: Scene) -> None:
    """The gateways have keys of their own and a signed beginning of their ledgers in the cloud."""
    scene.act("An operator creates a utility, customers, gateways with their meters; the gateways are enrolled")
    for site in scene.stack.sites:

        async def opened(site: object = site) -> Item | None:
            return await scene.entry(site, lambda entry: entry["kind"] == "meter" and entry["verdict"] == "explained")  # type: ignore[arg-type]

        await scene.until(f"the opening of {site.name}'s ledger", opened, 30.0)
        epoch = (await scene.api.get(f"/gateways/{site.gateway_id}"))["epoch"]
        scene.say(
            f"{site.name}: gateway {site.gateway_id}, epoch {epoch}, meters {', '.join(site.drns.values())}; "
            "it made its keys, signed the challenge, opened its sealed bundle; its first entries are explained."
        )


async def sale(scene: Scene) -> Item:
    """1.5 m3 is paid and becomes twenty digits."""
    scene.act("A sale of 1.5 m3 is vended")
    drn = scene.hill.drns[0]
    receipt = await scene.sell(drn, SALE_ML)
    again = await scene.sell(drn, SALE_ML, purchase_id=receipt["purchase_id"])
    scene.require(again["token"] == receipt["token"], "a repeated purchase gave another token")
    scene.say(
        f"Meter {drn}: {m3(receipt['volume_ml'])} for {receipt['amount_minor']} minor units of {receipt['currency']}, "
        f"TID {receipt['tid']}; asked again, the same token and no second sale."
    )
    await scene.message("+233200000001", grouped(receipt["token"]))
    scene.say("The customer got the digits as a message.")
    return receipt


async def keypad(scene: Scene, receipt: Item) -> None:
    """The digits are typed; the valve opens."""
    scene.act("The 20 digits are typed on the gateway's keypad")
    world, digits = scene.hill.world, receipt["token"]
    await scene.type_token(scene.hill, 0, digits[:12])
    shown = await world.wait_for_text(grouped(digits[:12]))
    scene.say(f"The display groups them as they come: {' / '.join(line.strip() for line in shown if line.strip())}.")
    await world.press(digits[12:])
    await world.wait_for_text("ACCEPTED")
    await world.wait_for_text("1.500 m3", 10.0)
    await world.wait_for_text("Balance", 10.0)
    await world.wait_for(lambda: world.valve(0).opened, "an open valve")
    scene.say("ACCEPTED, then the amount 1.500 m3, then the new balance; the valve is open.")
    entry = await scene.explained(scene.hill, 0, receipt["tid"])
    scene.say(
        f"The cloud has the entry, number {entry['sequence']} of the ledger, and joined it to the sale: explained."
    )


async def refusals(scene: Scene, receipt: Item) -> None:
    """Used and wrong tokens, and a lock that a power cut does not open."""
    scene.act("The same token again; wrong ones; a power cut")
    world, site = scene.hill.world, scene.hill
    await scene.type_token(site, 0, receipt["token"])
    await world.wait_for_text("USED")
    scene.say("The same token again: USED.")
    for wrong in range(_WRONG_ENTRIES):
        await scene.type_token(site, 0, mistyped(receipt["token"], wrong))
        await world.wait_for_text("REJECTED")
    scene.say(f"Mistyped {_WRONG_ENTRIES} times: REJECTED each time.")
    await restart(site)
    await scene.type_token(site, 0, mistyped(receipt["token"], 9))
    await world.wait_for_text("LOCKED")
    scene.say("The gateway's power was cut and came back: still LOCKED.")


def mistyped(digits: str, how: int) -> str:
    """The digits with one changed that leaves the class bits likely as they are, differently for each `how`."""
    at = 19 - how % 4
    return digits[:at] + str((int(digits[at]) + 1 + how) % 10) + digits[at + 1 :]
