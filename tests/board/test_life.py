"""What the model of a customer remembers between two losses of power."""

from typing import Any

from tests.board.life import PULSE_ML, Life


class Dying:
    """A board whose power goes at whatever it is told to do."""

    async def do(self, _command: str, **_values: Any) -> dict[str, Any]:
        """Nothing any more."""
        return {"on": False, "rows": [], "now_ms": 0}


async def test_what_is_owed_behind_no_credit_is_remembered_through_a_flow_that_is_cut() -> None:
    life = Life(Dying(), 100_000)  # type: ignore[arg-type]

    await life._flow(4)
    life._check_balance(0)
    await life._flow(3)
    life._check_balance(0)
    await life._type("1")

    life._check_balance(100_000 - 7 * PULSE_ML)
    assert life.taken
