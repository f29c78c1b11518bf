"""Every board map makes a full set of drivers, which then work through the pins that the map names."""

import importlib
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from tests.fakes import (
    machine,
    ticks,  # noqa: F401  MicroPython's time functions
)

BOARDS = ("sim", "esp32_devkit", "rp2_pico_w")


@pytest.fixture(params=BOARDS)
def board(request: pytest.FixtureRequest, tmp_path: Path) -> ModuleType:
    original = importlib.import_module(f"boards.{request.param}")
    board = ModuleType("board")
    board.__dict__.update(vars(original))
    board.FLASH_DIRECTORY = str(tmp_path / "flash")
    return board


@pytest.fixture
def hardware(board: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Iterator[object]:
    monkeypatch.setitem(sys.modules, "machine", machine)
    module = importlib.import_module("firmware.drivers.hardware")
    yield importlib.reload(module).Hardware(board)
    for channel in range(board.MAX_METERS):
        machine.contact(board.PULSE_PINS[channel], closed=False)


def test_each_channel_counts_the_pulses_of_its_own_pin(board: ModuleType, hardware) -> None:
    for channel, pulses in enumerate(hardware.pulses):
        for _ in range(channel + 1):
            close_for_a_while(board, board.PULSE_PINS[channel])

        assert pulses.count() == channel + 1


def close_for_a_while(board: ModuleType, pin: int) -> None:
    pause_ms = board.PULSE_MIN_WIDTH_MS + 2
    time.sleep(pause_ms / 1000)
    machine.contact(pin)
    time.sleep(pause_ms / 1000)
    machine.contact(pin, closed=False)


def test_each_key_of_the_map_is_told_by_its_symbol(board: ModuleType, hardware) -> None:
    typed = []
    for row in board.KEYPAD_ROWS:
        for column in board.KEYPAD_COLS:
            machine.contact(row, column)
            typed += [hardware.keypad.scan() for _ in range(4)]
            machine.contact(row, column, closed=False)
            typed += [hardware.keypad.scan() for _ in range(4)]

    assert "".join(key for key in typed if key) == board.KEYPAD_KEYS


def test_each_valve_drives_its_own_motor_until_its_own_switch(board: ModuleType, hardware) -> None:
    for channel, valve in enumerate(hardware.valves):
        machine.contact(board.VALVE_OPENED_PINS[channel], closed=False)
        machine.contact(board.VALVE_CLOSED_PINS[channel])
        valve.drive(True)
        assert valve.poll(0) is None
        assert valve.poll(500) is None
        assert machine._copper.pad(board.VALVE_OPEN_PINS[channel]).latch == 1

        machine.contact(board.VALVE_CLOSED_PINS[channel], closed=False)
        machine.contact(board.VALVE_OPENED_PINS[channel])

        assert valve.poll(900) == "opened"
        assert machine._copper.pad(board.VALVE_OPEN_PINS[channel]).latch == 0


def test_files_go_to_the_directory_of_the_map(board: ModuleType, hardware) -> None:
    hardware.flash.replace("identity", b"x")

    assert (Path(board.FLASH_DIRECTORY) / "identity").read_bytes() == b"x"


def test_a_board_without_a_display_still_starts(hardware) -> None:
    assert not hardware.lcd.show(("nobody reads this",))


@pytest.fixture(autouse=True)
def _quiet_bench() -> Iterator[None]:
    machine._copper.pads.clear()
    yield
    machine._copper.pads.clear()
