"""Metering faults: bursts with their closure for safety, and flow behind a closed valve."""

from shared import kinds
from tests.fakes.fault_bench import FaultBench


def test_a_flow_above_the_bound_for_its_time_is_a_burst():
    bench = FaultBench(burst_l_h=2000, burst_s=600)
    bench.step(590, 10000)
    early = bench.faults()
    bench.step(10, 10000)

    least_l_h = 3594  # 600 pulses in 600 s, and one of them may belong to the time before
    assert early == []
    assert bench.faults() == [("burst", 1, least_l_h, 2000)]


def test_a_bath_is_no_burst():
    bench = FaultBench(burst_l_h=600, burst_s=900)
    for _ in range(5):
        bench.step(840, 4000)
        bench.step(300)

    assert bench.faults() == []


def test_a_high_flow_that_ended_does_not_count_for_the_time_after_it():
    bench = FaultBench(burst_l_h=600, burst_s=600)
    bench.step(120, 100000)
    bench.step(1200, 500)

    assert bench.faults() == []


def test_pulses_of_ten_litres_show_a_burst_of_one_pulse_a_minute():
    bench = FaultBench(pulse_volume_ml=10000, burst_l_h=400, burst_s=600)
    for _ in range(40):
        bench.step(60, 10000, 60)

    assert [row[:2] for row in bench.faults()] == [("burst", 1)]


def test_a_high_flow_seen_by_large_pulses_does_not_count_for_the_time_after_it():
    bench = FaultBench(pulse_volume_ml=10000, burst_l_h=300, burst_s=600)
    bench.step(60, 100000, 60)
    bench.step(1800)

    assert bench.faults() == []


def test_a_burst_counts_from_its_own_beginning_after_hours_at_the_bound():
    bench = FaultBench(burst_l_h=600, burst_s=600, leak_h=0)
    bench.step(5 * 3600, 9100, 60)
    bench.step(1260, 12000, 60)

    assert [row[:2] for row in bench.faults()] == [("burst", 1)]


def test_a_burst_is_over_after_its_time_within_the_bound():
    bench = FaultBench(burst_l_h=2000, burst_s=600)
    bench.step(900, 10000)
    bench.step(540, 1000)
    early = len(bench.faults())

    bench.step(120, 1000)

    assert early == 1
    assert bench.faults()[1] == ("burst", 0, 360, 2000)


def test_a_burst_closes_for_safety_in_the_same_group_and_for_a_time():
    bench = FaultBench(burst_l_h=2000, burst_s=600, burst_safety_s=3600)
    bench.step(720, 10000)

    fault, control = bench.written
    assert bench.groups == [2]
    assert (control.kind, control.detail, control.rule) == (kinds.CONTROL, kinds.CONTROL_SAFETY, kinds.RULE_MEASURED)
    assert control.reference_a == control.time_s + 3600 == bench.meter().safety_until_s
    assert fault.kind == kinds.FAULT


def test_a_burst_that_outlasts_its_closure_closes_again_at_most_once_an_hour():
    bench = FaultBench(burst_l_h=2000, burst_s=600, burst_safety_s=300)
    bench.step(4 * 3600, 10000)

    closures = [entry.time_s for entry in bench.written if entry.kind == kinds.CONTROL]
    assert [row[:2] for row in bench.faults()] == [("burst", 1)]
    assert 3 <= len(closures) <= 5


def test_a_clock_that_stands_still_does_not_prolong_the_closure():
    bench = FaultBench(burst_l_h=2000, burst_s=600, burst_safety_s=1800)
    bench.step(720, 10000)
    bench.held = True
    bench.closed = True

    bench.step(1900)

    assert bench.written[-1].detail == kinds.CONTROL_SAFETY_OVER
    assert bench.meter().safety_until_s <= bench.time_s


def test_a_closure_by_the_operator_is_not_ended_with_that_of_the_burst():
    bench = FaultBench(burst_l_h=2000, burst_s=600, burst_safety_s=1800)
    bench.step(720, 10000)
    bench.meter().safety_until_s = bench.time_s + 100000
    bench.held = True

    bench.step(3600)

    assert kinds.CONTROL_SAFETY_OVER not in [entry.detail for entry in bench.written if entry.kind == kinds.CONTROL]


def test_flow_behind_a_closed_valve_is_a_fault_after_a_minute():
    bench = FaultBench(closed_flow_cap_ml=20000)
    bench.closed = True
    bench.step(60, 5000)
    bench.step(600)
    settling = bench.faults()

    bench.step(30, 1000)

    assert settling == []
    assert bench.faults() == [("flow while closed", 1, 3000, 2000)]


def test_one_pulse_behind_a_closed_valve_is_none():
    bench = FaultBench(closed_flow_cap_ml=0)
    bench.closed = True
    bench.step(120)
    bench.step(10, 1000)
    bench.step(7200)

    assert bench.faults() == []


def test_flow_while_closed_is_over_after_an_hour_without_or_when_it_opens():
    bench = FaultBench(closed_flow_cap_ml=0)
    bench.closed = True
    bench.step(120)
    bench.step(20, 1000)
    bench.step(3600)
    bench.step(20, 1000)
    bench.closed = False
    bench.step(10)

    name = "flow while closed"
    assert bench.faults() == [(name, 1, 2000, 1000), (name, 0, 2000, 1000), (name, 1, 2000, 1000), (name, 0, 0, 1000)]
