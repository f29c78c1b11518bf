"""A whole update of the emulated chip over its modem: command, download, hash, trial from the other slot, kept.

It takes some ten minutes, so it runs with PENSTOCK_LONG=1 only (conftest.py), and builds the next version by itself.
"""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from cloud.clock import SystemClock
from cloud.db import Database
from cloud.updates import releases, rollouts, rules
from cloud.updates.models import GatewayFirmware, RolloutGateway
from firmware.core import FIRMWARE_VERSION
from tests.board.emulated import IMAGE, ROOT, EmulatedBoard
from tests.board.net import Online, at_a_cloud
from tests.cloud.updates.fleet import ASKS, STARTS, TERMS
from tools import release

NEXT = FIRMWARE_VERSION + 1
BUILT = os.environ.get("PENSTOCK_NEXT_IMAGE")  # a folder with images of the next version that were built before
_BUILD_S = 900
_UPDATE_S = 1500


@pytest.fixture
async def next_images(tmp_path: Path) -> tuple[bytes, bytes]:
    """Images of the next version for both slots, built from the same sources but for the number."""
    folder = Path(BUILT) if BUILT else await _built(tmp_path / "next")
    first, second = (folder / f"{IMAGE.stem}.{slot}.bin" for slot in "ab")
    return first.read_bytes(), second.read_bytes()


async def _built(tree: Path) -> Path:
    for folder in ("shared", "firmware", "boards", "tools"):
        shutil.copytree(ROOT / folder, tree / folder, ignore=shutil.ignore_patterns("__pycache__"))
    (tree / "build").mkdir()
    (tree / "build" / "micropython").symlink_to(ROOT / "build" / "micropython")
    core = tree / "firmware" / "core.py"
    text = core.read_text()
    core.write_text(text.replace(f"= const(0x{FIRMWARE_VERSION:08x})", f"= const(0x{NEXT:08x})"))
    assert core.read_text() != text
    words = ["bash", tree / "tools/setup/image.sh", ROOT / "build/rp2040", IMAGE.stem, tree / "made"]
    environment = {**os.environ, "PYTHON": str(ROOT / ".venv/bin/python")}
    build = await asyncio.create_subprocess_exec(*map(str, words), env=environment)
    async with asyncio.timeout(_BUILD_S):
        assert await build.wait() == 0
    return tree / "made"


@pytest.fixture
async def online(board: EmulatedBoard, tmp_path: Path) -> AsyncIterator[Online]:
    async with at_a_cloud(board, tmp_path / "stack") as made:
        yield made


async def test_the_chip_runs_the_next_version_from_its_other_slot(
    online: Online, next_images: tuple[bytes, bytes], tmp_path: Path
) -> None:
    database = Database(f"sqlite:///{tmp_path / 'stack' / 'penstock.db'}")
    gateway = online.meter["gateway_id"]
    await online.start()
    await online.logged("acknowledged up to", timeout_s=_UPDATE_S)
    resets = (await online.board.do("state"))["resets"]
    rollout = await roll_out(database, gateway, next_images)

    async def is_over() -> bool:
        async with database.read() as session:
            member = await session.get_one(RolloutGateway, (rollout, gateway))
        return member.state in (rules.KEPT, rules.FAILED, rules.SKIPPED)

    await until(online, is_over)

    async with database.read() as session:
        member = await session.get_one(RolloutGateway, (rollout, gateway))
        runs = await session.get_one(GatewayFirmware, gateway)
    await database.close()
    assert (member.state, member.outcome) == (rules.KEPT, None)
    assert runs.version == NEXT
    assert (await online.board.do("state"))["resets"] == resets + 1


async def roll_out(database: Database, gateway: int, images: tuple[bytes, bytes]) -> int:
    """A release of these images, on its way to the gateway; the rollout's id."""
    now = SystemClock().now()
    key = release.development_key()
    signed = release.signed(key, board=IMAGE.stem, version=NEXT, minimum=FIRMWARE_VERSION, images=images)
    async with database.begin() as session:
        made = await releases.add(session, ASKS, key.public_key().public_bytes_raw(), signed, "", now)
        for image in images:
            await releases.add_image(session, ASKS, made.id, image, now)
        terms = {**TERMS, "utility_id": 1, "release_id": made.id, "soak_s": 0}
        number = (await rollouts.ask(session, ASKS, gateways=[gateway], terms=terms, now=now)).id
    async with database.begin() as session:
        await rollouts.approve(session, STARTS, number, now)
    return number


async def until(online: Online, is_so) -> None:  # type: ignore[no-untyped-def]
    """Wait; AssertionError with the end of the log when it takes too long."""
    loop = asyncio.get_running_loop()
    end = loop.time() + _UPDATE_S
    while not await is_so():
        assert loop.time() < end, online.console.lines[-30:]
        await asyncio.sleep(1)
