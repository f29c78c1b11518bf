"""Makes every driver from a board map: the one place where pin numbers become pins."""

import time

import machine

from firmware.drivers.buzzer import Buzzer
from firmware.drivers.flash import Flash
from firmware.drivers.keypad import Keypad
from firmware.drivers.lcd import Lcd
from firmware.drivers.pulse import CounterInput, FilteredPulseInput, PulseInput
from firmware.drivers.tamper import Tamper
from firmware.drivers.valve import Valve
from shared.compat import const

_COUNTER_FILTER_NS = const(12700)  # the longest the ESP32's counter offers: spikes, not bounce


class Hardware:
    """The drivers of one board; pulses and valves are indexed by channel, 0..MAX_METERS-1."""

    def __init__(self, board) -> None:
        self.flash = Flash(board.FLASH_DIRECTORY, board.FLASH_CAPACITY_BYTES)
        self.pulses = tuple(_pulse_input(board, channel) for channel in range(board.MAX_METERS))
        self.valves = tuple(_valve(board, channel) for channel in range(board.MAX_METERS))
        self.keypad = _keypad(board)
        self.lcd = _lcd(board)
        self.tamper = Tamper(_input(board.TAMPER_PIN))
        self.buzzer = Buzzer(machine.Pin(board.BUZZER_PIN, machine.Pin.OUT))
        self.led = machine.Pin(board.LED_PIN, machine.Pin.OUT)


def _input(number: int):
    return machine.Pin(number, machine.Pin.IN, machine.Pin.PULL_UP)


def _output(number: int):
    return machine.Pin(number, machine.Pin.OUT, value=0)


def _pulse_input(board, channel: int):
    pin = _input(board.PULSE_PINS[channel])
    if board.PULSE_BACKEND == "counter":
        counter = machine.Counter  # pyright: ignore[reportAttributeAccessIssue]  only the ESP32 has it
        return CounterInput(counter(channel, pin, edge=counter.FALLING, filter_ns=_COUNTER_FILTER_NS))
    hard = board.PULSE_BACKEND == "hard_irq"
    if board.PULSE_MIN_WIDTH_MS:
        return FilteredPulseInput(pin, board.PULSE_MIN_WIDTH_MS, time.ticks_ms, hard)
    return PulseInput(pin, hard)


def _valve(board, channel: int) -> Valve:
    return Valve(
        _output(board.VALVE_OPEN_PINS[channel]),
        _output(board.VALVE_CLOSE_PINS[channel]),
        _input(board.VALVE_OPENED_PINS[channel]),
        _input(board.VALVE_CLOSED_PINS[channel]),
        board.VALVE_TRAVEL_MS,
    )


def _keypad(board) -> Keypad:
    rows = tuple(machine.Pin(number, machine.Pin.OPEN_DRAIN, value=1) for number in board.KEYPAD_ROWS)
    columns = tuple(_input(number) for number in board.KEYPAD_COLS)
    return Keypad(rows, columns, board.KEYPAD_KEYS)


def _lcd(board) -> Lcd:
    i2c = machine.I2C(
        board.LCD_I2C_ID,
        scl=machine.Pin(board.LCD_I2C_SCL),
        sda=machine.Pin(board.LCD_I2C_SDA),
        freq=board.LCD_I2C_HZ,
    )
    return Lcd(i2c, board.LCD_I2C_ADDRESS, board.LCD_COLUMNS, board.LCD_ROWS)
