"""Metering faults under random flow, valves, clocks and restarts: what must hold whatever happens, with hypothesis."""

from hypothesis import given, settings
from hypothesis import strategies as st

from shared import kinds
from tests.fakes.fault_bench import FaultBench

HOUR_S = 3600
POLICIES = st.fixed_dictionaries(
    {
        "leak_h": st.integers(0, 6),
        "burst_l_h": st.sampled_from((0, 300, 3000)),
        "burst_s": st.sampled_from((0, 30, 600)),
        "burst_safety_s": st.sampled_from((0, 60, 5000)),
        "drip_l_h": st.sampled_from((0, 10)),
        "drip_h": st.integers(0, 5),
        "reverse_tamper_ml": st.integers(0, 5000),
        "stuck_days": st.integers(0, 1),
        "closed_flow_cap_ml": st.integers(0, 50000),
    }
)
# What happens, and how long: (action, number).
MOMENTS = st.lists(
    st.one_of(
        st.tuples(st.just("flow"), st.integers(0, 40)),
        st.tuples(st.just("hours"), st.integers(1, 8)),
        st.tuples(st.just("valve"), st.booleans()),
        st.tuples(st.just("magnet"), st.booleans()),
        st.tuples(st.just("reverse"), st.integers(0, 5)),
        st.tuples(st.just("clock"), st.integers(0, 10**6)),
        st.tuples(st.just("room"), st.booleans()),
        st.tuples(st.just("restart"), st.just(0)),
    ),
    max_size=40,
)
SIGNS = st.sampled_from((100, 1000, 10000))


def _live(bench: FaultBench, moments: list[tuple[str, int]]) -> list[int]:
    """Carry the moments out; returns the seconds that passed before each entry was written."""
    passed_s = reversed_count = 0
    at_s: list[int] = []
    bench.desk.reverse(0, 0, 0)
    for action, number in moments:
        steps = 6 if action != "hours" else number * 60
        if action == "valve":
            bench.closed = bool(number)
        elif action == "magnet":
            bench.desk.magnet(bool(number), bench.now_ms)
        elif action == "reverse":
            reversed_count += number
        elif action == "clock":
            bench.time_s += number
        elif action == "room":
            bench.room = bool(number)
        elif action == "restart":
            bench.restart()
            reversed_count = 0
        bench.desk.reverse(0, reversed_count, bench.now_ms)
        for _ in range(steps):
            flow_ml = number * bench.settings.meters[0].pulse_volume_ml if action == "flow" else 0
            bench.step(60, flow_ml, 60)
            passed_s += 60
            at_s.extend([passed_s] * (len(bench.written) - len(at_s)))
    return at_s


@settings(max_examples=150, deadline=None)
@given(POLICIES, MOMENTS, SIGNS)
def test_every_entry_is_true_and_faults_begin_and_end_in_turn(
    policy: dict[str, int], moments: list[tuple[str, int]], pulse_volume_ml: int
) -> None:
    bench = FaultBench(1, pulse_volume_ml, **policy)
    bench.meter().average_ml = 1000

    _live(bench, moments)  # the bench judges every entry by shared/fault_rules.py before it is folded in

    faults = 0
    for entry in bench.written:
        if entry.kind == kinds.FAULT:
            faults ^= 1 << (entry.detail >> 8)
    assert faults == bench.meter().faults
    assert bench.meter().pots == [0] * kinds.POTS


@settings(max_examples=150, deadline=None)
@given(POLICIES, MOMENTS, SIGNS)
def test_no_fault_begins_twice_in_one_hour_of_the_uptime(
    policy: dict[str, int], moments: list[tuple[str, int]], pulse_volume_ml: int
) -> None:
    bench = FaultBench(1, pulse_volume_ml, **policy)
    without_restart = [moment for moment in moments if moment[0] != "restart"]

    at_s = _live(bench, without_restart)

    begun: set[tuple[int, int]] = set()
    for entry, passed_s in zip(bench.written, at_s, strict=True):
        key = (entry.detail, passed_s // HOUR_S)
        if entry.kind == kinds.FAULT and entry.detail & 1:
            assert key not in begun
            begun.add(key)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(0, 20), min_size=1, max_size=60), st.integers(1, 12))
def test_a_leak_is_in_force_exactly_while_no_whole_hour_was_without_flow(flows: list[int], leak_h: int) -> None:
    bench = FaultBench(leak_h=leak_h)
    wet_h, expected = 0, False
    for pulses in flows:
        bench.hours(1, pulses * 1000)
        wet_h = wet_h + 1 if pulses else 0
        expected = wet_h >= leak_h or (expected and wet_h > 0)

        assert bench.desk.has(0, kinds.FAULT_LEAK) is expected


@settings(max_examples=200, deadline=None)
@given(st.integers(100, 20000), SIGNS, st.integers(60, 1800), st.integers(1, 400), st.integers(0, 59))
def test_a_steady_flow_is_a_burst_only_above_its_bound(
    burst_l_h: int, pulse_volume_ml: int, burst_s: int, percent: int, phase_s: int
) -> None:
    """Never at or below the bound; at twice the bound always, within burst_s, two windows and ten pulses."""
    bench = FaultBench(1, pulse_volume_ml, burst_l_h=burst_l_h, burst_s=burst_s, leak_h=0)
    pulse_ms = pulse_volume_ml * 3600 // burst_l_h
    lasts_s = burst_s + 10 * pulse_ms // 1000 + 2 * max(60, 2 * pulse_ms // 1000) + 120
    flowed_ml_s = burst_l_h * percent  # in 1/360000 L, the unit in which it stays an integer
    bench.step(phase_s, 0, 1)
    for second in range(1, min(lasts_s, 40000)):
        pulses = flowed_ml_s * second // 360 // pulse_volume_ml
        bench.registers[0].volume_ml = pulses * pulse_volume_ml
        bench.step(1, 0, 1)

    began = [row[0] for row in bench.faults()][:1] == ["burst"]
    if percent <= 100:
        assert not began
    elif percent >= 200 and lasts_s <= 40000:
        assert began
