"""docs/scenarios.md lists every sentence that scenario files may use; every file's rule is a sentence of its own."""

from pathlib import Path

from tests.scenarios import given, language, policy_words, runner, then, when

_DOCUMENT = Path("docs/scenarios.md")
_TABLES = (
    given.SENTENCES,
    when.SENTENCES,
    then.SENTENCES,
    policy_words.POLICY,
    policy_words.FLOOR,
    policy_words.TARIFF,
)


def test_every_sentence_is_in_the_document() -> None:
    lines = _DOCUMENT.read_text(encoding="utf-8").splitlines()

    missing = [pattern for table in _TABLES for pattern, _function in table if pattern not in lines]

    assert not missing, "docs/scenarios.md lacks: " + " | ".join(missing)


def test_no_sentence_stands_twice() -> None:
    patterns = [[pattern for pattern, _function in table] for table in _TABLES]

    assert all(len(set(table)) == len(table) for table in patterns)


def test_every_rule_is_said_once() -> None:
    rules = [language.read(path, Path(path).read_text(encoding="utf-8"))[0] for path in runner.files()]

    assert len(rules) > 50
    assert len(set(rules)) == len(rules)
    assert all(rule.endswith(".") for rule in rules)
