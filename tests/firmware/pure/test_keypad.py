"""The keypad: real contacts between rows and columns, scanned by the driver."""

from firmware.drivers.keypad import Keypad
from tests.fakes.keypad import scanned
from tools.sim.device import machine

ROWS = (100, 101, 102, 103)
COLUMNS = (104, 105, 106)
KEYS = "123456789*0#"
STUCK_SCANS = 1500


def keypad():
    for row in ROWS:
        for column in COLUMNS:
            machine.contact(row, column, False)
    rows = tuple(machine.Pin(number, machine.Pin.OPEN_DRAIN, value=1) for number in ROWS)
    columns = tuple(machine.Pin(number, machine.Pin.IN, machine.Pin.PULL_UP) for number in COLUMNS)
    return Keypad(rows, columns, KEYS)


def touch(key, closed=True):
    row, column = divmod(KEYS.index(key), len(COLUMNS))
    machine.contact(ROWS[row], COLUMNS[column], closed)


def scans(pad, count):
    return [key for key in (scanned(pad) for _ in range(count)) if key is not None]


def test_every_key_is_told_once_by_its_name():
    pad = keypad()
    typed = []

    for key in KEYS:
        touch(key)
        typed += scans(pad, 10)
        touch(key, False)
        typed += scans(pad, 10)

    assert "".join(typed) == KEYS


def test_a_contact_seen_in_one_scan_only_is_bounce():
    pad = keypad()
    touch("5")
    first = scans(pad, 1)
    touch("5", False)

    assert first + scans(pad, 10) == []


def test_a_bouncing_press_is_told_once():
    pad = keypad()
    typed = []

    for closed in (True, False, True, True, False, True, True, True, False, True, False, False, False):
        touch("8", closed)
        typed += scans(pad, 1)

    assert typed == ["8"]


def test_a_second_key_counts_while_the_first_is_still_down():
    pad = keypad()
    touch("1")
    typed = scans(pad, 5)
    touch("2")
    typed += scans(pad, 5)
    touch("1", False)
    typed += scans(pad, 5)
    touch("2", False)

    assert typed + scans(pad, 5) == ["1", "2"]


def test_two_keys_at_once_are_none():
    pad = keypad()
    touch("1")
    touch("6")

    assert scans(pad, 5) == []


def test_the_ghost_of_three_keys_is_not_told():
    pad = keypad()
    typed = []
    for key in ("1", "3", "7"):
        touch(key)
        typed += scans(pad, 5)

    assert typed == ["1", "3"]  # with 7 down, 9 reads as down too: nobody can tell which was pressed


def test_a_key_that_is_down_at_power_up_is_no_press():
    keypad()
    touch("4")
    rows = tuple(machine.Pin(number, machine.Pin.OPEN_DRAIN, value=1) for number in ROWS)
    columns = tuple(machine.Pin(number, machine.Pin.IN, machine.Pin.PULL_UP) for number in COLUMNS)

    pad = Keypad(rows, columns, KEYS)

    assert scans(pad, 20) == []


def test_a_stuck_key_is_told_once_and_the_others_go_on():
    pad = keypad()
    touch("3")
    assert scans(pad, STUCK_SCANS - 1) == ["3"]
    assert pad.take_stuck() is None

    scanned(pad)

    assert pad.take_stuck() == "3"
    assert pad.take_stuck() is None
    touch("5")
    assert scans(pad, 5) == ["5"]
    touch("5", False)
    assert scans(pad, STUCK_SCANS + 5) == []
    assert pad.take_stuck() is None


def test_a_stuck_key_is_found_while_someone_types():
    pad = keypad()
    touch("3")
    typed = scans(pad, 10)

    for _ in range(STUCK_SCANS // 20):
        touch("9")
        typed += scans(pad, 10)
        touch("9", False)
        typed += scans(pad, 10)

    assert pad.take_stuck() == "3"
    assert typed == ["3"] + ["9"] * (STUCK_SCANS // 20)


def test_a_stuck_key_that_comes_up_works_again():
    pad = keypad()
    touch("3")
    scans(pad, STUCK_SCANS)
    touch("3", False)
    scans(pad, 5)

    touch("3")

    assert scans(pad, 5) == ["3"]
