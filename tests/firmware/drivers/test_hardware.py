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
    rp2,
    ticks,  # noqa: F401  MicroPython's time functions
)
from tests.fakes.keypad import scanned

BOARDS = ("sim", "esp32_devkit", "rp2_pico_w", "rp2_pico_ppp")


@pytest.fixture(params=BOARDS)
def board(request: pytest.FixtureRequest, tmp_path: Path) -> ModuleType:
    return _board(request.param, tmp_path)


@pytest.fixture
def hardware(board: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Iterator[object]:
    yield _module(monkeypatch).Hardware(board)
    for channel in range(board.MAX_METERS):
        machine.contact(board.PULSE_PINS[channel], closed=False)


def _board(name: str, folder: Path) -> ModuleType:
    """A board's map without what no machine of the tests has: slots and a modem."""
    board = ModuleType("board")
    board.__dict__.update(vars(importlib.import_module(f"boards.{name}")))
    board.FLASH_DIRECTORY = str(folder / "flash")
    board.UPDATE_SLOTS = board.NETWORK = ""
    return board


def _module(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The drivers, with a machine of the tests below them."""
    monkeypatch.setitem(sys.modules, "machine", machine)
    monkeypatch.setitem(sys.modules, "rp2", rp2)
    for name in ("pins", "rp2_pulse", "rp2_ticker", "ticker"):
        monkeypatch.delitem(sys.modules, f"firmware.drivers.{name}", raising=False)
    return importlib.reload(importlib.import_module("firmware.drivers.hardware"))


def test_each_channel_counts_the_pulses_of_its_own_pin(board: ModuleType, hardware) -> None:
    for channel, pulses in enumerate(hardware.pulses):
        for _ in range(channel + 1):
            close_for_a_while(board, board.PULSE_PINS[channel])
        time.sleep((board.PULSE_MIN_WIDTH_MS + 2) / 1000)

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
            typed += scans(hardware)
            machine.contact(row, column, closed=False)
            typed += scans(hardware)

    assert "".join(key for key in typed if key) == board.KEYPAD_KEYS


def scans(hardware) -> list[str | None]:
    """What the keypad tells in a moment, by whatever scans it."""
    typed = []
    for _ in range(5):
        machine.let_time_pass(1)
        typed.append(scanned(hardware.keypad))
    return typed


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


def test_a_board_that_is_left_runs_no_motor_and_no_timer(board: ModuleType, hardware) -> None:
    machine.contact(board.VALVE_OPENED_PINS[0], closed=False)
    hardware.valves[0].drive(True)
    hardware.valves[0].poll(0)
    hardware.valves[0].poll(500)
    assert machine._copper.pad(board.VALVE_OPEN_PINS[0]).latch == 1

    hardware.close()

    assert machine._copper.pad(board.VALVE_OPEN_PINS[0]).latch == 0
    assert machine.periodic == []
    hardware.close()


@pytest.mark.parametrize("part", ["_display", "_modem", "_lan_lines", "_slots"])
def test_a_start_that_is_stopped_before_its_end_leaves_no_timer_behind(
    board: ModuleType, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    def stopped(*_parts: object) -> None:
        raise KeyboardInterrupt

    machine.periodic.clear()
    module = _module(monkeypatch)
    monkeypatch.setattr(module, part, stopped)

    with pytest.raises(KeyboardInterrupt):
        module.Hardware(board)

    assert machine.periodic == []


def test_files_go_to_the_directory_of_the_map(board: ModuleType, hardware) -> None:
    hardware.flash.replace("identity", b"x")

    assert (Path(board.FLASH_DIRECTORY) / "identity").read_bytes() == b"x"


def test_a_board_without_a_display_still_starts(hardware) -> None:
    assert not hardware.lcd.show(("nobody reads this",))


def test_a_board_whose_expanders_do_not_answer_counts_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    board = _board("rp2_pico_ppp8", tmp_path)
    said: list[str] = []

    hardware = _module(monkeypatch).Hardware(board)
    for now_ms in range(0, 1000, 100):
        hardware.tend(now_ms, said.append)
    for pin in board.PULSE_PINS:
        close_for_a_while(board, pin)
    time.sleep((board.PULSE_MIN_WIDTH_MS + 2) / 1000)

    assert said == ["expander 0x20 does not answer", "expander 0x21 does not answer"]
    assert not any(valve.is_open() or valve.is_closed() for valve in hardware.valves)
    assert [pulses.count() for pulses in hardware.pulses] == [1] * board.MAX_METERS


@pytest.fixture
def variant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Makes the hardware of the simulated board's map with some names changed."""
    module = _module(monkeypatch)
    board = _board("sim", tmp_path)

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

    assert [scanned(bare.keypad) for _ in range(2000)] == [None] * 2000
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
    machine.periodic.clear()
    yield
    machine._copper.pads.clear()
