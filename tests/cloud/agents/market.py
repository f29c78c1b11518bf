"""A town with an agent who sells: who made it, who approves, and the seller, each a person with an own key."""

from typing import Any

from tests.cloud.served import Api, Town


class Market:
    """`keeper` asks, `approver` approves, `seller` sells for the agent with the id `agent`."""

    def __init__(self, api: Api, town: Town) -> None:
        self.api = api
        self.town = town

    async def found(self, numerator: int = 3, denominator: int = 200, *, held_minor: int = 200_000) -> "Market":
        """Make the people and the agent, and fill its float."""
        self.keeper = await self.person("keeper", "operator")
        self.approver = await self.person("approver", "approver")
        self.agent = await self.add("Corner shop", numerator, denominator)
        self.seller = await self.sells_for(self.agent, "seller")
        if held_minor:
            await self.top_up(held_minor)
        return self

    async def person(self, name: str, role: str) -> Api:
        """Another person of the town."""
        return await self.api.person(f"{name}@{self.town.utility}.example", role, utility_id=self.town.utility)

    async def add(self, name: str, numerator: int, denominator: int) -> int:
        """Make an agent whose commission is approved; its id."""
        commission = {"numerator": numerator, "denominator": denominator}
        order = {"utility_id": self.town.utility, "name": name, "currency": "KES", "commission": commission}
        agent: int = (await self.keeper.made("/agents", order))["id"]
        if numerator:
            await self.approver.made(f"/agents/{agent}/commission/approve", commission)
        return agent

    async def sells_for(self, agent: int, name: str) -> Api:
        """A person who sells for an agent."""
        seller = await self.person(name, "agent")
        await self.api.made(f"/agents/{agent}/sellers", {"operator_id": await self.number(name)})
        return seller

    async def number(self, name: str) -> int:
        """The number of an operator."""
        rows = (await self.api.get("/operators", limit=500)).body["items"]
        found: int = next(one["id"] for one in rows if one["email"] == f"{name}@{self.town.utility}.example")
        return found

    async def ask(self, amount_minor: int, agent: int | None = None, **changes: Any) -> Any:
        """Ask for a top-up."""
        self.references = getattr(self, "references", 0) + 1
        order = {"kind": "top_up", "amount_minor": amount_minor, "source": "bank", "reason": "deposit slip"}
        order |= {"reference": f"slip {self.references}", **changes}
        return await self.keeper.post(f"/agents/{agent or self.agent}/float-requests", order)

    async def top_up(self, amount_minor: int, agent: int | None = None, **changes: Any) -> Any:
        """Top a float up with the approval of another person."""
        asked = (await self.ask(amount_minor, agent, **changes)).body
        return await self.approver.made(f"/float-requests/{asked['id']}/approve", None)

    async def held(self, agent: int | None = None) -> int:
        """What a float holds."""
        found: int = (await self.keeper.get(f"/agents/{agent or self.agent}")).body["held_minor"]
        return found

    async def balances(self) -> dict[str, int]:
        """Every account of the books that is not empty, by its code; debits less credits."""
        books = (await self.api.get(f"/books/{self.town.utility}")).body
        assert books["holds"], books
        return {row["code"]: row["balance"] for row in books["accounts"] if row["balance"]}
