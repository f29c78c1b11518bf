"""What is heard: keys, results, and the warning that credit is low."""

from firmware.sounds import ACCEPT, CHIRP, CLICK, REJECT
from shared import kinds
from shared.civil import zone_data
from tests.fakes.front import NOON_S, Front

TOKEN = "12345678901234567890"
MINUTE_MS = 60000


def heard(front, minutes):
    """Minutes from now on at which a chirp is heard, asked every second."""
    found = []
    for second in range(60 * minutes):
        if front.desk.sound(front.now_ms) == CHIRP:
            found.append(second // 60)
        front.now_ms += 1000
        front.clock.time_s += 1
    return found


def low(front, channel=0, bit=kinds.WARN_LOW_CREDIT):
    front.meter(channel).warned |= 1 << bit - 1


def test_each_key_clicks_once():
    front = Front()
    front.press("1")

    assert [front.desk.sound(0), front.desk.sound(0)] == [CLICK, None]


def test_a_token_sounds_accepted_or_rejected():
    front = Front()
    sounds = []
    for front.code in (1, 2, 10, 13, 15, 4):
        front.press(TOKEN)
        sounds.append(front.desk.sound(0))

    assert sounds == [ACCEPT, ACCEPT, REJECT, REJECT, REJECT, REJECT]


def test_what_a_customer_wants_done_sounds_done_or_not():
    front = Front()
    sounds = []
    for front.done in ("lock_on", "open_until", "not_now", "not_offered", "nothing_to_do"):
        front.press("#60#")
        sounds.append(front.desk.sound(0))

    assert sounds == [ACCEPT, ACCEPT, REJECT, REJECT, REJECT]


def test_a_wrong_pin_sounds_rejected():
    front = Front(2)
    front.press("01#30#0000")

    assert front.desk.sound(0) == REJECT


def test_low_credit_chirps_at_once_and_then_every_ten_minutes():
    front = Front()
    quiet = heard(front, 2)
    low(front)

    assert (quiet, heard(front, 31)) == ([], [0, 10, 20, 30])


def test_a_key_mutes_it_until_the_next_warning():
    front = Front()
    low(front)
    heard(front, 5)
    front.press("*")
    front.desk.sound(front.now_ms)
    muted = heard(front, 60)
    low(front, bit=kinds.WARN_VERY_LOW)

    assert (muted, heard(front, 11)) == ([], [0, 10])


def test_a_top_up_ends_it_and_the_same_warning_may_come_again():
    front = Front()
    low(front)
    front.press("*")
    front.desk.sound(front.now_ms)
    front.meter().warned = 0
    silent = heard(front, 30)
    low(front)

    assert (silent, heard(front, 1)) == ([], [0])


def test_nights_are_silent_by_local_time():
    front = Front(zone=zone_data(120), night_from_min=1260, night_to_min=420)
    front.clock.time_s = NOON_S + 6 * 3600 + 55 * 60  # 20:55
    low(front)
    evening = heard(front, 20)
    front.clock.time_s = NOON_S + 16 * 3600 + 55 * 60  # 6:55

    assert (evening, heard(front, 20)) == ([0], [5, 15])


def test_a_policy_can_forbid_it():
    front = Front(chirp=0)
    low(front)

    assert heard(front, 15) == []


def test_a_closed_valve_has_nothing_to_warn_of():
    front = Front()
    low(front)
    front.meter().intent = kinds.CLOSED

    assert heard(front, 15) == []


def test_every_meter_behind_the_keypad_is_heard():
    front = Front(3)
    low(front, 2)

    assert heard(front, 12) == [0, 10]
