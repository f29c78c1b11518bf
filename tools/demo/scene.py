"""What the acts of the story share: the stack, its gateways, and ways to look at what happened.

Nothing is taken on trust: each sentence is printed after what it says was observed, and a miss ends the story.
"""

import asyncio
import json
import time
import uuid
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from tools.api import Api
from tools.stack.seed import PRICE_MINOR_PER_M3
from tools.stack.stack import Site, Stack

T = TypeVar("T")
_LOOK_EVERY_S = 0.1
_TOKEN_CREDIT = 1  # the pot
_ML_PER_M3 = 1_000_000

Item = dict[str, Any]


class NotObserved(Exception):
    """A step of the story did not happen; one line."""


class Scene:
    """The first site has two meters, the second one; `say` prints what was seen."""

    def __init__(self, stack: Stack, api: Api) -> None:
        self.stack = stack
        self.api = api
        self.hill, self.market = stack.sites
        self.steps = 0
        self._started = time.monotonic()

    def act(self, title: str) -> None:
        """Begin an act."""
        self.steps += 1
        print(f"\n{self.steps}. {title}", flush=True)

    def say(self, sentence: str) -> None:
        """Tell what was observed."""
        print(f"   {time.monotonic() - self._started:5.1f} s  {sentence}", flush=True)

    async def until(self, what: str, look: Callable[[], Awaitable[T | None]], timeout_s: float = 15.0) -> T:
        """Look until there is something to see; NotObserved names what did not come."""
        end = time.monotonic() + timeout_s
        while time.monotonic() < end:
            found = await look()
            if found:
                return found
            await asyncio.sleep(_LOOK_EVERY_S)
        raise NotObserved(f"{what}: not seen in {timeout_s:.0f} s")

    def require(self, holds: bool, what: str) -> None:
        """Go on only if it holds."""
        if not holds:
            raise NotObserved(what)

    async def sell(self, drn: str, volume_ml: int, delivery: str = "keypad", purchase_id: str = "") -> Item:
        """Sell for cash; the receipt."""
        price = -(-volume_ml * PRICE_MINOR_PER_M3 // _ML_PER_M3)
        order = {
            "purchase_id": purchase_id or str(uuid.uuid4()),
            "drn": drn,
            "volume_ml": volume_ml,
            "tender": {"kind": "cash", "amount_minor": price, "currency": "GHS"},
            "delivery": delivery,
        }
        receipt: Item = await self.api.post("/vends", order)
        return receipt

    async def type_token(self, site: Site, channel: int, digits: str) -> None:
        """Type on the keypad, key by key; with several meters the meter is chosen first."""
        if len(site.drns) > 1:
            await site.world.press("1" + str(channel + 1))
        await site.world.press(digits)

    async def meter(self, drn: str) -> Item:
        """A meter as the cloud knows it."""
        found: Item = await self.api.get(f"/meters/{drn}")
        return found

    async def left_ml(self, site: Site, channel: int) -> int:
        """What is left of what was sold: the balance less what is owed and what flowed for nothing, by the ledger."""
        left = register = 0
        for entry in await self.entries(site):
            if entry["channel"] != channel:
                continue
            if entry["kind"] == "charge" and entry["pot"] != _TOKEN_CREDIT:
                left -= entry["register_ml"] - register
            elif entry["kind"] != "repay":
                left += entry["delta"]
            register = entry["register_ml"]
        return left

    async def entries(self, site: Site) -> list[Item]:
        """A gateway's ledger as the cloud has it."""
        return await self.api.items(f"/gateways/{site.gateway_id}/entries")

    async def entry(self, site: Site, look: Callable[[Item], bool]) -> Item | None:
        """The newest entry that fits."""
        return next((entry for entry in reversed(await self.entries(site)) if look(entry)), None)

    async def explained(self, site: Site, channel: int, tid: int, timeout_s: float = 20.0) -> Item:
        """Wait until the token with this TID has a verdict, and require that it is explained."""
        entry = await self.token_entry(site, channel, tid, timeout_s)
        self.require(entry["verdict"] == "explained", f"the token is {entry['verdict']}: {entry['reason']}")
        return entry

    async def token_entry(self, site: Site, channel: int, tid: int, timeout_s: float = 20.0) -> Item:
        """Wait until the cloud holds the token's entry with a verdict."""

        async def look() -> Item | None:
            return await self.entry(
                site, lambda e: (e["kind"], e["channel"], e["reference_a"]) == ("token", channel, tid) and e["verdict"]
            )

        return await self.until("the token's entry in the cloud", look, timeout_s)

    async def case(self, kind: str) -> Item:
        """Wait for an open case of a kind."""

        async def look() -> Item | None:
            cases = await self.api.items("/cases")
            return next((case for case in cases if case["kind"] == kind), None)

        return await self.until(f"a case of kind {kind}", look, 20.0)

    def messages(self) -> list[Item]:
        """What the customers were sent, as the development sink has it."""
        if not self.stack.sink.exists():
            return []
        return [json.loads(line) for line in self.stack.sink.read_text(encoding="utf-8").splitlines()]

    async def message(self, to: str, part: str) -> Item:
        """Wait for a delivered message."""

        async def look() -> Item | None:
            return next((m for m in self.messages() if m["address"] == to and part in m["text"]), None)

        return await self.until(f"a message to {to} with {part!r}", look)


def m3(volume_ml: int) -> str:
    """A volume for a sentence."""
    return f"{volume_ml / _ML_PER_M3:.3f} m3"
