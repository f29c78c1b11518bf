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


@pytest.fixture
def variant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Makes the hardware of the simulated board's map with some names changed."""
    monkeypatch.setitem(sys.modules, "machine", machine)
    module = importlib.reload(importlib.import_module("firmware.drivers.hardware"))
    board = ModuleType("board")
    board.__dict__.update(vars(importlib.import_module("boards.sim")))
    board.FLASH_DIRECTORY = str(tmp_path / "flash")

    def make(**names):
        board.__dict__.update(names)
        return module.Hardware(board)

    return make


ONE_METER = {
    "MAX_METERS": 1,
    "PULSE_PINS": (10,),
    "VALVE_KINDS": ("motor",),
    "VALVE_OPEN_PINS": (20,),
    "VALVE_CLOSE_PINS": (30,),
    "VALVE_OPENED_PINS": (40,),
    "VALVE_CLOSED_PINS": (50,),
}


def test_a_board_without_keypad_display_and_small_parts_works_all_the_same(variant) -> None:
    bare = variant(
        DISPLAY="",
        KEYPAD_ROWS=(),
        KEYPAD_COLS=(),
        KEYPAD_KEYS="",
        TAMPER_PIN=-1,
        MAGNET_PIN=-1,
        BUZZER_PIN=-1,
        LED_PIN=-1,
    )

    assert [bare.keypad.scan() for _ in range(2000)] == [None] * 2000
    assert bare.keypad.take_stuck() is None
    assert not bare.lcd.show(("nobody reads this",))
    bare.lcd.forget()
    assert not bare.tamper.opened() and not bare.magnet.near()
    bare.buzzer.play((10,))
    bare.buzzer.poll(0)
    bare.led.value(1)
    assert bare.reverse == ()
    assert not any(valve.has_bypass for valve in bare.valves)


def test_an_oled_is_another_display_of_the_same_interface(variant) -> None:
    oled = variant(DISPLAY="ssd1306", LCD_I2C_ADDRESS=0x3C, LCD_COLUMNS=21, LCD_ROWS=4).lcd

    assert type(oled).__name__ == "Oled"
    assert not oled.show(("nothing is plugged in",))


@pytest.mark.parametrize(("opened", "closed"), [((), ()), ((-1,), (-1,)), ((40,), (-1,))])
def test_a_valve_without_both_switches_arrives_by_time(variant, opened, closed) -> None:
    names = {**ONE_METER, "VALVE_OPENED_PINS": opened, "VALVE_CLOSED_PINS": closed, "VALVE_TRAVEL_MS": 1000}
    valve = variant(**names).valves[0]
    valve.drive(True)

    outcomes = [valve.poll(now_ms) for now_ms in range(0, 1400, 100)]

    assert outcomes == [None] * 13 + ["opened"]


def test_a_load_switch_takes_a_pulse(variant) -> None:
    valve = variant(**{**ONE_METER, "VALVE_KINDS": ("latch",), "VALVE_PULSE_MS": 1}).valves[0]
    valve.drive(False)

    assert valve.poll(0) == "closed"
    assert machine._copper.pad(30).latch == 0


def test_a_bypass_belongs_to_the_channels_that_have_one(variant) -> None:
    two = {name: value * 2 for name, value in ONE_METER.items() if name != "MAX_METERS"}
    two["PULSE_PINS"] = (10, 11)
    valves = variant(**two | {"MAX_METERS": 2, "BYPASS_PINS": (90, -1)}).valves
    assert [valve.has_bypass for valve in valves] == [True, False]

    for valve in valves:
        valve.bypass(True)

    assert machine._copper.pad(90).latch == 1


@pytest.mark.parametrize("backend", ["irq", "counter"])
def test_what_flows_backwards_is_counted_apart(variant, backend: str) -> None:
    hardware = variant(**ONE_METER, PULSE_BACKEND=backend, REVERSE_PINS=(91,))
    for _ in range(3):
        machine.contact(91)
        machine.contact(91, closed=False)

    assert [pulses.count() for pulses in hardware.reverse] == [3]
    assert hardware.pulses[0].count() == 0


def test_a_channel_without_a_reverse_pin_counts_none(variant) -> None:
    assert variant(**ONE_METER, REVERSE_PINS=(-1,)).reverse[0].count() == 0


def test_a_magnet_at_its_contact_is_told(variant) -> None:
    hardware = variant(MAGNET_PIN=92)
    assert not hardware.magnet.near()

    machine.contact(92)

    assert [hardware.magnet.near() for _ in range(3)][-1]


@pytest.fixture(autouse=True)
def _quiet_bench() -> Iterator[None]:
    machine._copper.pads.clear()
    yield
    machine._copper.pads.clear()
