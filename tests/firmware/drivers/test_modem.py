"""The modem's UART by the board's map, and turns that no interrupt breaks on the chip that needs it."""

import importlib
import sys
from types import SimpleNamespace

import pytest

from tests.fakes import uart as machine

BOARD = {"MODEM_UART_ID": 0, "MODEM_TX": 0, "MODEM_RX": 1, "MODEM_RTS": 3, "MODEM_CTS": 2, "MODEM_BAUD": 115200}


@pytest.fixture
def drivers(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "machine", machine)
    return importlib.reload(importlib.import_module("firmware.drivers.modem"))


def made(drivers, platform: str = "rp2", **other: int):
    drivers.sys = SimpleNamespace(platform=platform)
    return drivers.on_uart(SimpleNamespace(**(BOARD | other)), machine.Pin(28))


def test_the_uart_is_made_with_the_lines_of_the_map_and_flow_control(drivers) -> None:
    uart = made(drivers).uart

    assert (uart.id, uart.baud) == (0, 115200)
    assert {name: pin.id for name, pin in uart.lines.items()} == {"tx": 0, "rx": 1, "rts": 3, "cts": 2}
    assert uart.flow == machine.UART.RTS | machine.UART.CTS


def test_lines_that_are_not_there_are_not_asked_for(drivers) -> None:
    uart = made(drivers, MODEM_RTS=-1, MODEM_CTS=-1).uart

    assert set(uart.lines) == {"tx", "rx"} and uart.flow == 0


def test_what_comes_in_is_read_in_small_pieces_and_nothing_is_no_bytes(drivers) -> None:
    modem = made(drivers)
    modem.uart.received = bytes(200)

    assert [len(modem.read()) for _ in range(3)] == [128, 72, 0]


def test_reset_pulls_the_line_low(drivers) -> None:
    modem = made(drivers)
    seen = []
    for on in (True, False):
        modem.hold_reset(on)
        seen.append(modem._reset_pin.level)

    assert seen == [0, 1]


def test_on_the_rp2040_no_interrupt_comes_into_a_turn_also_when_it_fails(drivers) -> None:
    modem = made(drivers)

    inside = modem.alone(lambda: machine.interrupts[0])
    with pytest.raises(OSError, match="no room"):
        modem.alone(machine.fail)

    assert not inside and machine.interrupts[0]


def test_elsewhere_interrupts_go_on_and_ppp_listens_by_itself(drivers) -> None:
    modem = made(drivers, "esp32")
    modem.listen(print)

    assert modem.alone(lambda: machine.interrupts[0])
    assert modem.uart.handler is None


def test_on_the_rp2040_bytes_that_came_are_told_of(drivers) -> None:
    modem = made(drivers)
    modem.listen(print)

    assert modem.uart.handler is print
