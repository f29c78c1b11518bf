"""What agents earn: the whole part of the share of all they took, in whatever pieces, and nothing made by rounding."""

from fractions import Fraction as Exact

from hypothesis import given
from hypothesis import strategies as st

from cloud.agents import rules
from cloud.agents.rules import Fraction

FRACTIONS = st.tuples(st.integers(0, 999_999), st.integers(1, rules.DENOMINATOR_MAX)).filter(lambda f: f[0] < f[1])
MONEY = st.integers(0, 10**9)


@given(FRACTIONS, st.lists(MONEY))
def test_what_is_given_is_the_whole_part_of_the_share_of_all_that_was_taken(
    fraction: tuple[int, int], sales: list[int]
) -> None:
    rest = total = 0
    for base in sales:
        given, rest = rules.earned(rest, Fraction(*fraction), base)
        total += given

    assert total == sum(sales) * fraction[0] // fraction[1]


@given(FRACTIONS, st.lists(st.tuples(MONEY, st.booleans(), st.integers(0, 10**6))))
def test_sales_that_are_taken_back_earned_nothing_in_the_end(
    fraction: tuple[int, int], life: list[tuple[int, bool, int]]
) -> None:
    share, rest, total, kept = Fraction(*fraction), 0, 0, 0
    for base, back, held in life:
        given, rest = rules.earned(rest, share, base)
        total, kept = total + given, kept + base
        if back:
            taken, rest = rules.taken_back(rest, share, share, base, held)
            assert 0 <= taken <= held
            total, kept = total - taken, kept - base
        assert total * share.denominator + rest == kept * share.numerator
        assert total >= kept * share.numerator // share.denominator or rest >= 0

    given, rest = rules.earned(rest, share, 10**15)
    assert rest >= 0 or share.numerator == 0 or given == 0


def test_an_empty_float_owes_commission_that_the_next_sale_pays() -> None:
    share = Fraction(1, 10)
    given, rest = rules.earned(0, share, 1_000)
    taken, rest = rules.taken_back(rest, share, share, 1_000, held_minor=30)
    next_given, rest = rules.earned(rest, share, 1_000)

    assert (given, taken, next_given, rest) == (100, 30, 30, 0)


@given(FRACTIONS, FRACTIONS, st.data())
def test_another_fraction_takes_no_rest_from_the_agent_and_gives_no_whole_unit(
    before: tuple[int, int], after: tuple[int, int], data: st.DataObject
) -> None:
    rest = data.draw(st.integers(0, before[1] - 1))

    carried = rules.converted(rest, Fraction(*before), Fraction(*after))

    gained = Exact(carried, after[1]) - Exact(rest, before[1])
    assert 0 <= gained < Exact(1, after[1])


def test_tokens_that_are_void_undo_no_more_than_was_taken() -> None:
    first = rules.voided_part(1_000, 0, 700)
    second = rules.voided_part(1_000, first, 700)

    assert (first, second) == (700, 300)
