"""Act 8: three forgeries by somebody who holds the second gateway's chip in his hands, and what the cloud finds."""

import time

from shared.sts.cipher import make_cipher
from shared.sts.fields import TransferCredit
from shared.sts.time_id import tid_at
from shared.sts.token import encode
from tools.demo import tampered
from tools.demo.scene import Scene

_BASE_YEAR = 2014
_WATER = 1
_AMOUNT_UNITS = 7  # of 0.1 m3


async def forgeries(scene: Scene) -> None:
    """A wrong signature, a wrong sum under a right signature, and a right token that nobody sold."""
    scene.act("Forgeries")
    site = scene.market
    await site.board.stop()
    head = (await scene.api.get(f"/gateways/{site.gateway_id}/entries", limit=1))["items"]
    before = len(await scene.entries(site))
    scene.require(bool(head), "the second gateway has no entries")

    await site.board.run(tampered.WRONG_SIGNATURE)
    case = await scene.case("bad signature")
    kept = await scene.api.items("/quarantine")
    scene.require(len(kept) > 0, "the forged batch is not in quarantine")
    scene.require(len(await scene.entries(site)) == before, "a forged batch moved the head")
    scene.say(f"A batch with a wrong signature: quarantined, case {case['id']}, and no head moved.")

    await site.board.run(tampered.WRONG_SUM)
    await site.board.start()
    case = await scene.case("contradicted")
    scene.say(f"A validly signed entry that gives itself 9 m3: stored as evidence, contradicted, case {case['id']}.")

    await _unsold_token(scene)


async def _unsold_token(scene: Scene) -> None:
    """An insider who knows a decoder key mints a token. It is valid, so the gateway takes it."""
    site = scene.market
    await site.board.stop()
    key = (await site.board.run(tampered.DECODER_KEY)).split()[-1]
    await site.board.start()
    await site.world.wait_for(lambda: site.world.connected and "m3" in "".join(site.world.lines()), "the display", 20.0)
    tid = tid_at(int(time.time()), _BASE_YEAR) + 2
    digits = encode(TransferCredit(_WATER, 3, tid, _AMOUNT_UNITS), make_cipher(11, bytes.fromhex(key)))
    await scene.type_token(site, 0, digits)
    await site.world.wait_for_text("ACCEPTED", 15.0)
    entry = await scene.token_entry(site, 0, tid)
    scene.require(entry["verdict"] == "unexplained", f"a token that was never sold is {entry['verdict']}")
    case = await scene.case("unexplained")
    scene.say(
        f"A valid token that was never vended: ACCEPTED at the keypad, unexplained in the cloud, case {case['id']}."
    )
    kinds = sorted({case["kind"] for case in await scene.api.items("/cases")})
    scene.say(f"An operator reads them all through the interface: {', '.join(kinds)}.")
