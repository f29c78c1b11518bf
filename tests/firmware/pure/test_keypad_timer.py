"""The keypad in a timer's interrupt: the ring that keeps keys, what an erase hides, and timers that die."""

from firmware.drivers.keypad import Keypad
from tests.fakes.keypad import scanned
from tests.fakes.ticks import Ticks
from tests.firmware.pure.test_keypad import COLUMNS, KEYS, ROWS, touch
from tools.sim.device import machine

try:
    from micropython import heap_lock, heap_unlock
except ImportError:

    def heap_lock():
        """CPython has none."""

    def heap_unlock():
        """CPython has none."""


SCAN_MS = 5


class Scanned:
    """The keypad with a timer: scanned every 5 ms of a clock that is wound here."""

    def __init__(self, start_ms=0):
        self.ticks = Ticks(start_ms)
        for row in ROWS:
            for column in COLUMNS:
                machine.contact(row, column, False)
        rows = tuple(machine.Pin(number, machine.Pin.OPEN_DRAIN, value=1) for number in ROWS)
        columns = tuple(machine.Pin(number, machine.Pin.IN, machine.Pin.PULL_UP) for number in COLUMNS)
        self.pad = Keypad(rows, columns, KEYS, SCAN_MS)
        self.revived = 0
        self.pad.drive(self, self.ticks)

    def revive(self):
        """The timer is told to start again."""
        self.revived += 1

    def run(self, ms):
        """Time passes, and the timer with it."""
        for _ in range(ms // SCAN_MS):
            self.ticks.advance(SCAN_MS)
            self.pad.tick()

    def type(self, keys, down_ms=40, up_ms=40):
        for key in keys:
            touch(key)
            self.run(down_ms)
            touch(key, False)
            self.run(up_ms)

    def taken(self):
        keys = ""
        key = scanned(self.pad)
        while key is not None:
            keys += key
            key = self.pad.take()
        return keys


def test_keys_wait_for_a_main_loop_that_is_busy():
    board = Scanned()

    board.type("0123456789*#")

    assert board.taken() == "0123456789*#"
    assert board.taken() == ""


def test_what_the_ring_cannot_hold_is_lost_and_the_rest_is_right():
    board = Scanned()

    board.type("12345678901234567890")
    assert board.taken() == "123456789012345"
    board.type("77#")

    assert board.taken() == "77#"


def test_a_press_of_60_ms_is_seen_wherever_an_erase_hides_46_ms_of_it():
    for before_ms in range(0, 65, 5):
        board = Scanned()
        board.run(100)
        touch("5")
        board.run(before_ms)
        board.ticks.advance(46)  # interrupts are off
        board.pad.tick()  # the one that was due meanwhile
        board.run(max(0, 60 - before_ms - 46))
        touch("5", False)
        board.run(60)

        assert board.taken() == "5", before_ms


def test_scans_that_are_late_and_come_at_once_are_one():
    board = Scanned()
    board.run(50)
    touch("5")  # for as long as bounce takes
    board.ticks.advance(40)
    for _ in range(8):
        board.pad.tick()
    touch("5", False)
    board.run(50)

    assert board.taken() == ""


def test_a_timer_that_has_died_is_replaced_by_who_takes_keys():
    board = Scanned()
    board.run(50)
    board.ticks.advance(1000)
    touch("4")

    keys = []
    for _ in range(5):
        board.ticks.advance(20)
        keys.append(scanned(board.pad))

    assert keys == [None, "4", None, None, None]
    assert board.revived == len(keys)


class Crowded:
    """A pin that cannot be read for once, as where an interrupt finds no room on the stack."""

    def __init__(self, error):
        self.level = 1
        self.fails = 0
        self._error = error

    def value(self, level=None):
        if self.fails and level is None:
            self.fails -= 1
            raise self._error
        return self.level if level is None else None


def test_a_scan_that_found_no_room_is_made_by_the_next():
    clock, column = Ticks(), Crowded(RuntimeError("maximum recursion depth exceeded"))
    pad = Keypad((Wire(),), (column,), "1", SCAN_MS)
    pad.drive(pad, clock)
    column.level = 0
    column.fails = 1

    failed = 0
    for _ in range(5):
        clock.advance(SCAN_MS)
        try:
            pad.tick()
        except RuntimeError:
            failed += 1

    assert failed == 1
    assert pad.take() == "1"


def test_a_ctrl_c_that_came_in_the_midst_of_the_interrupt_reaches_the_main_loop_once():
    clock, column = Ticks(), Crowded(KeyboardInterrupt())
    pad = Keypad((Wire(),), (column,), "1", SCAN_MS)
    pad.drive(pad, clock)
    column.level = 0
    column.fails = 1
    clock.advance(SCAN_MS)
    pad.tick()

    stopped = 0
    keys = []
    for _ in range(5):
        clock.advance(SCAN_MS)
        try:
            keys.append(scanned(pad))
        except KeyboardInterrupt:
            stopped += 1
        pad.tick()

    assert stopped == 1
    assert "1" in keys


def test_the_interrupt_does_not_enter_a_scan_that_runs():
    board = Scanned()
    board.pad._scanning = True
    touch("5")

    board.run(100)

    assert board.taken() == ""


def test_a_timer_finds_a_stuck_key_too():
    board = Scanned((1 << 30) - 10000)  # the clock wraps meanwhile
    touch("9")
    board.run(29900)
    assert board.pad.take_stuck() is None

    board.run(200)

    assert board.pad.take_stuck() == "9"
    assert board.pad.take_stuck() is None
    board.type("12")
    assert board.taken() == "912"
    touch("9", False)
    board.run(50)
    board.type("9")
    assert board.taken() == "9"


class Wire:
    """A pin whose level costs no heap to change."""

    def __init__(self):
        self.level = 1

    def value(self, level=None):
        if level is not None:
            self.level = level
        return self.level


class Clock:
    """A clock that costs no heap to read, at its wrap."""

    def __init__(self):
        self.now_ms = 0x3FFFFFF5

    def __call__(self):
        left = 0x3FFFFFFF - self.now_ms
        self.now_ms = self.now_ms + 5 if left >= 5 else 4 - left
        return self.now_ms


def test_the_interrupt_needs_no_heap():
    columns = tuple(Wire() for _ in COLUMNS)
    pad = Keypad(tuple(Wire() for _ in ROWS), columns, KEYS, SCAN_MS)
    pad.drive(pad, Clock())
    tick = pad.tick

    heap_lock()
    try:
        for _ in range(40):  # more presses than the ring holds
            columns[0].level = 0
            for _ in range(4):
                tick()
            columns[0].level = 1
            for _ in range(6):
                tick()
        columns[1].level = 0
        for _ in range(7000):
            tick()
    finally:
        heap_unlock()

    assert pad._stuck
