"""Valves without end switches: a motor that runs for a time, and a latch that takes a pulse."""

from firmware.drivers.blind_valve import LatchValve, TimedValve
from firmware.drivers.valve import Valve
from tests.fakes import ticks  # noqa: F401  sleep_ms for CPython
from tools.sim.device import machine

OPEN, CLOSE, BYPASS, OPENED, CLOSED = 130, 131, 132, 133, 134
RUN_MS = 2000
STEP_MS = 20


class Line:
    """A drive line that notes its levels, and whether its twin was high at the same time."""

    def __init__(self, wires, name):
        self._wires = wires
        self._name = name

    def value(self, level):
        if level != self._wires.levels.get(self._name, 0):
            self._wires.edges.append(self._name + ("+" if level else "-"))
        self._wires.levels[self._name] = level
        assert sum(self._wires.levels.values()) < 2, "both lines are high"


class Wires:
    """Two lines to a bridge or to two coils."""

    def __init__(self):
        self.levels = {}
        self.edges = []

    def pins(self):
        return Line(self, "open"), Line(self, "close")


def powered_ms(wires, name, valve, start_ms=0, limit_ms=10000):
    """Poll until an outcome; it, and for how long the line was high."""
    on_ms = 0
    for now_ms in range(start_ms, start_ms + limit_ms, STEP_MS):
        outcome = valve.poll(now_ms & 0x3FFFFFFF)
        if outcome is not None:
            return outcome, on_ms
        on_ms += STEP_MS if wires.levels[name] else 0
    return None, on_ms


def timed():
    wires = Wires()
    opens, closes = wires.pins()
    return TimedValve(opens, closes, RUN_MS), wires


def latch():
    wires = Wires()
    opens, closes = wires.pins()
    return LatchValve(opens, closes, 5), wires


def test_nobody_knows_where_it_stands_after_a_start():
    for valve, _ in (timed(), latch()):
        assert not valve.is_open() and not valve.is_closed()
        assert valve.poll(0) is None


def test_a_motor_is_powered_for_its_time_and_counts_as_arrived():
    valve, wires = timed()
    for opens, outcome in ((True, "opened"), (False, "closed")):
        valve.drive(opens)
        assert not valve.is_open() and not valve.is_closed()

        assert powered_ms(wires, "open" if opens else "close", valve) == (outcome, RUN_MS)

        assert valve.is_open() == opens and valve.is_closed() != opens
        assert valve.poll(99999) is None
    assert wires.edges == ["open+", "open-", "close+", "close-"]


def test_the_time_of_a_motor_holds_when_the_ticks_wrap():
    valve, wires = timed()
    valve.drive(True)

    assert powered_ms(wires, "open", valve, (1 << 30) - 1000) == ("opened", RUN_MS)


def test_a_motor_turned_round_rests_and_runs_its_full_time():
    valve, wires = timed()
    valve.drive(True)
    powered_ms(wires, "open", valve, limit_ms=800)

    valve.drive(False)

    assert wires.levels == {"open": 0, "close": 0}
    assert powered_ms(wires, "close", valve, 800) == ("closed", RUN_MS)
    assert valve.is_closed()


def test_a_latch_takes_one_pulse_on_the_right_coil():
    valve, wires = latch()

    valve.drive(True)
    assert wires.edges == []

    assert valve.poll(0) == "opened"
    assert valve.is_open() and not valve.is_closed()
    valve.drive(False)
    assert valve.poll(100) == "closed"
    assert valve.is_closed() and valve.poll(200) is None
    assert wires.edges == ["open+", "open-", "close+", "close-"]


def test_a_latch_told_again_takes_another_pulse_for_it_may_have_been_knocked_over():
    valve, wires = latch()
    for _ in range(2):
        valve.drive(True)
        valve.poll(0)

    assert wires.edges == ["open+", "open-"] * 2


def test_a_bypass_follows_what_it_is_told_and_starts_shut():
    machine.Pin(BYPASS, machine.Pin.OUT, value=1)
    for make in (with_switches, with_time, with_latch):
        valve = make(machine.Pin(BYPASS, machine.Pin.OUT))
        assert valve.has_bypass and machine._copper.pad(BYPASS).latch == 0

        valve.bypass(True)
        valve.drive(False)
        valve.poll(0)

        assert machine._copper.pad(BYPASS).latch == 1
        valve.bypass(False)
        assert machine._copper.pad(BYPASS).latch == 0


def test_a_board_without_a_bypass_says_so_and_ignores_it():
    for make in (with_switches, with_time, with_latch):
        valve = make(None)

        valve.bypass(True)

        assert not valve.has_bypass


def output(number):
    return machine.Pin(number, machine.Pin.OUT, value=0)


def with_switches(bypass):
    ends = [machine.Pin(number, machine.Pin.IN, machine.Pin.PULL_UP) for number in (OPENED, CLOSED)]
    return Valve(output(OPEN), output(CLOSE), ends[0], ends[1], 1000, bypass)


def with_time(bypass):
    return TimedValve(output(OPEN), output(CLOSE), RUN_MS, bypass)


def with_latch(bypass):
    return LatchValve(output(OPEN), output(CLOSE), 5, bypass)
