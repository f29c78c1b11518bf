"""Bills as arithmetic: however a month is cut, it costs the same; payments settle the oldest; who is late, and how."""

from hypothesis import given
from hypothesis import strategies as st

from cloud.billing import rules
from cloud.billing.fields import day_number
from cloud.billing.rules import DISCONNECT, NONE, TRICKLE, Days, Open, SoFar, Steps
from cloud.tariffs.terms import CONSUMPTION, FIXED, VOLUME, Block, Tax, Terms

JULY = Days(day_number("2025-07-01"), day_number("2025-08-01"))
TERMS = Terms(
    CONSUMPTION,
    (Block(6_000_000, 10_333), Block(None, 25_777)),
    fixed_month_minor=10_007,
    taxes=(Tax("VAT", 160, (VOLUME, FIXED)),),
    free_month_ml=1_500_000,
)
STEPS = Steps(trickle_days=10, disconnect_days=30, floor_minor=500)


@given(
    volumes=st.lists(st.integers(0, 5_000_000), min_size=1, max_size=6),
    cuts=st.lists(st.integers(JULY.from_day + 1, JULY.until_day - 1), max_size=5, unique=True),
)
def test_a_month_costs_the_same_in_however_many_bills(volumes: list[int], cuts: list[int]) -> None:
    edges = [JULY.from_day, *sorted(cuts), JULY.until_day]
    flowed = (volumes + [0] * len(edges))[: len(edges) - 1]

    before, total = SoFar(), 0
    for begin, end, volume in zip(edges, edges[1:], flowed, strict=False):
        made = rules.charge(TERMS, Days(begin, end), volume, before, closes=False)
        before, total = rules.after(before, made), total + made.total_minor

    assert total == rules.charge(TERMS, JULY, sum(flowed), SoFar(), closes=False).total_minor


def test_days_are_cut_at_each_month_and_where_another_version_holds() -> None:
    first, last = day_number("2025-06-20"), day_number("2025-08-03")
    change = day_number("2025-07-10")

    cut = rules.cut(first, last, [change, first, last, last + 5])

    edges = [rules.date_text(days.from_day) for days in cut] + [rules.date_text(cut[-1].until_day)]
    assert edges == ["2025-06-20", "2025-07-01", "2025-07-10", "2025-08-01", "2025-08-03"]


def test_what_flowed_on_the_day_of_a_switch_is_one_stretch_without_a_day() -> None:
    day = day_number("2025-07-10")

    assert rules.cut(day, day, []) == [Days(day, day)]


def test_a_payment_settles_the_oldest_bills_first_and_leaves_the_rest() -> None:
    owed = [Open(7, 100), Open(9, 50), Open(12, 80)]

    assert rules.allocate(120, owed) == [Open(7, 100), Open(9, 20)]
    assert rules.allocate(0, owed) == []
    assert rules.allocate(1_000, owed) == owed


def test_a_late_payer_is_put_on_a_trickle_before_supply_ends() -> None:
    late = [(100, 600)]

    levels = [rules.arrears(STEPS, late, today, critical_need=False) for today in (99, 109, 110, 129, 130)]

    assert levels == [NONE, NONE, TRICKLE, TRICKLE, DISCONNECT]


def test_small_sums_and_critical_needs_are_never_limited() -> None:
    assert rules.arrears(STEPS, [(0, 499)], 1_000, critical_need=False) == NONE
    assert rules.arrears(STEPS, [(0, 10**9)], 1_000, critical_need=True) == NONE


def test_only_what_is_late_enough_for_a_step_counts_towards_it() -> None:
    bills = [(0, 100), (25, 450)]

    assert rules.arrears(STEPS, bills, 36, critical_need=False) == TRICKLE
    assert rules.arrears(STEPS, bills, 34, critical_need=False) == NONE


def test_without_a_step_in_the_policy_it_is_never_taken() -> None:
    never = Steps(None, None, 0)

    assert rules.arrears(never, [(0, 10**9)], 1_000, critical_need=False) == NONE
