"""Applying a top-up: the worked examples of tests/vectors/tariff.json, and percentages that are none."""

from shared.errors import WireError
from shared.top_up import Shares, lines
from tests.helpers import load_vectors, raises
from tests.shared.test_tariff import money

EXAMPLES = load_vectors("tariff")["top_ups"]


def test_each_worked_top_up_gives_its_four_lines():
    for example in EXAMPLES:
        payment, debt, emergency = example["percent"]
        shares = Shares(payment, money(example["cap_left"]), debt, emergency, example["min_service_percent"])
        owed = [money(text) for text in example["owed"]]

        split = lines(money(example["amount"]), owed[0], owed[1], owed[2], shares)

        assert list(split) == [money(text) for text in example["lines"]], example["say"]


def test_a_device_that_knows_no_payment_debt_still_repays_the_others():
    shares = Shares(20, 0, 30, 100, 10)

    assert lines(10000000, 0, 50000000, 2500000, shares) == (0, 3000000, 2500000, 4500000)


def test_amounts_larger_than_a_word_are_split_exactly():
    amount = (1 << 47) - 1  # 140737488355327

    split = lines(amount, amount, amount, amount, Shares(33, amount, 33, 33, 1))

    assert split == (46443371157257, 46443371157257, 46443371157257, 1407374883556)


def test_service_that_is_all_of_it_leaves_nothing_for_debts():
    assert lines(7, 9, 9, 9, Shares(100, 9, 100, 100, 100)) == (0, 0, 0, 7)


def test_a_percentage_that_is_none_is_refused_by_its_name():
    names = ("payment_percent", "debt_percent", "emergency_percent", "min_service_percent")
    for name in names:
        for value in (-1, 101, 255):
            values = [0, 0, 0, 0]
            values[names.index(name)] = value

            error = raises(WireError, Shares, values[0], 0, values[1], values[2], values[3])

            assert str(error).startswith(name) and str(value) in str(error), error


def test_an_amount_that_adds_nothing_and_debts_below_zero_are_our_own_bug():
    shares = Shares(20, 0, 30, 100, 10)
    for amount, payment, debt, emergency in ((0, 0, 0, 0), (-1, 0, 0, 0), (1, -1, 0, 0), (1, 0, -1, 0), (1, 0, 0, -1)):
        raises(AssertionError, lines, amount, payment, debt, emergency, shares)
