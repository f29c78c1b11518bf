"""What the ledger tells of starts, of safe mode, and of what was counted while nothing else ran."""

from firmware import last_resort
from firmware.resets import codes
from shared import kinds
from tests.fakes.auditor import audit
from tests.fakes.flash import Flash
from tests.fakes.house import House
from tests.fakes.keypad import press

WHY = codes("sync: OSError(110,)")


def started(house, cause, why=None):
    """The house after a start with a cause."""
    house.gateway_options = {"cause": cause, "why": why}
    house.reboot()
    return house.entries()


def test_the_cause_of_a_start_and_what_ended_the_last_run_are_in_the_ledger():
    entries = started(House(), kinds.RESET_OWN, WHY)

    assert [(entry.kind, entry.detail, entry.group_left) for entry in entries[-2:]] == [
        (kinds.BOOT, kinds.RESET_OWN, 1),
        (kinds.EVENT, kinds.EVENT_OWN_RESET, 0),
    ]
    assert (entries[-1].reference_a, entries[-1].reference_b) == WHY


def test_a_crash_loop_does_not_fill_the_ledger_and_tells_of_safe_mode_all_the_same():
    house = House()
    for _ in range(20):
        started(house, kinds.RESET_OWN, WHY)
    before = house.kinds().count("boot")
    for _ in range(20):
        entries = started(house, kinds.RESET_OWN | kinds.BOOT_SAFE_MODE, WHY)

    assert before == 3 and house.kinds().count("boot") == 6
    assert entries[-2].detail == kinds.RESET_OWN | kinds.BOOT_SAFE_MODE
    audit(house)


class Input:
    def __init__(self):
        self.pulses = 1000

    def count(self):
        return self.pulses


def test_what_the_last_resort_counted_is_in_the_registers_once():
    house = House(2)
    house.type(house.token(25))
    house.step()
    inputs = (Input(), Input())
    for _ in range(2):  # a start of it goes on where the last one ended
        counting = last_resort.Counting(house.flash, inputs)
        inputs[0].pulses += 40
        inputs[1].pulses += 7
        counting.tick(last_resort.SAVE_MS)
        inputs[0].pulses += 9  # not saved before the power goes

    house.reboot()
    volumes = [house.gateway.core.registers[channel].volume_ml for channel in (0, 1)]
    house.reboot()

    assert volumes == [80000, 14000], volumes
    assert [house.gateway.core.registers[channel].volume_ml for channel in (0, 1)] == volumes
    house.step(3720, 60000)
    assert house.meter().register == 80000
    audit(house)


def test_the_last_resort_writes_when_something_flowed_and_seldom():
    flash = Flash()
    pulses = Input()
    counting = last_resort.Counting(flash, (pulses,))
    for second in range(3600):
        counting.tick(1000 * second)
    quiet = flash.written
    for tick in range(6000):
        pulses.pulses += 1
        counting.tick(3600000 + 10 * tick)

    assert quiet == 0 and 0 < flash.written < 7 * 40


def test_the_last_resort_goes_on_counting_on_a_flash_that_refuses():
    flash = Flash()
    flash.refuse_after = 0
    pulses = Input()
    counting = last_resort.Counting(flash, (pulses,))
    pulses.pulses += 5
    counting.tick(last_resort.SAVE_MS)
    flash.refuse_after = None
    counting.tick(2 * last_resort.SAVE_MS)

    assert last_resort.kept(flash) == [5]


def test_the_panel_of_safe_mode_takes_tokens_and_nothing_else():
    house = House(1)
    house.gateway.attach_panel(20, 4, plain=True)
    for key in "#30#":
        press(house.gateway, key, house.now_ms)
    query = house.gateway.lines(house.now_ms)
    house.now_ms += 60000
    idle = house.gateway.lines(house.now_ms)

    codes = [press(house.gateway, key, house.now_ms) for key in house.token(25)]
    accepted = house.gateway.lines(house.now_ms)
    house.step(30)
    after = house.gateway.lines(house.now_ms)

    assert "NOT NOW" in query[0] and any("SAFE MODE" in line for line in idle)
    assert codes[-1] == 1 and "ACCEPTED" in accepted[0]
    assert any("2.500 m3" in line for line in after) and house.valves[0].is_open()
