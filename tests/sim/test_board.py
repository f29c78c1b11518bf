"""The simulated board and its world together: real MicroPython, the real drivers, and a program that uses them all."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tools.sim.process import GatewayProcess
from tools.sim.world import World

PROBE = "tests/sim/probe.py"


@pytest.fixture
async def world() -> AsyncIterator[World]:
    world = World()
    await world.start()
    yield world
    await world.stop()


@pytest.fixture
async def board(world: World, tmp_path: Path) -> AsyncIterator[GatewayProcess]:
    board = GatewayProcess(tmp_path / "flash", world.port, tmp_path / "log", program=PROBE)
    await board.start()
    await world.wait_for_text("lid closed")
    yield board
    await board.kill()


async def test_keys_reach_the_display_once_each_and_click(board: GatewayProcess, world: World) -> None:
    await world.press("1234567890")

    lines = await world.wait_for_text("keys 1234567890")

    assert lines[0] == "keys 1234567890     "
    assert world.beeps == 10


async def test_every_pulse_of_a_fast_flow_is_counted(board: GatewayProcess, world: World) -> None:
    world.meter(0, 10)
    await world.press("*")
    await world.wait_for_text("valve opened")

    drawn_ml = await world.flow(0, 25_000)

    assert drawn_ml == 25_000
    await world.wait_for_text("pulses 2500 0 0")


async def test_a_tap_runs_through_the_open_valve_only(board: GatewayProcess, world: World) -> None:
    world.meter(0, 100)
    world.meter(1, 100)
    world.tap(0, 2000)
    world.tap(1, 2000)
    await world.press("*")

    await world.wait_for(lambda: world.pipes[0].delivered_ml > 1000, "water")

    assert world.pipes[1].delivered_ml == 0
    await world.wait_for(lambda: world.lines()[1] > "pulses 1", "pulse on channel 0")


async def test_a_jammed_valve_is_told_as_failed_and_its_motor_rests(board: GatewayProcess, world: World) -> None:
    world.valve(0).jammed = True

    await world.press("*")
    await world.wait_for_text("valve failed", 20)

    assert not world.valve(0).motor_open
    assert not world.valve(0).shorted


async def test_an_open_lid_is_seen(board: GatewayProcess, world: World) -> None:
    world.set_lid(True)

    await world.wait_for_text("lid open")


async def test_a_program_that_hangs_is_reset_by_its_watchdog(board: GatewayProcess, world: World) -> None:
    await world.press("7")
    await world.wait_for_text("keys 7")

    await world.hold("#", 0.3)
    await world.wait_for_text("lid closed watchdog", 20)

    assert board.resets == 1
    assert world.lines()[0].strip() == "keys"


async def test_the_valve_stays_where_it_is_when_power_goes(board: GatewayProcess, world: World) -> None:
    await world.press("*")
    await world.wait_for_text("valve opened")

    await board.kill()
    await world.wait_for(lambda: not world.connected, "power cut")
    await board.start()

    await world.wait_for(lambda: world.boots == 2 and "valve -" in world.lines()[2], "restart")
    assert world.valve(0).opened


async def test_a_display_that_is_plugged_in_again_shows_the_whole_text(board: GatewayProcess, world: World) -> None:
    world.plug_display(False)
    await world.press("42")

    world.plug_display(True)

    await world.wait_for_text("keys 42")
    assert world.lines()[3].startswith("lid closed")


async def test_the_log_of_the_board_holds_what_it_printed(world: World, tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text("import board\nprint('board is', board.BOARD)\n")
    board = GatewayProcess(tmp_path / "flash", world.port, tmp_path / "log", program=str(program))

    await board.start()
    await world.wait_for(lambda: world.boots == 1 and not world.connected, "end of the program")
    while board.running:
        await asyncio.sleep(0.01)

    assert (tmp_path / "log").read_text() == "board is sim\n"
    assert board.status == 0


async def test_python_can_be_run_on_a_board_that_is_off(tmp_path: Path) -> None:
    board = GatewayProcess(tmp_path / "flash", 0, tmp_path / "log")

    first = await board.run("import machine; print(machine.unique_id().hex())")
    second = await board.run("import machine; print(machine.unique_id().hex())")

    assert first == second
    assert len(first.strip()) == 16
    with pytest.raises(RuntimeError, match="no such thing"):
        await board.run("raise ValueError('no such thing')")
