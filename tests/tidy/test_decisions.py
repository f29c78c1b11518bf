"""docs/decisions.md is what the deciding code prints."""

from tests.tidy import sources
from tools import decision_tables


def test_the_page_of_decisions_is_what_the_code_decides() -> None:
    assert sources.text("docs/decisions.md") == decision_tables.page(), "run 'make tables' and read what has changed"


def test_every_supply_and_every_pot_stands_in_some_table() -> None:
    page = decision_tables.page()

    assert all(f"| {word} |" in page for word in decision_tables.SUPPLY)
    assert all(f"| {name} |" in page for name in decision_tables.kinds.POT_NAMES[1:])
