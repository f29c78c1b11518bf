"""Makes every driver from a board map: the one place where its numbers become pins."""

import time

import machine

from firmware.drivers.absent import NoDisplay
from firmware.drivers.blind_valve import LatchValve, TimedValve
from firmware.drivers.buzzer import Buzzer
from firmware.drivers.flash import Flash
from firmware.drivers.keypad import POLL_MS, Keypad
from firmware.drivers.lcd import Lcd
from firmware.drivers.pins import Pins
from firmware.drivers.power_fail import PowerFail
from firmware.drivers.pulse import CounterInput, FilteredPulseInput, PulseInput
from firmware.drivers.tamper import Magnet, Tamper
from firmware.drivers.valve import Valve
from shared.compat import const

_COUNTER_FILTER_NS = const(12700)  # the longest the ESP32's counter offers: spikes, not bounce
_SCAN_MS = const(5)  # of a keypad that a timer scans


class Hardware:
    """The drivers of one board; pulses and valves are indexed by channel, 0..MAX_METERS-1.

    `reverse` counts what flows backwards, by channel, and is empty on a board that cannot tell. What a map leaves
    out is there all the same and does nothing: no key is pressed, nothing is shown, the lid is shut, no magnet is near,
    power does not fail. `slots` is None where no update can be written.
    """

    def __init__(self, board) -> None:
        i2c = _bus(board)
        pins = Pins(i2c)
        self.valves = tuple(_valve(board, pins, channel) for channel in range(board.MAX_METERS))  # first: motors stop
        self.flash = Flash(board.FLASH_DIRECTORY, board.FLASH_CAPACITY_BYTES)
        make_input = _pulse_inputs(board)
        self.pulses = tuple(make_input(pins.input(number), number) for number in board.PULSE_PINS)
        self.reverse = tuple(make_input(pins.input(number), number) for number in board.REVERSE_PINS)
        self.lcd = _display(board, i2c)
        self.tamper = Tamper(pins.input(board.TAMPER_PIN, 0))
        self.magnet = Magnet(pins.input(board.MAGNET_PIN))
        self.buzzer = Buzzer(pins.output(board.BUZZER_PIN))
        self.led = pins.output(board.LED_PIN)
        self.power_fail = PowerFail(pins.input(board.POWER_FAIL_PIN), board.PULSE_BACKEND in ("pio", "hard_irq"))
        self.expanders = tuple(pins.expanders.values())
        self.modem = _modem(board, pins)
        self.lan_lines = _lan_lines(board)
        self.slots = _slots(board)
        self.keypad = _keypad(board, pins)  # last: Ctrl-C before its end leaves no timer that nobody could stop

    def close(self) -> None:
        """Motors off, and no more interrupts of a timer: nobody is left who would see to them."""
        for valve in self.valves:
            valve.halt()
        self.keypad.close()

    def tend(self, now_ms: int, note) -> None:
        """Keep the expanders as they should be; note(text) is told of one that goes or comes. now_ms is ticks_ms()."""
        for expander in self.expanders:
            news = expander.tend(now_ms)
            if news:
                note(news)


def counting_parts(board):
    """(pulse inputs, display or None) alone, for when anything else may be what fails.

    A motor that an expander would drive on is stopped before, where that works.
    """
    i2c = lcd = None
    try:
        i2c = _bus(board)
        pins = Pins(i2c)
        for channel in range(board.MAX_METERS):
            _valve(board, pins, channel)
        lcd = _display(board, i2c)
    except Exception:  # whatever it is: pulses are to be counted
        pins = Pins(i2c)
    make_input = _pulse_inputs(board)
    return tuple(make_input(pins.input(number), number) for number in board.PULSE_PINS), lcd


def _slots(board):
    """The slots that an update is written to; None where there are none."""
    if board.UPDATE_SLOTS == "romfs":
        from firmware.drivers import rom_slots

        return rom_slots.of_board()
    if board.UPDATE_SLOTS != "image":
        return None
    import _slots as flash  # pyright: ignore[reportMissingImports]  only an image of ours has it

    from firmware.drivers.image_slots import Slots

    return Slots(flash, board.SLOT_BYTES)


def _of_channel(pins, channel: int) -> int:
    """The pin of a channel; -1 where the map gives none."""
    return pins[channel] if pins else -1


