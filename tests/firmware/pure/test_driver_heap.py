"""What drivers do all the time needs no heap: asked with the heap locked, through every phase of theirs."""

from firmware.drivers.blind_valve import LatchValve, TimedValve
from firmware.drivers.buzzer import ACCEPT, CHIRP, REJECT, Buzzer
from firmware.drivers.keypad import Keypad
from firmware.drivers.pulse import CounterInput
from firmware.drivers.tamper import Magnet, Tamper
from firmware.drivers.valve import Valve
from tests.fakes import ticks  # noqa: F401  sleep_ms for CPython
from tests.fakes.keypad import scanned

try:
    from micropython import heap_lock, heap_unlock
except ImportError:

    def heap_lock():
        """CPython has none."""

    def heap_unlock():
        """CPython has none."""


class Wire:
    """A pin that keeps its level; `hand` changes it from outside."""

    def __init__(self, level=1):
        self.hand = level

    def value(self, level=None):
        if level is None:
            return self.hand
        self.hand = level
        return None


def locked(work):
    """Run work(i) a hundred times without a heap."""
    heap_lock()
    try:
        for i in range(100):
            work(i)
    finally:
        heap_unlock()


def test_a_sound_plays():
    buzzer = Buzzer(Wire())
    patterns = (ACCEPT, REJECT, CHIRP, None)

    def work(i):
        buzzer.play(patterns[i & 3])
        for step in range(40):
            buzzer.poll(2000 * i + 20 * step)

    locked(work)


def test_lid_and_magnet_are_looked_at():
    pin = Wire()
    tamper, magnet = Tamper(pin), Magnet(pin)

    def work(i):
        pin.hand = (i >> 3) & 1
        tamper.opened()
        magnet.near()

    locked(work)


def test_a_valve_arrives_and_fails():
    opened, closed = Wire(1), Wire(0)
    valve = Valve(Wire(), Wire(), opened, closed, 1000)

    def work(i):
        if i == 10:  # and nothing follows the second time
            opened.hand = 0
            closed.hand = 1
        valve.poll(100 * i)
        valve.is_open()

    for want in (True, False):
        valve.drive(want)
        locked(work)
    assert valve.is_open()


def test_valves_without_switches_run_their_time():
    timed = TimedValve(Wire(), Wire(), 500)
    latch = LatchValve(Wire(), Wire(), 1)

    def work(i):
        timed.poll(100 * i)
        latch.poll(100 * i)

    timed.drive(True)
    latch.drive(True)
    locked(work)
    assert timed.is_open() and latch.is_open()


def test_a_keypad_without_a_timer_is_scanned():
    columns = Wire(), Wire(), Wire()
    pad = Keypad((Wire(),), columns, "123")
    seen = [0]

    def work(i):
        columns[i % 3].hand = (i >> 2) & 1
        if scanned(pad) is not None:
            seen[0] += 1
        pad.take_stuck()

    locked(work)


def test_a_hardware_counter_is_read():
    class Counter:
        """At a number that a board still holds without the heap."""

        def value(self):
            return 0x3FFFFFFF

    counter = CounterInput(Counter())
    locked(lambda i: counter.count())
