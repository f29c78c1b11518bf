"""A house of eight meters behind one board, as its cloud has it."""

from typing import Any

from tests.board.net import NamedCloud
from tools.api import Api
from tools.stack.seed import MeterSeed, seed

METERS = 8
_SITE = "Harbour Court"
_HOUSE = tuple(
    MeterSeed(_SITE, channel, str(20000001 + channel), f"Flat {channel + 1}", f"+23320000010{channel}", "en")
    for channel in range(METERS)
)


class HouseCloud(NamedCloud):
    """A cloud with one gateway; its `meters` are by channel."""

    async def _make_sites(self, api: Api) -> None:
        self.meters = sorted(await seed(api, _HOUSE), key=lambda meter: int(meter["channel"]))

    def first_meter(self) -> dict[str, Any]:
        """That of channel 0."""
        return self.meters[0]
