"""A FAULT and a closure by measurement are judged by the bounds of the policy."""

from shared import fault_rules, kinds
from shared.entries import Entry
from shared.policy import Policy
from shared.state import MeterState


def _fault(detail, measured=0, limit=0):
    entry = Entry(1, 1000, kinds.FAULT, 0, rule=kinds.RULE_MEASURED, detail=detail)
    entry.reference_a = measured
    entry.reference_b = limit
    return entry


def test_a_fault_that_lies_about_bound_or_measure_is_contradicted():
    meter = MeterState(0)
    policy = Policy(leak_h=24)

    judged = [
        fault_rules.judge_fault(meter, entry, policy)
        for entry in (_fault(1, 24, 24), _fault(1, 23, 24), _fault(1, 23, 23), _fault(0), _fault(9 << 8), _fault(2))
    ]

    assert judged == [
        "",
        "the fault leak begins at 23, which is within 24",
        "the fault leak by the bound 23, which is 24",
        "the fault leak is over and never began",
        "fault 2304 is none",
        "fault 2 is none",
    ]
    assert fault_rules.judge_fault(meter, _fault(1, 1, 1), None) == ""


def test_a_fault_does_not_begin_twice():
    meter = MeterState(0)
    meter.faults = 1

    assert fault_rules.judge_fault(meter, _fault(1, 24, 24), Policy()) == "the fault leak begins a second time"


def test_closing_by_measurement_needs_a_burst_and_stays_within_the_policy():
    meter = MeterState(0)
    policy = Policy(burst_safety_s=600)
    entry = Entry(1, 1000, kinds.CONTROL, 0, rule=kinds.RULE_MEASURED, detail=kinds.CONTROL_SAFETY)
    entry.reference_a = 1600
    without = fault_rules.judge_safety(meter, entry, policy)
    meter.faults = 1 << kinds.FAULT_BURST
    fitting = fault_rules.judge_safety(meter, entry, policy)
    entry.reference_a = 1601
    longer = fault_rules.judge_safety(meter, entry, policy)
    meter.safety_until_s = 1001

    assert without == "closed for safety by measurement without a burst"
    assert fitting == ""
    assert longer == "closed for 601 s where the policy allows 600"
    assert "does not prolong" in fault_rules.judge_safety(meter, entry, policy)
