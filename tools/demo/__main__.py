"""`make demo`: the whole story against the real parts, on free ports in a folder of its own; 0 if all was observed."""

import asyncio
import shutil
import sys
import tempfile
import time
from pathlib import Path

from tools.api import ApiError
from tools.demo import forgery, offline, power, sale
from tools.demo.scene import NotObserved, Scene
from tools.provision import ProvisionError
from tools.sim.world import WorldError
from tools.stack.stack import Ports, StackError, running


async def story(folder: Path) -> None:
    """Every act in order; what is not observed ends it."""
    async with running(folder, Ports.free()) as stack, stack.api() as api:
        scene = Scene(stack, api)
        await sale.enrolment(scene)
        receipt = await sale.sale(scene)
        await sale.keypad(scene, receipt)
        await sale.refusals(scene, receipt)
        await offline.water(scene)
        await offline.verified(scene)
        await offline.remote(scene)
        await forgery.forgeries(scene)
        await power.power(scene)


def main() -> int:
    """Play it in a temporary folder, which is left behind for a look when the story fails."""
    started = time.monotonic()
    folder = Path(tempfile.mkdtemp(prefix="penstock-demo-"))
    try:
        asyncio.run(story(folder))
    except (NotObserved, WorldError, StackError, ApiError, ProvisionError, RuntimeError) as error:
        print(f"\ndemo: FAILED: {error}\n      the logs are in {folder}")
        return 1
    shutil.rmtree(folder)
    print(f"\ndemo: every step was observed, in {time.monotonic() - started:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
