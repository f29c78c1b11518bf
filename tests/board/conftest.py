"""An emulated board, and one that a real cloud has enrolled; both are off when the test ends."""

import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.board.emulated import IMAGE, EmulatedBoard
from tools.api import Api
from tools.provision import provision
from tools.stack.seed import seed
from tools.stack.stack import Ports, Stack

_SITE = "Market Square 4"

collect_ignore = [] if os.environ.get("PENSTOCK_LONG") else ["test_whole_update.py"]

if not IMAGE.exists():  # `make firmware` has said why: this machine is no Debian
    collect_ignore_glob = ["test_*.py"]


class Cloud(Stack):
    """Broker and cloud without gateways of their own."""

    async def _make_sites(self, api: Api) -> None:
        self.meters = await seed(api)


@dataclass
class Enrolled:
    """A board that was enrolled as the gateway of one meter, and the cloud's API."""

    board: EmulatedBoard
    api: Api
    meter: dict[str, Any]


@pytest.fixture
async def board(tmp_path: Path) -> AsyncIterator[EmulatedBoard]:
    made = EmulatedBoard(tmp_path / "board", speed=50)
    try:
        await made.start()
        yield made
    finally:
        await made.stop()


@pytest.fixture
async def enrolled(board: EmulatedBoard, tmp_path: Path) -> AsyncIterator[Enrolled]:
    cloud = Cloud(tmp_path / "stack", Ports.free())
    try:
        await cloud.open()
        async with cloud.api() as api:
            gateways = {item["name"]: item["id"] for item in await api.items("/gateways")}
            meter = next(item for item in cloud.meters if item["gateway_id"] == gateways[_SITE])
            await board.make_file_system()
            await provision(api, board, meter["gateway_id"])
            yield Enrolled(board, api, meter)
    finally:
        await cloud.close()
