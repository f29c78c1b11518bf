"""An update from its signature to the ledger: real cloud and broker, a simulated board whose code lies in two slots."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from sqlalchemy import select

from cloud.auth.actor import Actor
from cloud.auth.rules import SCOPES
from cloud.clock import SystemClock
from cloud.db import Database
from cloud.ledger.models import Case, Verdict
from cloud.updates import releases, rollouts, rules
from cloud.updates.models import RolloutGateway
from shared import kinds
from shared.update import version_text
from tools import release
from tools.stack.stack import Ports, Site, Stack, running

LOADER = "tests/system/loader.py"
OLD, NEW, BAD = 0x00010000, 0x00010001, 0x00010002
SIZE = 20_000
ASKS = Actor(label="asks", utility_id=None, scopes=SCOPES, person_id=1)
STARTS = Actor(label="starts", utility_id=None, scopes=SCOPES, person_id=2)
TERMS = {
    "waves": [{"percent": 100}],
    "kept_percent": 100,
    "failure_percent": 0,
    "wave_s": 3600,
    "soak_s": 0,
    "silent_s": 3600,
    "reason": "test",
}


def image(version: int, starts: bool = True) -> bytes:
    """A program that is the gateway in this version, or one that crashes at its start."""
    text = f"from firmware import core\n\ncore.FIRMWARE_VERSION = {version}\n"
    text += "from firmware import main\n\nmain.run()\n" if starts else "import machine\n\nmachine.reset()\n"
    return text.encode().ljust(SIZE, b"\n")


class Home:
    """One gateway of a stack that runs from slots, and its cloud's database."""

    def __init__(self, stack: Stack, site: Site, database: Database) -> None:
        self.site = site
        self.database = database
        self.code = Path(f"{site.board.flash}-code")
        self._stack = stack

    async def prepare(self) -> None:
        """Move the running board onto slots that hold the old version."""
        await self.site.board.stop()
        self.code.mkdir()
        (self.code / "a").write_bytes(image(OLD))
        (self.code / "record").write_text(json.dumps({"good": 0, "starts_left": 0}))
        assert release.main(["module", "boards/development_release_key.hex", str(self.code / "release_key.py")]) == 0
        self.site.board._program = [LOADER]
        await self.site.board.start()

    async def roll_out(self, data: bytes, version: int) -> int:
        """A release of this image, on its way to the gateway; the rollout's id."""
        key = release.development_key()
        signed = release.signed(key, board="sim", version=version, minimum=OLD, images=(data, data))
        public = key.public_key().public_bytes_raw()
        async with self.database.begin() as session:
            made = await releases.add(session, ASKS, public, signed, "", 1)
            await releases.add_image(session, ASKS, made.id, data, 1)
            terms = {**TERMS, "utility_id": 1, "release_id": made.id}
            asked = await rollouts.ask(session, ASKS, gateways=[self.site.gateway_id], terms=terms, now=1)
            number = asked.id
        async with self.database.begin() as session:
            await rollouts.approve(session, STARTS, number, SystemClock().now())
        return number

    async def member(self, rollout: int) -> RolloutGateway:
        async with self.database.read() as session:
            return await session.get_one(RolloutGateway, (rollout, self.site.gateway_id))

    async def version(self) -> str:
        """What the cloud heard last."""
        async with self._stack.api() as api:
            rows = await api.items("/firmware")
        return next((row["version"] for row in rows if row["gateway_id"] == self.site.gateway_id), "")


@pytest.fixture
async def home(tmp_path: Path) -> AsyncIterator[Home]:
    async with running(tmp_path, Ports.free()) as stack:
        database = Database(f"sqlite:///{tmp_path / 'penstock.db'}")
        found = Home(stack, stack.sites[0], database)
        await found.prepare()
        yield found
        await database.close()


async def until(what: str, is_so: Callable[[], Awaitable[bool]], seconds: float = 90) -> None:
    """Wait for something; the error says for what."""
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    while loop.time() < end:
        if await is_so():
            return
        await asyncio.sleep(0.3)
    raise AssertionError(f"it did not happen in {seconds} s: {what}")


async def test_a_gateway_goes_from_version_to_version_and_back_from_one_that_does_not_start(home: Home) -> None:
    async def runs(version: int) -> bool:
        return await home.version() == version_text(version)

    async def is_at(rollout: int, *states: str) -> bool:
        return (await home.member(rollout)).state in states

    await until("the old version is heard", lambda: runs(OLD))
    good = await home.roll_out(image(NEW), NEW)
    await until("it was kept", lambda: is_at(good, rules.KEPT, rules.FAILED))
    await until("the new version is heard", lambda: runs(NEW))
    kept, record = await home.member(good), json.loads((home.code / "record").read_text())
    bad = await home.roll_out(image(BAD, starts=False), BAD)
    await until("it went back", lambda: is_at(bad, rules.KEPT, rules.FAILED))
    back, after = await home.member(bad), json.loads((home.code / "record").read_text())

    assert (kept.state, kept.outcome) == (rules.KEPT, None)
    assert record == {"good": 1, "starts_left": 0} == after
    assert (back.state, back.outcome) == (
        rules.FAILED,
        "rolled back: it did not run: the board started the old one again",
    )
    await until("the version that was kept is heard again", lambda: runs(NEW))
    async with home.database.read() as session:
        assert (await rollouts.of_id(session, ASKS, good)).state == "finished"
        verdicts = (await session.scalars(select(Verdict.verdict).where(Verdict.kind == kinds.UPDATE))).all()
        assert verdicts == ["explained"] * 3
        assert (await session.scalars(select(Case))).all() == []
