"""The emulated board itself: what it does when power comes and goes, and that it never outlives who started it."""

import asyncio
import subprocess

import pytest

from tests.board.emulated import EMULATOR, NODE, EmulatedBoard


async def test_a_cut_that_did_not_come_is_not_there_at_the_next_start(board: EmulatedBoard) -> None:
    await board.make_file_system()
    await board.cycle_power()
    await board.until("NOT ENROLLED")
    await board.do("cut", commands=1)

    await board.cycle_power()
    await board.make_file_system()

    assert (await board.do("state"))["lost"] == ""


async def test_waiting_for_a_text_of_a_board_without_power_fails_at_once(board: EmulatedBoard) -> None:
    await board.do("power", on=False)

    with pytest.raises(AssertionError, match="power is off"):
        async with asyncio.timeout(5):
            await board.until("NOT ENROLLED")


async def test_what_waits_for_a_board_is_answered_when_its_power_goes(board: EmulatedBoard) -> None:
    await board.do("cut", commands=1)
    making = asyncio.create_task(board.make_file_system())

    async with asyncio.timeout(120):
        state = await board.do("wait", ms=10**9)

    assert not state["on"]
    assert state["lost"] == "power was cut in flash command 1, erase"
    with pytest.raises(RuntimeError):
        async with asyncio.timeout(120):
            await making


async def test_a_cut_can_wait_for_a_command_of_its_kind(board: EmulatedBoard) -> None:
    await board.do("cut", kind="program", commands=2)
    before = (await board.do("state"))["flash"]
    making = asyncio.create_task(board.make_file_system())

    async with asyncio.timeout(120):
        state = await board.do("wait", ms=10**9)

    number = state["flash"]["commands"]
    assert state["lost"] == f"power was cut in flash command {number}, program"
    assert state["flash"]["erased"] > before["erased"]  # counted for nothing
    with pytest.raises(RuntimeError):
        async with asyncio.timeout(120):
            await making


async def test_a_key_of_a_board_without_power_is_answered_and_does_nothing(board: EmulatedBoard) -> None:
    await board.do("power", on=False)

    async with asyncio.timeout(5):
        state = await board.do("key", key="5")

    assert not state["on"]


async def test_the_emulator_ends_with_who_started_it(board: EmulatedBoard) -> None:
    process = board.process

    assert process is not None
    assert process.stdin is not None
    process.stdin.close()
    async with asyncio.timeout(5):
        await process.wait()

    assert process.returncode == 0


async def test_the_chip_asks_for_nothing_that_the_emulator_does_not_know(board: EmulatedBoard) -> None:
    await board.make_file_system()
    await board.cycle_power()
    await board.until("NOT ENROLLED")

    assert (board.folder / "emulator.log").read_text() == ""


def test_the_parts_of_the_emulator_do_as_they_should() -> None:
    tests = sorted(EMULATOR.parent.glob("*.test.mjs"))

    done = subprocess.run((NODE, "--test", *tests), capture_output=True, text=True, timeout=240, check=False)

    assert done.returncode == 0, done.stdout
