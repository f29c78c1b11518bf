"""The MCP23017 driver on an expander that loses its bus and its power, and a valve that hangs on one."""

from firmware.drivers.expander import Expander
from firmware.drivers.valve import Valve
from tests.fakes import expander as fakes

try:
    from micropython import heap_lock, heap_unlock
except ImportError:

    def heap_lock():
        """CPython has none."""

    def heap_unlock():
        """CPython has none."""


OPENS, CLOSES, OPENED, CLOSED = 0, 1, 8, 9
ADDRESS = 0x20


def bench():
    chip = fakes.Expander(ADDRESS)
    return chip, Expander(chip, ADDRESS)


def a_valve(expander):
    lines = expander.output(OPENS), expander.output(CLOSES), expander.input(OPENED), expander.input(CLOSED)
    return Valve(*lines, travel_limit_ms=1000)


def outcome(valve, until_ms):
    told = [valve.poll(now_ms) for now_ms in range(0, until_ms, 100)]
    return [word for word in told if word]


def test_what_was_driven_before_a_reset_of_the_chip_is_off_before_anything_else():
    chip = fakes.Expander(ADDRESS)
    before = Expander(chip, ADDRESS)
    before.output(OPENS).on()
    assert chip.driven() == 1 << OPENS
    chip.history.clear()

    again = Expander(chip, ADDRESS)
    again.output(OPENS)

    assert set(chip.history) == {0}


def test_a_line_is_low_until_it_is_driven():
    chip, expander = bench()
    chip.registers[0x14] = 0xFF  # what an expander may hold after a disturbance

    lines = [expander.output(bit) for bit in range(16)]
    assert chip.history == [0] * len(chip.history)
    lines[3].on()
    lines[12].value(1)
    lines[3].off()

    assert chip.driven() == 1 << 12
    assert [line.value() for line in lines] == [0] * 12 + [1] + [0] * 3


def test_a_level_that_is_there_already_costs_no_transfer():
    chip, expander = bench()
    line = expander.output(5)
    line.on()
    before = chip.transfers

    for _ in range(10):
        line.on()

    assert chip.transfers == before


def test_an_input_reads_its_contact():
    chip, expander = bench()
    lines = [expander.input(bit) for bit in range(16)]

    chip.grounded = {2, 11}

    assert [bit for bit, line in enumerate(lines) if not line.value()] == [2, 11]


def test_an_input_of_an_expander_that_is_gone_reads_as_an_open_contact():
    chip, expander = bench()
    line = expander.input(2)
    chip.grounded = {2}
    assert line.value() == 0

    chip.plugged = False
    assert line.value() == 1
    assert expander.tend(100) == "expander 0x20 does not answer"
    chip.plugged = True
    assert expander.tend(200) == "expander 0x20 answers"
    assert expander.tend(300) is None
    assert line.value() == 0


def test_an_expander_that_lost_its_power_is_set_up_anew():
    chip, expander = bench()
    line, contact = expander.output(0), expander.input(1)
    line.on()
    chip.power_up()

    for now_ms in range(0, 10100, 100):
        assert expander.tend(now_ms) is None

    assert chip.driven() == 1
    assert contact.value() == 1


def test_what_could_not_be_driven_is_driven_when_the_bus_is_back():
    chip, expander = bench()
    line = expander.output(0)
    line.on()
    chip.plugged = False
    line.off()
    assert chip.driven() == 1

    chip.plugged = True
    expander.tend(0)

    assert chip.driven() == 0


def test_a_valve_on_an_expander_runs_until_its_switch():
    chip, expander = bench()
    chip.grounded = {CLOSED}
    valve = a_valve(expander)
    assert valve.is_closed()
    valve.drive(True)
    assert outcome(valve, 500) == []
    assert chip.driven() == 1 << OPENS

    chip.grounded = {OPENED}

    assert outcome(valve, 500) == ["opened"]
    assert chip.driven() == 0


def test_a_valve_whose_expander_is_gone_has_failed_and_nothing_else():
    chip, expander = bench()
    chip.grounded = {CLOSED}
    valve = a_valve(expander)
    chip.plugged = False

    valve.drive(True)

    assert outcome(valve, 10000) == ["failed"]
    assert not valve.is_open() and not valve.is_closed()


def test_a_board_starts_with_an_expander_that_is_not_there_and_asks_it_once():
    chip = fakes.Expander(ADDRESS)
    chip.plugged = False

    valve = a_valve(Expander(chip, ADDRESS))

    assert not valve.is_open() and not valve.is_closed()
    assert chip.transfers == 1


def test_reading_and_driving_need_no_heap():
    _chip, expander = bench()
    line, contact = expander.output(0), expander.input(1)

    class Silent:
        """Answers without remembering, for what it remembers takes heap."""

        def writeto_mem(self, address, register, data):
            return None

        def readfrom_mem_into(self, address, register, buffer):
            buffer[0] = 2

    expander._i2c = Silent()
    seen = 0
    heap_lock()
    try:
        for _ in range(20):
            line.value(1)
            line.value(0)
            seen += contact.value()
            expander.tend(0)
    finally:
        heap_unlock()

    assert seen == 20
