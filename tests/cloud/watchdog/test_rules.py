"""What is done about a late purchase, as a table: facts, and the step."""

import dataclasses

import pytest

from cloud.watchdog.rules import ALARM, COMMAND, END, TELL, WAIT, Facts, Limits, Step, decide, next_look_s, stuck_s

HOUR_S, DAY_S = 3600, 86_400
LATE = Facts(
    age_s=HOUR_S,
    stage="delivered",
    voiding=False,
    remote=False,
    messages_open=False,
    can_tell=False,
    commanded=0,
    command_out=False,
    heard_s=60,
    key_fits=True,
)


@pytest.mark.parametrize(
    ("changes", "what", "code"),
    [
        ({"stage": "applied"}, END, ""),
        ({"stage": "void"}, END, ""),
        ({}, WAIT, ""),
        ({"age_s": 7 * HOUR_S}, COMMAND, ""),
        ({"age_s": 7 * HOUR_S, "command_out": True}, WAIT, ""),
        ({"age_s": 7 * HOUR_S, "voiding": True}, WAIT, ""),
        ({"age_s": 7 * HOUR_S, "heard_s": 2 * DAY_S}, WAIT, ""),
        ({"age_s": 7 * HOUR_S, "heard_s": None}, WAIT, ""),
        ({"age_s": 7 * HOUR_S, "commanded": 5}, WAIT, ""),
        ({"remote": True}, COMMAND, ""),
        ({"remote": True, "command_out": True}, WAIT, ""),
        ({"stage": "vended", "can_tell": True}, TELL, ""),
        ({"stage": "vended", "can_tell": True, "age_s": 60, "heard_s": None}, WAIT, ""),
        ({"stage": "vended"}, COMMAND, ""),
        ({"stage": "vended", "heard_s": None}, ALARM, "not_delivered"),
        ({"stage": "vended", "heard_s": None, "messages_open": True}, WAIT, ""),
        ({"stage": "vended", "heard_s": None, "command_out": True}, WAIT, ""),
        ({"key_fits": False}, ALARM, "key_changed"),
        ({"key_fits": False, "voiding": True}, WAIT, ""),
        ({"too_old": True, "age_s": 7 * HOUR_S}, ALARM, "enrolled_anew"),
        ({"age_s": 4 * DAY_S, "heard_s": 3 * DAY_S}, ALARM, "gateway_away"),
        ({"age_s": 4 * DAY_S, "heard_s": None}, ALARM, "gateway_away"),
        ({"age_s": 4 * DAY_S, "commanded": 5}, ALARM, "not_applied"),
        ({"age_s": 4 * DAY_S, "commanded": 5, "result": "Too old."}, ALARM, "meter_refuses"),
    ],
)
def test_the_step_follows_from_the_facts(changes: dict[str, object], what: str, code: str) -> None:
    step = decide(dataclasses.replace(LATE, **changes), Limits())  # type: ignore[arg-type]  # a table of fields

    assert (step.what, step.code) == (what, code)
    assert bool(step.reason) == (what == ALARM)


def test_a_person_is_told_what_the_meter_said() -> None:
    facts = dataclasses.replace(LATE, age_s=4 * DAY_S, commanded=5, result="Its key has changed.")

    assert decide(facts, Limits()) == Step(
        ALARM, "meter_refuses", "The meter refuses the token: Its key has changed. Read its return code."
    )


def test_limits_are_settings() -> None:
    limits = Limits(deliver_s=60, network_s=120, apply_s=HOUR_S)

    assert decide(dataclasses.replace(LATE, age_s=121), limits).what == COMMAND
    assert decide(dataclasses.replace(LATE, age_s=HOUR_S, heard_s=None), limits).what == ALARM


def test_a_late_purchase_is_looked_at_less_often_in_time() -> None:
    looks = [next_look_s(dataclasses.replace(LATE, age_s=age)) for age in (HOUR_S, 3 * DAY_S)]

    assert looks == [900, 6 * HOUR_S]


def test_a_stage_is_stuck_past_its_limit_only() -> None:
    assert [stuck_s("vended", 0, at) for at in (900, 901)] == [0, 901]
    assert [stuck_s("delivered", 0, at) for at in (3 * DAY_S, 3 * DAY_S + 1)] == [0, 3 * DAY_S + 1]
    assert stuck_s("applied", 0, 10**9) == stuck_s("void", 0, 10**9) == 0
