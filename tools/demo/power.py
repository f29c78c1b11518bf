"""Act 9: gateway, cloud and broker are killed at the worst moments, and every ledger still adds up."""

import asyncio

from tools.demo import tampered
from tools.demo.scene import NotObserved, Scene, m3
from tools.stack.stack import Site

_FLOW_ML = 25_000
_ML_PER_S = 10_000
_FLOW_CUTS = 2
_PRESS_S = 0.1
_WRITE_S = 0.06  # after the finger is down: about when the key is seen
_SYNC_ROUNDS = 5
_LOSS_BOUND_ML = 15_000  # a cut: the journal is written every 10 L, and half a second of flow is on its way into it


async def power(scene: Scene) -> None:
    """Typing, a ledger write, flow, a sync; then the cloud and the broker."""
    scene.act("Power cuts, and the end of processes")
    site, world = scene.hill, scene.hill.world
    await _typing(scene, site)
    for kill in range(_FLOW_CUTS):
        flow = asyncio.create_task(world.flow(1, _FLOW_ML, _ML_PER_S))
        await asyncio.sleep(_FLOW_ML / _ML_PER_S * (kill + 1) / (_FLOW_CUTS + 1))
        await site.board.kill()
        await flow  # what comes to a board without power is known; what it makes of its first pulses is not
        await switch_on(site)
    scene.say(f"Killed {_FLOW_CUTS} times while water flowed.")

    await scene.stack.broker.kill()
    await scene.sell(site.drns[1], 1_000_000, "remote")
    await scene.stack.broker.start()
    await scene.stack.cloud.kill()
    await restart(site)
    await scene.stack.cloud.start()
    scene.say("The broker was killed, a remote sale made meanwhile; the cloud and the gateway were killed in a sync.")
    await _all_verified(scene, site)


async def _typing(scene: Scene, site: Site) -> None:
    """Killed after eleven digits, and again when the twentieth makes it write to its ledger."""
    world = site.world
    receipt = await scene.sell(site.drns[1], 1_000_000)
    await scene.type_token(site, 1, receipt["token"][:11])
    await restart(site)
    await scene.type_token(site, 1, receipt["token"][:19])
    last = asyncio.create_task(world.hold(receipt["token"][19], _PRESS_S))
    await asyncio.sleep(_WRITE_S)
    await site.board.kill()
    await last
    await restart(site)
    await scene.type_token(site, 1, receipt["token"])
    await world.wait_for(lambda: _result(world.lines()) != "", "the result of the token", 15.0)
    scene.say(
        "Killed in the middle of typing: nothing was half taken. Killed while the accepted token was being written; "
        f"typed once more: {_result(world.lines())}, so it counted once."
    )


def _result(lines: tuple[str, ...]) -> str:
    return next((word for word in ("ACCEPTED", "USED") if word in lines[0]), "")


async def _all_verified(scene: Scene, site: Site) -> None:
    """The cloud's copy is the device's ledger, without a gap, and every figure in it adds up."""
    head, registers = await _synced(scene, site)
    entries = await scene.entries(site)
    scene.require([e["sequence"] for e in entries] == list(range(1, len(entries) + 1)), "a gap or a double")
    wrong = [e for e in entries if e["verdict"] in ("contradicted", "unexplained")]
    scene.require(not wrong, f"entry {wrong[0]['sequence'] if wrong else ''} is not explained")
    scene.require(entries[-1]["hash"][:32] == head, "the cloud's head is not the device's")
    scene.say(f"{len(entries)} entries in the cloud, no gap, no double, none contradicted; the heads agree.")
    for channel, drn in sorted(site.drns.items()):
        meter = await scene.meter(drn)
        credit = sum(e["delta"] for e in entries if e["channel"] == channel and e["kind"] in ("token", "meter"))
        left_ml = await scene.left_ml(site, channel)
        scene.require(credit - meter["register_ml"] == left_ml, f"meter {drn} does not add up")
        pipe = site.world.pipes[channel]
        lost_ml = pipe.delivered_ml - pipe.unheard_ml - registers[channel]
        scene.require(0 <= lost_ml <= _LOSS_BOUND_ML * _FLOW_CUTS, f"meter {drn} lost {lost_ml} ml of pulses")
        scene.say(f"Meter {drn}: {m3(credit)} in, {m3(meter['register_ml'])} out, {m3(meter['balance_ml'])} left; "
                  f"{lost_ml} ml of what flowed under power not counted.")  # fmt: skip


async def _synced(scene: Scene, site: Site) -> tuple[str, list[int]]:
    """Let the gateway bring everything up, then stop it; the front of its head and its registers, from its flash."""
    for _ in range(_SYNC_ROUNDS):
        await site.board.stop()
        sequence, head, *registers = (await site.board.run(tampered.HEAD)).splitlines()[-1].split()
        entries = await scene.entries(site)
        if entries[-1]["sequence"] == int(sequence):
            return head, [int(register) for register in registers]
        await site.board.start()

        async def caught_up(wanted: int = int(sequence) + 1) -> bool:
            return bool((await scene.entries(site))[-1]["sequence"] >= wanted)  # one more: the start itself

        await scene.until("the rest of the ledger in the cloud", caught_up, 60.0)
    raise NotObserved("the gateway's ledger does not come to rest")


async def restart(site: Site) -> None:
    """Cut the power, and give it back."""
    await site.board.kill()
    await switch_on(site)


async def switch_on(site: Site) -> None:
    """Give the power back, and wait until the display shows that the gateway runs."""
    await site.board.start()
    await site.world.wait_for(
        lambda: site.world.connected and "m3" in "".join(site.world.lines()), "the display after the start", 20.0
    )
