"""Metering faults: when each begins and is over, what the entries say, and that none fills the ledger."""

from shared import kinds
from shared.policy import Policy
from tests.fakes.fault_bench import FaultBench


def test_a_day_without_an_hour_without_flow_is_a_leak():
    bench = FaultBench(leak_h=24)
    bench.hours(23, 2000)
    before = bench.faults()

    bench.hours(1, 2000)

    assert before == []
    assert bench.faults() == [("leak", 1, 24, 24)]
    assert bench.meter().faults == 1 << kinds.FAULT_LEAK
    assert bench.written[0].rule == kinds.RULE_MEASURED


def test_one_hour_without_flow_begins_the_count_of_a_leak_anew():
    bench = FaultBench(leak_h=24)
    bench.hours(23, 2000)
    bench.hours(1)
    bench.hours(23, 2000)

    assert bench.faults() == []


def test_a_leak_is_over_after_a_whole_hour_without_flow():
    bench = FaultBench(leak_h=3)
    bench.hours(10, 5000)
    bench.step(1800, 0, 60)
    early = len(bench.faults())

    bench.step(1800, 0, 60)

    assert early == 1
    assert bench.faults() == [("leak", 1, 3, 3), ("leak", 0, 0, 3)]
    assert bench.meter().faults == 0


def test_a_policy_that_watches_for_nothing_finds_nothing():
    bench = FaultBench(leak_h=0, burst_l_h=0, drip_l_h=0, stuck_days=0)
    bench.meter().average_ml = 100000
    bench.hours(100, 100000)
    bench.hours(100)

    assert bench.faults() == []


def test_a_fault_that_the_policy_no_longer_asks_for_is_over():
    bench = FaultBench(leak_h=3)
    bench.hours(4, 5000)

    bench.policy = Policy(leak_h=0)
    bench.step(60)

    assert bench.faults() == [("leak", 1, 3, 3), ("leak", 0, 4, 0)]


def test_a_drip_is_a_small_flow_in_every_hour():
    bench = FaultBench(leak_h=0, drip_l_h=10, drip_h=12)
    bench.hours(12, 9000)
    begun = bench.faults()
    bench.hours(1)

    assert begun == [("drip", 1, 12, 12)]
    assert bench.faults()[1:] == [("drip", 0, 0, 12)]


def test_what_is_used_in_between_is_no_drip():
    bench = FaultBench(leak_h=0, drip_l_h=10, drip_h=12)
    for _ in range(10):
        bench.hours(11, 3000)
        bench.hours(1, 60000)

    assert bench.faults() == []


def test_a_drip_that_goes_on_for_a_day_is_a_leak_as_well():
    bench = FaultBench(leak_h=24, drip_l_h=10, drip_h=12)
    bench.hours(24, 1000)

    assert [row[:2] for row in bench.faults()] == [("drip", 1), ("leak", 1)]


def test_a_meter_that_was_used_and_shows_no_pulse_for_days_is_stuck():
    bench = FaultBench(stuck_days=2)
    bench.meter().average_ml = 200000
    bench.hours(1, 1000)
    bench.hours(47)
    early = bench.faults()
    bench.hours(1)
    bench.step(10, 1000)

    assert early == []
    assert bench.faults() == [("pulse stuck", 1, 2, 2), ("pulse stuck", 0, 2, 2)]


def test_days_without_supply_or_without_use_before_do_not_show_a_stuck_input():
    shut = FaultBench(stuck_days=2)
    shut.meter().average_ml = 200000
    shut.closed = True
    unused = FaultBench(stuck_days=2)

    shut.hours(100)
    unused.hours(100)

    assert shut.faults() == unused.faults() == []


def test_only_hours_of_full_supply_count_for_a_stuck_input():
    bench = FaultBench(stuck_days=1)
    bench.meter().average_ml = 200000
    for _ in range(40):
        bench.closed = True
        bench.step(600)
        bench.closed = False
        bench.step(3000)
    partly = bench.faults()
    bench.hours(24)

    assert partly == []
    assert bench.faults() == [("pulse stuck", 1, 1, 1)]


def test_the_average_that_falls_while_the_input_is_stuck_does_not_hide_it():
    bench = FaultBench(stuck_days=2)
    bench.meter().average_ml = 5
    bench.hours(2)
    bench.meter().average_ml = 0

    bench.hours(46)

    assert [row[0] for row in bench.faults()] == ["pulse stuck"]


def test_a_stuck_input_stays_so_over_a_restart_until_its_first_pulse():
    bench = FaultBench(stuck_days=1)
    bench.meter().average_ml = 5
    bench.hours(24)

    bench.restart()
    bench.hours(30)
    before = len(bench.faults())
    bench.step(10, 1000)

    assert (before, len(bench.faults())) == (1, 2)


