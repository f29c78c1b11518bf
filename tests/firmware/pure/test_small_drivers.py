"""The lid switch, the magnet contact and the buzzer."""

from firmware.drivers.absent import NoPin
from firmware.drivers.buzzer import ACCEPT, CHIRP, CLICK, REJECT, Buzzer
from firmware.drivers.tamper import Magnet, Tamper
from tools.sim.device import machine

LID, BUZZER, REED = 120, 121, 122


def lid():
    machine.contact(LID)
    return Tamper(machine.Pin(LID, machine.Pin.IN, machine.Pin.PULL_UP))


def test_a_closed_loop_is_a_closed_lid():
    assert not lid().opened()


def test_an_open_loop_is_an_open_lid_after_three_readings():
    tamper = lid()

    machine.contact(LID, closed=False)

    assert [tamper.opened() for _ in range(4)] == [False, False, True, True]


def test_one_wrong_reading_is_no_open_lid():
    tamper = lid()
    machine.contact(LID, closed=False)
    tamper.opened()
    machine.contact(LID)

    assert not any(tamper.opened() for _ in range(10))


def test_a_lid_that_is_open_at_power_up_is_open_at_once():
    machine.contact(LID, closed=False)

    assert Tamper(machine.Pin(LID, machine.Pin.IN, machine.Pin.PULL_UP)).opened()


def test_a_magnet_is_near_after_three_readings_and_gone_after_three():
    machine.contact(REED, closed=False)
    magnet = Magnet(machine.Pin(REED, machine.Pin.IN, machine.Pin.PULL_UP))
    assert not magnet.near()

    machine.contact(REED)
    readings = [magnet.near() for _ in range(4)]
    machine.contact(REED, closed=False)
    readings += [magnet.near() for _ in range(4)]

    assert readings == [False, False, True, True, True, True, False, False]


def test_a_board_without_lid_switch_and_magnet_contact_tells_of_neither():
    assert not any(Tamper(NoPin(0)).opened() for _ in range(10))
    assert not any(Magnet(NoPin(1)).near() for _ in range(10))


def sounding_ms(pattern):
    """Play a pattern with a poll every 10 ms; return the lengths of the sounds and of the silences between them."""
    pin = machine.Pin(BUZZER, machine.Pin.OUT)
    buzzer = Buzzer(pin)
    buzzer.play(pattern)
    levels = []
    for now_ms in range(0, 2000, 10):
        buzzer.poll(now_ms)
        levels.append(machine._copper.pad(BUZZER).latch)
    text = "".join(str(level) for level in levels)
    return [len(run) * 10 for run in text.strip("0").split("0") if run]


def test_accept_is_one_long_sound_and_reject_three_short_ones():
    assert sounding_ms(ACCEPT) == [600]
    assert sounding_ms(REJECT) == [120, 120, 120]


def test_a_key_clicks_once_and_low_credit_chirps_twice():
    assert sounding_ms(CLICK) == [20]  # to the next poll
    assert sounding_ms(CHIRP) == [40, 40]


def test_no_pattern_is_silence_also_when_one_plays():
    assert sounding_ms(None) == []
    buzzer = Buzzer(machine.Pin(BUZZER, machine.Pin.OUT))
    buzzer.play(ACCEPT)
    buzzer.poll(0)

    buzzer.play(None)

    assert machine._copper.pad(BUZZER).latch == 0
    buzzer.poll(20)
    assert machine._copper.pad(BUZZER).latch == 0


def test_a_new_pattern_replaces_the_one_that_plays():
    pin = machine.Pin(BUZZER, machine.Pin.OUT)
    buzzer = Buzzer(pin)
    buzzer.play(ACCEPT)
    buzzer.poll(0)

    buzzer.play((10,))
    buzzer.poll(20)
    buzzer.poll(40)

    assert machine._copper.pad(BUZZER).latch == 0
