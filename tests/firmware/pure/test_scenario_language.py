"""The language of scenario files: what is understood, and what an error says to who wrote the line."""

from tests.helpers import raises
from tests.scenarios import given, language, quantities, runner, then, when
from tests.scenarios.language import ScenarioError
from tests.scenarios.policy_words import policy_fields

HEAD = "Rule: R.\nGiven a water meter with 1.000 m3\nAnd the clock is trusted\n"


def run(text):
    _rule, scenarios = language.read("a.txt", HEAD + text)
    runner.run_scenario("a.txt", *scenarios[0])


def error_of(text):
    return str(raises(ScenarioError, run, text))


def test_amounts_are_integers():
    assert quantities.amount("2.000 m3") == 2000000
    assert quantities.amount("500 L") == 500000
    assert quantities.amount("3.5 kWh") == 3500000
    assert quantities.amount("12.5") == 1250000
    assert quantities.amount("-0.50") == -50000
    raises(ValueError, quantities.amount, "1.0000001 m3")
    raises(ValueError, quantities.amount, "1 litre")
    raises(ValueError, quantities.amount, "1,5")


def test_times_and_durations():
    assert quantities.seconds("15 minutes") == 900
    assert quantities.seconds("1 day") == 86400
    assert quantities.minute("08:05") == 485
    assert quantities.moment("1970-01-02 00:01") == (1, 1)
    raises(ValueError, quantities.seconds, "soon")
    raises(ValueError, quantities.minute, "8")


def test_values_stand_between_the_words_of_a_pattern():
    assert language.match("{volume} flow in {duration}", "3 L flow in 2 hours") == [3000, 7200]
    assert language.match("the display says {text}", 'the display says "a flow"') == ["a flow"]
    assert language.match("{volume} flow", "3 L flow in 2 hours") is None
    assert language.match("it is {time}", "it is") is None


def test_a_policy_is_read_clause_by_clause():
    fields = policy_fields("friendly windows Fri-Mon and holidays 18:00-08:00; debt takes 50%")

    assert fields == {"friendly_windows": bytes((0xF1, 4, 56, 1, 224)), "debt_percent": 50}
    assert "no such sentence" in str(raises(ValueError, policy_fields, "friendly always"))
    assert "no days" in str(raises(ValueError, policy_fields, "friendly windows Monday 08:00-09:00"))


def test_an_unknown_sentence_names_file_line_and_what_is_alike():
    message = error_of("When the operator explodes it\nThen nothing is owed")

    assert message.startswith("a.txt:4: When the operator explodes it: no such sentence; there are: the operator ")
    assert "the operator disconnects it" in message


def test_a_value_that_is_none_says_so():
    assert '"1 gallon" is no volume' in error_of("When 1 gallon flow\nThen nothing is owed")


def test_a_line_needs_its_word():
    text = HEAD + "Suddenly 1 L flow\n"

    assert "a.txt:4: a line begins with Given, When, Then or And" in str(
        raises(ScenarioError, language.read, "a.txt", text)
    )


def test_a_failed_check_says_what_it_found():
    error = raises(AssertionError, run, "When 100 L flow\nThen the balance is 1.000 m3")

    assert str(error) == "a.txt:5: Then the balance is 1.000 m3: the balance is 900000"


def test_a_scenario_that_checks_nothing_is_refused():
    assert "ends with a Then" in error_of("When 1 L flow")


def test_a_token_that_no_vend_makes_is_refused():
    assert "one carries 0.100000" in error_of("When the customer types a token of 0.15 m3\nThen the answer is ACCEPTED")


def test_what_was_installed_cannot_be_said_later():
    assert "belongs before" in error_of("Given a water meter\nThen nothing is owed")


def test_every_table_has_sentences():
    for table in (given.SENTENCES, when.SENTENCES, then.SENTENCES):
        assert len(table) > 10
