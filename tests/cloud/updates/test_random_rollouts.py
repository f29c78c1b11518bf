"""Random lives of rollouts: gateways keep, fail, refuse and fall silent, people intervene; the rules hold."""

import random

import pytest

from cloud.db import Database
from cloud.errors import CloudError
from cloud.updates import rollouts, rules
from shared import command_results as results
from shared import documents, kinds
from tests.cloud.updates.fleet import ASKS, Fleet

STEPS = 60
LIVES = 3
GATEWAYS = 7
WAVES = [{"gateways": 1}, {"percent": 40}, {"percent": 100}]


class Life:
    """One rollout, and what its gateways are at."""

    def __init__(self, fleet: Fleet, rollout: int, chance: random.Random) -> None:
        self.fleet = fleet
        self.rollout = rollout
        self.chance = chance
        self.told: set[int] = set()  # they have the command and have not answered
        self.loading: set[int] = set()
        self.trying: set[int] = set()

    async def step(self) -> None:
        """Time passes, something happens, and the worker looks."""
        await self.chance.choice([self.answer, self.answer, self.start, self.end, self.end, self.intervene])()
        self.fleet.wait(self.chance.choice([1, 300, 900]))
        before, members = await self.fleet.look(self.rollout)
        for gateway in await self.fleet.step():
            if not self.fleet.orders[gateway]["payload"]:
                self.loading.discard(gateway)
                await self.fleet.answer(gateway)
                continue
            self.told.add(gateway)
        await self.check(before.state, members)

    async def answer(self) -> None:
        """A gateway carries its command out, or refuses it."""
        if self.told:
            gateway = self.told.pop()
            done = self.chance.random() < 0.9
            await self.fleet.answer(gateway, results.DONE if done else results.OTHER_BOARD)
            if done:
                self.loading.add(gateway)

    async def start(self) -> None:
        """A gateway begins its trial."""
        if self.loading:
            gateway = self.loading.pop()
            self.trying.add(gateway)
            await self.fleet.say(gateway, kinds.UPDATE_TRIAL)

    async def end(self) -> None:
        """A trial ends well, mostly."""
        if self.trying:
            gateway = self.trying.pop()
            good = self.chance.random() < 0.85
            await self.fleet.say(gateway, kinds.UPDATE_KEPT if good else kinds.UPDATE_ROLLED_BACK)

    async def intervene(self) -> None:
        """A person pauses, resumes or, seldom, cancels."""
        change = self.chance.choice([rollouts.pause, rollouts.resume, rollouts.resume, rollouts.cancel])
        if change is rollouts.cancel and self.chance.random() < 0.8:
            return
        try:
            async with self.fleet.town.database.begin() as session:
                await change(session, ASKS, self.rollout, self.fleet.now())
        except CloudError:
            pass  # not in this state

    async def check(self, before: str, members_before: dict) -> None:  # type: ignore[type-arg]
        row, members = await self.fleet.look(self.rollout)
        begun = [one for one in members.values() if one.wave <= row.wave]
        failed = [one for one in begun if one.state == rules.FAILED]
        told = [one for one in begun if one.state not in (rules.SKIPPED, rules.STOPPING)]
        assert all(one.command_id is None for one in members.values() if one.wave > row.wave), "a wave was left out"
        if row.state == "running":
            assert len(failed) * 100 <= row.failure_percent * len(told), "it goes on above its limit"
        if row.state == "finished" and before == "running":
            last = [one for one in members.values() if one.wave == len(WAVES) - 1 and one.state != rules.SKIPPED]
            assert all(one.state in (rules.KEPT, rules.FAILED, rules.TRIAL) for one in last)
        for gateway, one in members_before.items():
            assert before == "running" or members[gateway].command_id == one.command_id, "somebody further is told"
            if one.state == rules.KEPT or (one.state == rules.SKIPPED and one.command_id is None):
                assert members[gateway].state == one.state, "what has ended does not begin again"
            if one.state == rules.FAILED and members[gateway].state != rules.FAILED:
                assert str(one.outcome).startswith("silent"), "what has failed does not begin again"


@pytest.mark.parametrize("life", range(LIVES))
async def test_a_rollout_keeps_its_rules_whatever_happens(database: Database, life: int, chance: random.Random) -> None:
    print("life", life)
    fleet = await Fleet.found(database, GATEWAYS)
    release = await fleet.release()
    terms = {"waves": WAVES, "failure_percent": chance.choice([0, 20, 40]), "kept_percent": chance.choice([50, 100])}
    rollout = await fleet.rollout(release.id, **terms)
    lived = Life(fleet, rollout, chance)

    for _ in range(STEPS):
        await lived.step()

    assert {data[:8] for _, data in fleet.sent} <= {documents.COMMAND.tag}
