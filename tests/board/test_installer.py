"""The installer's one command, on a board that was never used."""

import asyncio
import sys
from pathlib import Path

from tests.board.conftest import Cloud
from tests.board.emulated import EmulatedBoard
from tools.stack.stack import Ports


async def provisioned(cloud: Cloud, board: EmulatedBoard, *more: str) -> tuple[int | None, str]:
    """Exit code and words of the tool."""
    options = ["--cloud", cloud.url, "--ca", str(cloud.ca), "--key-file", str(cloud.folder / "operator.key")]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tools.provision", *options, "--gateway", "1", "--port", board.repl, *more,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    out, _ = await process.communicate()
    return process.returncode, out.decode()


async def test_a_new_board_is_enrolled_by_one_command_and_starts(board: EmulatedBoard, tmp_path: Path) -> None:
    network = tmp_path / "network"
    network.write_text("iot.example\nuser\npassword\n1234\n")
    cloud = Cloud(tmp_path / "stack", Ports.free())
    await board.do("speed", times=1)  # the tool waits by the clock on the wall
    try:
        await cloud.open()
        empty = await provisioned(cloud, board)
        done = await provisioned(cloud, board, "--new", "--network-file", str(network))
        assert done == (0, "gateway 1 is enrolled: epoch 1\n")
        await board.until("NO CREDIT")
        again = await provisioned(cloud, board, "--new")
        renewed = await provisioned(cloud, board, "--renew")
        await board.until("NO CREDIT")
    finally:
        await cloud.close()

    assert empty == (1, "provision: the board has no file system; add --new if it is new, else keep it as evidence\n")
    assert again == (1, "provision: the board is enrolled, in epoch 1; --renew gives it new keys and a new epoch\n")
    assert renewed == (0, "gateway 1 is enrolled: epoch 2\n")
    entered = await board.run("print(open('/penstock/modem').read().split())")
    assert entered.strip() == "['iot.example', 'user', 'password', '1234']"
