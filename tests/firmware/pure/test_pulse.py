"""Pulse inputs: every real pulse counts once, bounce does not, and the interrupt needs no heap."""

from firmware.drivers.pulse import PULSE_MASK, CounterInput, FilteredPulseInput, PulseInput
from tests.fakes.ticks import Ticks
from tools.sim.device import machine

try:
    from micropython import heap_lock, heap_unlock
except ImportError:

    def heap_lock():
        """CPython has none."""

    def heap_unlock():
        """CPython has none."""


class BarePin:
    """A pin without copper: its level is what the test says."""

    IRQ_FALLING = 2
    IRQ_RISING = 1

    def __init__(self):
        self.level = 1

    def irq(self, handler, trigger, hard=False):
        self.handler = handler

    def value(self):
        return self.level


def pin(number):
    return machine.Pin(number, machine.Pin.IN, machine.Pin.PULL_UP)


def later_20_ms(ticks):
    """Wrap as a board's clock does, by small integers only: a locked heap has room for no other."""
    left = PULSE_MASK - ticks.now_ms
    ticks.now_ms = ticks.now_ms + 20 if left >= 20 else 19 - left


def play(pulses, ticks, pin, edges):
    """Each edge is (milliseconds since the one before, level after it)."""
    for wait_ms, level in edges:
        ticks.advance(wait_ms)
        pin.level = level
        pulses._edge(pin)


def test_each_closing_of_the_contact_counts_once():
    pulses = PulseInput(pin(10))

    for _ in range(1000):
        machine.contact(10)
        machine.contact(10, closed=False)

    assert pulses.count() == 1000


def test_inputs_do_not_hear_one_another():
    first, second = PulseInput(pin(11)), PulseInput(pin(12))

    machine.contact(11)

    assert (first.count(), second.count()) == (1, 0)


def test_the_count_wraps_at_30_bits_and_differences_stay_right():
    bare = BarePin()
    pulses = PulseInput(bare)
    pulses._count = PULSE_MASK
    seen = pulses.count()

    pulses._edge(bare)

    assert pulses.count() == 0
    assert (pulses.count() - seen) & PULSE_MASK == 1


def test_the_interrupts_run_with_the_heap_locked():
    bare, ticks = BarePin(), Ticks(PULSE_MASK - 5)
    plain, filtered = PulseInput(bare), FilteredPulseInput(bare, 10, ticks)
    plain._count = filtered._count = PULSE_MASK - 3

    heap_lock()
    try:
        for _ in range(20):
            plain._edge(bare)
            later_20_ms(ticks)
            bare.level = 0
            filtered._edge(bare)
            later_20_ms(ticks)
            bare.level = 1
            filtered._edge(bare)
    finally:
        heap_unlock()

    assert plain.count() == filtered.count() == 16


def test_a_chip_without_hard_interrupts_is_not_asked_for_them():
    class SoftPin(BarePin):
        """As on the ESP32, whose pins know no such word."""

        def irq(self, handler, trigger):
            self.handler = handler

    soft = SoftPin()
    pulses = PulseInput(soft)
    FilteredPulseInput(SoftPin(), 10, Ticks())

    soft.handler(soft)

    assert pulses.count() == 1


def test_a_bouncing_contact_counts_once():
    bare, ticks = BarePin(), Ticks()
    pulses = FilteredPulseInput(bare, 10, ticks)
    closing = [(500, 0), (1, 1), (1, 0), (2, 1), (1, 0)]
    opening = [(60, 1), (1, 0), (3, 1)]

    play(pulses, ticks, bare, closing + opening + closing + opening)

    assert pulses.count() == 2


def test_a_spike_is_no_pulse():
    bare, ticks = BarePin(), Ticks()
    pulses = FilteredPulseInput(bare, 10, ticks)

    play(pulses, ticks, bare, [(500, 0), (3, 1), (500, 0), (9, 1)])

    assert pulses.count() == 0


def test_the_first_pulse_after_a_pause_of_any_length_counts():
    for pause_ms in (20, 60_000, 7 * 86_400_000, 9 * 86_400_000, 40 * 86_400_000):
        bare, ticks = BarePin(), Ticks(123)
        pulses = FilteredPulseInput(bare, 10, ticks)

        play(pulses, ticks, bare, [(pause_ms, 0), (50, 1)])

        assert pulses.count() == 1, pause_ms


def test_an_edge_whose_partner_was_lost_does_not_count():
    bare, ticks = BarePin(), Ticks()
    pulses = FilteredPulseInput(bare, 10, ticks)

    play(pulses, ticks, bare, [(500, 1), (500, 1), (500, 0), (50, 1)])

    assert pulses.count() == 1


def test_a_handler_that_the_port_took_off_is_put_back():
    bare, ticks = BarePin(), Ticks()
    pulses = FilteredPulseInput(bare, 10, ticks, hard=True)
    bare.handler = None
    bare.level = 0  # an edge that nobody saw

    assert pulses.count() == 0

    bare.level = 1
    play(pulses, ticks, bare, [(500, 0), (50, 1)])
    assert bare.handler is not None
    assert pulses.count() == 1


def test_a_hardware_counter_is_masked():
    class Counter:
        def value(self):
            return (1 << 30) + 7

    assert CounterInput(Counter()).count() == 7