def test_reverse_flow_is_counted_apart_and_is_a_fault_above_its_bound():
    bench = FaultBench(reverse_tamper_ml=3000)
    bench.desk.reverse(0, 0x3FFFFFFE, 0)
    bench.desk.reverse(0, 1, 0)
    bench.step(10)
    early = bench.faults()

    bench.desk.reverse(0, 2, 0)
    bench.step(10)

    assert early == []
    assert bench.faults() == [("reverse flow", 1, 4000, 3000)]
    assert bench.desk.reverse_ml(0) == 4000
    assert bench.registers[0].volume_ml == 0
    assert bench.meter().pots == [0] * kinds.POTS


def test_reverse_flow_is_over_after_a_day_without_and_tells_the_sum():
    bench = FaultBench(reverse_tamper_ml=3000)
    bench.desk.reverse(0, 0, 0)
    bench.desk.reverse(0, 4, 0)
    bench.step(10)
    bench.desk.reverse(0, 7, bench.now_ms)
    bench.hours(24)
    early = len(bench.faults())
    bench.hours(1)

    assert early == 1
    assert bench.faults()[1] == ("reverse flow", 0, 7000, 3000)
    assert bench.desk.reverse_ml(0) == 0


def test_a_little_reverse_flow_a_week_never_adds_up():
    bench = FaultBench(reverse_tamper_ml=3000)
    bench.desk.reverse(0, 0, 0)
    for week in range(5):
        bench.desk.reverse(0, week + 1, bench.now_ms)
        bench.hours(48)

    assert bench.faults() == []


def test_reverse_flow_after_quiet_days_counts_from_its_first_pulse():
    bench = FaultBench(reverse_tamper_ml=3000)
    bench.desk.reverse(0, 0, 0)
    bench.hours(30)
    for count in range(1, 5):
        bench.desk.reverse(0, count, bench.now_ms)
        bench.step(10)

    assert bench.faults() == [("reverse flow", 1, 4000, 3000)]


def test_a_reverse_fault_from_before_a_restart_is_over_after_a_day():
    bench = FaultBench(reverse_tamper_ml=0)
    bench.desk.reverse(0, 0, 0)
    bench.desk.reverse(0, 1, 0)
    bench.step(10)

    bench.restart()
    bench.hours(26)

    assert [row[:2] for row in bench.faults()] == [("reverse flow", 1), ("reverse flow", 0)]


def test_a_magnet_is_a_fault_of_every_meter_and_over_ten_minutes_after_it_left():
    bench = FaultBench(channels=2)
    bench.desk.magnet(True, bench.now_ms)
    bench.step(10)
    begun = [(entry.meter, entry.detail) for entry in bench.written]
    bench.desk.magnet(False, bench.now_ms)
    bench.step(590)
    early = len(bench.written)
    bench.step(20)

    detail = kinds.FAULT_MAGNET << 8
    assert begun == [(0, detail | 1), (1, detail | 1)]
    assert early == 2
    assert [entry.detail for entry in bench.written[2:]] == [detail, detail]


def test_an_input_that_flaps_begins_a_fault_once_an_hour():
    bench = FaultBench()
    for _ in range(24):
        bench.desk.magnet(True, bench.now_ms)
        bench.step(300)
        bench.desk.magnet(False, bench.now_ms)
        bench.step(900)

    assert len(bench.faults()) == 2 * 8


def test_without_room_no_fault_is_written_and_it_comes_later():
    bench = FaultBench(leak_h=3)
    bench.room = False
    bench.hours(4, 2000)
    none = bench.faults()
    bench.room = True
    bench.full = True
    bench.hours(1, 2000)
    full = bench.faults()
    bench.full = False
    bench.step(10)

    assert none == full == []
    assert bench.faults() == [("leak", 1, 5, 3)]


def test_each_meter_has_faults_of_its_own():
    bench = FaultBench(channels=3, leak_h=3)
    bench.hours(4, 2000, channel=1)

    assert [bench.meter(channel).faults for channel in range(3)] == [0, 1, 0]


def test_hours_in_which_nobody_looked_make_no_leak():
    bench = FaultBench(leak_h=3)
    bench.hours(2, 2000)
    bench.registers[0].volume_ml += 9000
    bench.step(5 * 3600, 0, 5 * 3600)
    bench.hours(2, 2000)

    assert bench.faults() == []


def test_a_jump_of_the_clock_makes_no_fault():
    bench = FaultBench(leak_h=3, stuck_days=1)
    bench.meter().average_ml = 1000
    bench.hours(2, 2000)
    bench.time_s += 1000000
    bench.hours(1)

    assert bench.faults() == []