def _bus(board):
    """The I2C bus of display and expanders; None where there is neither."""
    if board.LCD_I2C_SCL < 0:
        return None
    return machine.I2C(
        board.LCD_I2C_ID,
        scl=machine.Pin(board.LCD_I2C_SCL),
        sda=machine.Pin(board.LCD_I2C_SDA),
        freq=board.LCD_I2C_HZ,
    )


def _pulse_inputs(board):
    """What makes an input from (pin, its number): counters of hardware are taken one after another."""
    backend = board.PULSE_BACKEND
    width_ms = board.PULSE_MIN_WIDTH_MS
    if backend == "pio":
        from firmware.drivers.rp2_pulse import PioInputs  # late: only an RP2040 has what it imports

        hardware = PioInputs(width_ms)
    elif backend == "counter":
        hardware = _Counters()
    else:
        hardware = None

    def make(pin, number: int):
        if number < 0:
            return PulseInput(pin)
        if hardware is not None:
            return hardware.make(pin)
        if width_ms:
            return FilteredPulseInput(pin, width_ms, time.ticks_ms, backend == "hard_irq")
        return PulseInput(pin, backend == "hard_irq")

    return make


class _Counters:
    """The hardware counters of an ESP32, from the first on."""

    def __init__(self) -> None:
        self._next = 0

    def make(self, pin) -> CounterInput:
        counter = machine.Counter  # pyright: ignore[reportAttributeAccessIssue]  only the ESP32 has it
        made = counter(self._next, pin, edge=counter.FALLING, filter_ns=_COUNTER_FILTER_NS)
        self._next += 1
        return CounterInput(made)


def _valve(board, pins: Pins, channel: int):
    opens = pins.output(board.VALVE_OPEN_PINS[channel])
    closes = pins.output(board.VALVE_CLOSE_PINS[channel])
    bypass_number = _of_channel(board.BYPASS_PINS, channel)
    bypass = None if bypass_number < 0 else pins.output(bypass_number)
    if board.VALVE_KINDS[channel] == "latch":
        return LatchValve(opens, closes, board.VALVE_PULSE_MS, bypass)
    opened = _of_channel(board.VALVE_OPENED_PINS, channel)
    closed = _of_channel(board.VALVE_CLOSED_PINS, channel)
    if opened < 0 or closed < 0:
        return TimedValve(opens, closes, board.VALVE_TRAVEL_MS, bypass)
    return Valve(opens, closes, pins.input(opened), pins.input(closed), board.VALVE_TRAVEL_MS, bypass)


def _keypad(board, pins: Pins) -> Keypad:
    """Without rows no key is ever down."""
    rows = tuple(machine.Pin(number, machine.Pin.OPEN_DRAIN, value=1) for number in board.KEYPAD_ROWS)
    columns = tuple(pins.input(number) for number in board.KEYPAD_COLS)
    backend = board.KEYPAD_BACKEND if rows else "poll"
    if backend == "poll":
        return Keypad(rows, columns, board.KEYPAD_KEYS, POLL_MS)
    keypad = Keypad(rows, columns, board.KEYPAD_KEYS, _SCAN_MS)
    if backend == "dma":
        from firmware.drivers.rp2_ticker import start  # late: only an RP2040 has what it imports
    else:
        from firmware.drivers.ticker import start
    keypad.drive(start(_SCAN_MS, keypad.tick), time.ticks_ms)
    return keypad


def _display(board, i2c):
    if not board.DISPLAY:
        return NoDisplay()
    if board.DISPLAY == "ssd1306":
        from firmware.drivers.oled import Oled  # late: its font and frame would stay in memory beside an LCD

        return Oled(i2c, board.LCD_I2C_ADDRESS, board.LCD_COLUMNS)
    return Lcd(i2c, board.LCD_I2C_ADDRESS, board.LCD_COLUMNS, board.LCD_ROWS)


def _modem(board, pins: Pins):
    """None on a board without one."""
    if board.NETWORK != "ppp":
        return None
    from firmware.drivers.modem import on_uart  # late: most boards have none

    return on_uart(board, pins.output(board.MODEM_RESET_PIN))


def _lan_lines(board):
    """The pins of an Ethernet port by their names in network.LAN; those that a map leaves out are not there."""
    numbers = (("mdc", board.LAN_MDC), ("mdio", board.LAN_MDIO), ("power", board.LAN_POWER_PIN))
    return {name: machine.Pin(number) for name, number in numbers if number >= 0}
