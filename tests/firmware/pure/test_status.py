"""The special pages: what a customer must know, the most urgent first, each in turn."""

from shared import kinds
from shared.civil import zone_data
from shared.windows import HOLIDAYS
from tests.fakes.front import NOON_S, Front

LOW = {"low_credit_threshold": 100000}


def first(**policy):
    """A front with one meter and its state."""
    limits = dict(LOW)
    limits.update(policy)
    front = Front(**limits)
    return front, front.meter()


def test_nothing_special_shows_state_and_credit_again():
    front, _meter = first()

    assert front.specials(1) == ["Left    5.000 m3"]


def test_what_is_special_takes_turns_the_most_urgent_first():
    front, meter = first()
    meter.faults = 1 << kinds.FAULT_LEAK | 1 << kinds.FAULT_BURST
    meter.pots[kinds.TOKEN_CREDIT] = 100000

    assert front.specials(4) == ["BURST", "LEAK", "LOW CREDIT", "BURST"]


def test_a_lock_says_its_seconds():
    front, _meter = first()
    front.locked_s = 40

    assert front.specials(1) == ["LOCKED 40 s"]


def test_recovery_stands_before_all():
    front, meter = first()
    front.recovery = "a link does not fit"
    meter.faults = 1 << kinds.FAULT_BURST

    assert front.specials(2) == ["SERVICE NEEDED", "BURST"]


def test_closed_for_lack_of_credit_says_no_credit():
    front, meter = first()
    meter.pots[kinds.TOKEN_CREDIT], meter.intent = 0, kinds.CLOSED

    assert front.specials(2) == ["NO CREDIT", "NO CREDIT"]


def test_closed_for_another_reason_says_which():
    for field, value, text in (
        ("hold", 1, "BY THE UTILITY"),
        ("locked", 1, "LOCKED BY YOU"),
        ("safety_until_s", NOON_S + 1000, "FOR SAFETY"),
        ("paused", 1, "FLOW TOO HIGH"),
    ):
        front, meter = first()
        setattr(meter, field, value)
        meter.intent = kinds.CLOSED
        assert front.specials(1) == [text]


def test_ready_for_reconnection_says_what_to_press():
    front, meter = first()
    meter.armed, meter.intent = 1, kinds.CLOSED

    assert front.specials(2) == ["READY: PRESS ##", "READY: PRESS ##"]


def test_lifeline_says_what_is_left_of_it():
    front, meter = first(lifeline_quota_ml=25000)
    meter.pots[kinds.TOKEN_CREDIT], meter.intent, meter.lifeline_left = 0, kinds.LIFELINE, 12000
    open_page = front.specials(2)
    meter.lifeline_left, meter.shut = 0, 1
    shut_page = front.specials(2)

    assert open_page == ["LIFELINE    12 L", "NO CREDIT"]
    assert shut_page == ["LIFELINE DRAWN", "NO CREDIT"]


def test_emergency_credit_is_offered_and_then_counted_down():
    front, meter = first(emergency_limit=500000, emergency_activation=2, emergency_threshold=50000)
    meter.pots[kinds.TOKEN_CREDIT] = 50000
    offered = front.specials(2)
    meter.emergency_invoked, meter.emergency_limit = 1, 500000
    meter.pots[kinds.TOKEN_CREDIT], meter.pots[kinds.EMERGENCY_CREDIT] = 0, -200000

    assert (offered, front.specials(1)) == (["LOW CREDIT", "#60# EMERGENCY"], ["EMERG.     300 L"])


def test_debt_is_told():
    front, meter = first()
    meter.pots[kinds.ACCUMULATED_DEBT] = 1234000

    assert front.specials(1) == ["OWED    1.234 m3"]


def test_friendly_hours_say_when_they_end_in_local_time():
    front, _meter = first(zone=zone_data(60), friendly_windows=bytes((HOLIDAYS - 1, 0x02, 0xD0, 0x03, 0xC0)))
    front.meter().pots[kinds.TOKEN_CREDIT] = 0

    assert front.specials(2) == ["NO CREDIT", "FRIENDLY - 16:00"]


def test_critical_need_has_its_mark():
    front, meter = first()
    meter.mode = kinds.MODE_CRITICAL

    assert front.specials(1) == ["CRITICAL NEED"]


def test_a_clock_that_nobody_signed_is_told():
    front, _meter = first()
    front.clock.trust = kinds.TIME_UNKNOWN

    assert front.specials(1) == ["CLOCK NOT SET"]


def test_small_faults_lid_and_stuck_key_come_last():
    front, meter = first()
    meter.faults = 1 << kinds.FAULT_DRIP | 1 << kinds.FAULT_REVERSE
    front.state.lid_open = 1
    front.desk.stuck("7")

    assert front.specials(4) == ["REVERSE FLOW", "DRIPPING", "LID OPEN", "KEY 7 STUCK"]


def test_a_stuck_key_that_works_again_is_forgotten():
    front, _meter = first()
    front.desk.stuck("*")
    front.press("*")

    assert front.specials(1) == ["Left    5.000 m3"]


def test_a_meter_that_is_billed_shows_its_register():
    front, meter = first()
    meter.mode = kinds.MODE_CREDIT
    meter.pots[kinds.TOKEN_CREDIT] = 0
    front.registers[0].volume_ml = meter.register = 7654321

    assert front.lines() == ("ON", "Registe 7.654 m3")
