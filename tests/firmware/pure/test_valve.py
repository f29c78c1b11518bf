"""The valve driver on a valve that travels, jams and loses its switches."""

from firmware.drivers.valve import Valve
from tools.sim.device import machine
from tools.sim.plumbing import Valve as Motor

OPEN, CLOSE, OPENED, CLOSED = 110, 111, 112, 113
STEP_MS = 20


class Bench:
    """A valve of the plumbing on four pins, moved in steps."""

    def __init__(self, travel_ms=400, start_ms=0):
        self.motor = Motor(travel_ms)
        self.now_ms = start_ms
        self.pins = (output(OPEN), output(CLOSE), contact(OPENED), contact(CLOSED))
        self.valve = Valve(*self.pins, travel_limit_ms=1000)
        self.powered_ms = 0
        self.switches_work = True
        self.join()

    def join(self):
        machine.contact(OPENED, closed=self.motor.opened and self.switches_work)
        machine.contact(CLOSED, closed=self.motor.closed and self.switches_work)

    def step(self):
        opens, closes = (machine._copper.pad(number).latch for number in (OPEN, CLOSE))
        self.motor.drive(True, opens)
        self.motor.drive(False, closes)
        self.motor.run(STEP_MS)
        self.powered_ms += STEP_MS if opens or closes else 0
        self.join()
        self.now_ms += STEP_MS
        return self.valve.poll(self.now_ms & 0x3FFFFFFF)

    def until_outcome(self, limit_ms=60000):
        for _ in range(limit_ms // STEP_MS):
            outcome = self.step()
            if outcome is not None:
                return outcome
        return None


def output(number):
    return machine.Pin(number, machine.Pin.OUT, value=0)


def contact(number):
    return machine.Pin(number, machine.Pin.IN, machine.Pin.PULL_UP)


def test_a_valve_opens_and_closes_and_tells_once():
    bench = Bench()
    for opens, outcome in ((True, "opened"), (False, "closed")):
        bench.valve.drive(opens)

        assert bench.until_outcome() == outcome
        assert bench.valve.is_open() == opens
        assert bench.valve.is_closed() != opens
        assert 400 <= bench.valve.travel_ms <= 460
        assert bench.until_outcome(2000) is None
    assert not bench.motor.shorted


def test_a_valve_that_is_there_already_is_told_without_power():
    bench = Bench()
    bench.valve.drive(False)

    assert bench.step() == "closed"
    assert bench.powered_ms == 0


def test_a_jammed_valve_fails_after_three_attempts_and_the_motor_rests():
    bench = Bench()
    bench.motor.jammed = True
    bench.valve.drive(True)

    assert bench.until_outcome() == "failed"

    assert 3000 <= bench.powered_ms <= 3100
    powered_ms = bench.powered_ms
    assert bench.until_outcome(5000) is None
    assert bench.powered_ms == powered_ms


def test_a_valve_that_comes_loose_at_the_second_attempt_opens():
    bench = Bench()
    bench.motor.jammed = True
    bench.valve.drive(True)
    while bench.powered_ms < 1200:
        bench.step()

    bench.motor.jammed = False

    assert bench.until_outcome() == "opened"


def test_a_broken_switch_is_a_failure_and_not_a_burnt_motor():
    bench = Bench()
    bench.switches_work = False
    bench.valve.drive(True)

    assert bench.until_outcome() == "failed"
    assert bench.powered_ms <= 3100


def test_a_motion_can_be_turned_round_without_shorting_the_bridge():
    bench = Bench()
    bench.valve.drive(True)
    while bench.motor.position < 500:
        bench.step()

    bench.valve.drive(False)

    assert bench.until_outcome() == "closed"
    assert not bench.motor.shorted


def test_the_limit_holds_when_the_ticks_wrap():
    bench = Bench(start_ms=(1 << 30) - 900)
    bench.motor.jammed = True
    bench.valve.drive(True)

    assert bench.until_outcome() == "failed"
    assert 3000 <= bench.powered_ms <= 3100


def test_the_motor_has_no_power_before_somebody_polls():
    bench = Bench()

    bench.valve.drive(True)

    assert machine._copper.pad(OPEN).latch == 0


def powered_after_ms(bench):
    """How long it takes from now until the motor has power."""
    before_ms, start_ms = bench.powered_ms, bench.now_ms
    while bench.powered_ms == before_ms:
        bench.step()
    return bench.now_ms - start_ms


def test_a_motor_that_stood_still_for_long_starts_at_the_first_turn():
    bench = Bench()
    bench.valve.drive(True)

    assert powered_after_ms(bench) <= 2 * STEP_MS
    bench.until_outcome()
    for _ in range(20):
        bench.step()
    bench.valve.drive(False)
    assert powered_after_ms(bench) <= 2 * STEP_MS


def test_a_motor_rests_before_it_turns_round_or_starts_again():
    bench = Bench()
    bench.valve.drive(True)
    bench.until_outcome()
    bench.valve.drive(False)

    assert 300 <= powered_after_ms(bench) <= 360
    bench.valve.halt()
    bench.valve.drive(True)
    assert 300 <= powered_after_ms(bench) <= 360
