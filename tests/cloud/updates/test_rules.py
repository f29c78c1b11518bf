"""Who is in which wave and when a rollout goes on, by example and for any numbers."""

from hypothesis import given
from hypothesis import strategies as st

from cloud.updates.rules import (
    DRAW,
    FAILED,
    FINISH,
    KEPT,
    LOADING,
    NEXT,
    PAUSE,
    SKIPPED,
    STOP,
    TRIAL,
    UNKNOWN,
    WAIT,
    WAITING,
    Terms,
    decide,
    spread,
)

TERMS = Terms(waves=2, kept_percent=90, failure_percent=2, wave_s=1000, soak_s=100)
WAVES = st.lists(
    st.one_of(
        st.fixed_dictionaries({"gateways": st.integers(1, 50)}),
        st.fixed_dictionaries({"percent": st.integers(1, 100)}),
    ),
    min_size=1,
    max_size=6,
)


@given(st.sets(st.integers(1, 10_000), max_size=300), WAVES)
def test_every_gateway_is_in_exactly_one_wave(gateways: set[int], waves: list[dict[str, int]]) -> None:
    placed = spread(1, gateways, waves)

    assert set(placed) == gateways
    assert all(0 <= wave < len(waves) for wave in placed.values())
    if "gateways" in waves[0] and len(waves) > 1:
        assert list(placed.values()).count(0) == min(waves[0]["gateways"], len(gateways))


def test_waves_are_drawn_by_lot_and_anew_for_each_rollout() -> None:
    waves = [{"gateways": 1}, {"percent": 25}, {"percent": 100}]

    first, second = spread(1, range(1, 101), waves), spread(2, range(1, 101), waves)

    assert first == spread(1, range(100, 0, -1), waves) and first != second
    assert [list(first.values()).count(wave) for wave in range(3)] == [1, 24, 75]


def test_a_wave_goes_on_when_enough_have_kept_it_and_it_is_old_enough() -> None:
    counts = {(0, KEPT): 9, (0, TRIAL): 1, (1, WAITING): 10}

    assert decide(TERMS, 0, counts, 99).what == WAIT
    assert decide(TERMS, 0, counts, 100).what == NEXT
    assert decide(TERMS, 0, {(0, KEPT): 8, (0, TRIAL): 2}, 999).what == WAIT
    assert decide(TERMS, 0, {(0, KEPT): 8, (0, TRIAL): 2}, 1000).what == PAUSE


def test_the_last_wave_waits_for_its_stragglers_as_long_as_a_wave_may_take() -> None:
    counts = {(0, KEPT): 1, (1, KEPT): 95, (1, LOADING): 5}

    assert decide(TERMS, 1, counts, 999).what == WAIT
    assert decide(TERMS, 1, counts, 1000).what == FINISH
    assert decide(TERMS, 1, {(0, KEPT): 19, (0, LOADING): 1, (1, KEPT): 80}, 999).what == WAIT
    assert decide(TERMS, 1, {(0, KEPT): 1, (1, KEPT): 100}, 100).what == FINISH


def test_failures_count_over_all_waves_that_have_begun() -> None:
    assert decide(TERMS, 1, {(0, KEPT): 2, (0, FAILED): 1, (1, KEPT): 97}, 0).what == WAIT
    assert decide(TERMS, 1, {(0, KEPT): 1, (0, FAILED): 2, (1, KEPT): 96, (1, FAILED): 1}, 0).what == STOP
    assert decide(TERMS, 0, {(0, KEPT): 1, (1, FAILED): 3}, 0).what == WAIT


def test_failures_are_a_share_of_those_that_came_to_an_end() -> None:
    few = {(0, KEPT): 1, (1, KEPT): 200, (1, FAILED): 4, (1, WAITING): 999_000}
    many = {**few, (1, FAILED): 5}

    assert decide(TERMS, 1, few, 0).what == WAIT
    assert decide(TERMS, 1, many, 0).why == "5 of 206 gateways failed, more than 2 %"


def test_a_wave_that_fails_is_not_hidden_by_those_before_it() -> None:
    assert decide(TERMS, 1, {(0, KEPT): 250_000, (1, FAILED): 4, (1, LOADING): 700_000}, 0).what == STOP


def test_the_first_to_fail_among_many_stop_nothing() -> None:
    assert decide(TERMS, 1, {(0, KEPT): 1, (1, FAILED): 3, (1, LOADING): 10_000}, 0).what == WAIT
    assert decide(TERMS, 1, {(0, KEPT): 1, (1, FAILED): 4, (1, LOADING): 10_000}, 0).what == STOP


def test_gateways_that_were_left_out_of_a_wave_are_replaced() -> None:
    assert decide(TERMS, 0, {(0, SKIPPED): 3, (1, WAITING): 3}, 0).what == DRAW
    assert decide(TERMS, 0, {(0, SKIPPED): 3, (1, SKIPPED): 3}, 0).what == NEXT


def test_a_wave_of_nobody_is_over_at_once() -> None:
    assert decide(TERMS, 0, {(1, WAITING): 3}, 0).what == NEXT


def test_gateways_of_unknown_board_hold_up_nothing_but_the_end() -> None:
    counts = {(0, KEPT): 1, (1, KEPT): 5, (1, UNKNOWN): 90}

    assert decide(TERMS, 1, counts, 999).what == WAIT
    assert decide(TERMS, 1, counts, 1000).what == FINISH


@given(
    st.dictionaries(st.tuples(st.integers(0, 1), st.sampled_from([KEPT, FAILED, TRIAL, SKIPPED])), st.integers(0, 99)),
    st.integers(0, 1),
    st.integers(0, 2000),
)
def test_it_never_goes_on_above_the_limit_of_failures(
    counts: dict[tuple[int, str], int], wave: int, age_s: int
) -> None:
    failed = sum(number for (of, state), number in counts.items() if of <= wave and state == FAILED)
    told = sum(number for (of, state), number in counts.items() if of <= wave and state != SKIPPED)

    what = decide(TERMS, wave, counts, age_s).what

    assert what == STOP or failed * 100 <= 2 * told
    assert failed or what != STOP
