"""Makes every driver from a board map: the one place where pin numbers become pins."""

import time

import machine

from firmware.drivers.absent import NoDisplay, NoPin
from firmware.drivers.blind_valve import LatchValve, TimedValve
from firmware.drivers.buzzer import Buzzer
from firmware.drivers.flash import Flash
from firmware.drivers.keypad import Keypad
from firmware.drivers.lcd import Lcd
from firmware.drivers.pulse import CounterInput, FilteredPulseInput, PulseInput
from firmware.drivers.tamper import Magnet, Tamper
from firmware.drivers.valve import Valve
from shared.compat import const

_COUNTER_FILTER_NS = const(12700)  # the longest the ESP32's counter offers: spikes, not bounce


class Hardware:
    """The drivers of one board; pulses and valves are indexed by channel, 0..MAX_METERS-1.

    `reverse` counts what flows backwards, by channel, and is empty on a board that cannot tell. What a map leaves
    out is there all the same and does nothing: no key is pressed, nothing is shown, the lid is shut, no magnet is near.
    """

    def __init__(self, board) -> None:
        channels = range(board.MAX_METERS)
        self.flash = Flash(board.FLASH_DIRECTORY, board.FLASH_CAPACITY_BYTES)
        self.pulses = tuple(_pulse_input(board, board.PULSE_PINS[channel], channel) for channel in channels)
        self.reverse = _reverse_inputs(board)
        self.valves = tuple(_valve(board, channel) for channel in channels)
        self.keypad = _keypad(board)
        self.lcd = _display(board)
        self.tamper = Tamper(_input(board.TAMPER_PIN, 0))
        self.magnet = Magnet(_input(board.MAGNET_PIN, 1))
        self.buzzer = Buzzer(_output(board.BUZZER_PIN))
        self.led = _output(board.LED_PIN)


def _input(number: int, absent_level: int = 1):
    if number < 0:
        return NoPin(absent_level)
    return machine.Pin(number, machine.Pin.IN, machine.Pin.PULL_UP)


def _output(number: int):
    return NoPin() if number < 0 else machine.Pin(number, machine.Pin.OUT, value=0)


def _of_channel(pins, channel: int) -> int:
    """The pin of a channel; -1 where the map gives none."""
    return pins[channel] if pins else -1


def _pulse_input(board, number: int, counter_id: int):
    pin = _input(number)
    if number < 0:
        return PulseInput(pin)
    if board.PULSE_BACKEND == "counter":
        counter = machine.Counter  # pyright: ignore[reportAttributeAccessIssue]  only the ESP32 has it
        return CounterInput(counter(counter_id, pin, edge=counter.FALLING, filter_ns=_COUNTER_FILTER_NS))
    hard = board.PULSE_BACKEND == "hard_irq"
    if board.PULSE_MIN_WIDTH_MS:
        return FilteredPulseInput(pin, board.PULSE_MIN_WIDTH_MS, time.ticks_ms, hard)
    return PulseInput(pin, hard)


def _reverse_inputs(board):
    if not board.REVERSE_PINS:
        return ()
    first_id = board.MAX_METERS  # of the hardware counters, behind those of the pulses
    return tuple(
        _pulse_input(board, board.REVERSE_PINS[channel], first_id + channel) for channel in range(board.MAX_METERS)
    )


def _valve(board, channel: int):
    opens = _output(board.VALVE_OPEN_PINS[channel])
    closes = _output(board.VALVE_CLOSE_PINS[channel])
    bypass_number = _of_channel(board.BYPASS_PINS, channel)
    bypass = None if bypass_number < 0 else _output(bypass_number)
    if board.VALVE_KINDS[channel] == "latch":
        return LatchValve(opens, closes, board.VALVE_PULSE_MS, bypass)
    opened = _of_channel(board.VALVE_OPENED_PINS, channel)
    closed = _of_channel(board.VALVE_CLOSED_PINS, channel)
    if opened < 0 or closed < 0:
        return TimedValve(opens, closes, board.VALVE_TRAVEL_MS, bypass)
    return Valve(opens, closes, _input(opened), _input(closed), board.VALVE_TRAVEL_MS, bypass)


def _keypad(board) -> Keypad:
    """Without rows no key is ever down."""
    rows = tuple(machine.Pin(number, machine.Pin.OPEN_DRAIN, value=1) for number in board.KEYPAD_ROWS)
    columns = tuple(_input(number) for number in board.KEYPAD_COLS)
    return Keypad(rows, columns, board.KEYPAD_KEYS)


def _display(board):
    if not board.DISPLAY:
        return NoDisplay()
    i2c = machine.I2C(
        board.LCD_I2C_ID,
        scl=machine.Pin(board.LCD_I2C_SCL),
        sda=machine.Pin(board.LCD_I2C_SDA),
        freq=board.LCD_I2C_HZ,
    )
    if board.DISPLAY == "ssd1306":
        from firmware.drivers.oled import Oled  # late: its font and frame would stay in memory beside an LCD

        return Oled(i2c, board.LCD_I2C_ADDRESS, board.LCD_COLUMNS)
    return Lcd(i2c, board.LCD_I2C_ADDRESS, board.LCD_COLUMNS, board.LCD_ROWS)
