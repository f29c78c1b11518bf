"""The order in which a top-up is applied: debts first, each by its share, and a part that always buys service.

Gateway and cloud split by this code. Amounts are integers of one kind, money or volume: the split knows no unit.
"""

from shared.errors import WireError


class Shares:
    """The percentages of a top-up that go to debts and to service, 0 to 100, and what payment debt may still take."""

    def __init__(
        self,
        payment_percent: int,
        payment_cap_left: int,
        debt_percent: int,
        emergency_percent: int,
        min_service_percent: int,
    ):
        """`payment_cap_left`: what may yet be taken for payment debt in the period, in the amount's unit, 0 or more.

        WireError names the percentage that is none.
        """
        assert payment_cap_left >= 0, "a cap that is used up leaves 0"
        self.payment_percent = _percent(payment_percent, "payment_percent")
        self.payment_cap_left = payment_cap_left
        self.debt_percent = _percent(debt_percent, "debt_percent")
        self.emergency_percent = _percent(emergency_percent, "emergency_percent")
        self.min_service_percent = _percent(min_service_percent, "min_service_percent")


def lines(
    amount: int, payment_debt: int, accumulated_debt: int, emergency_used: int, shares: Shares
) -> "tuple[int, int, int, int]":
    """(payment debt, accumulated debt, emergency credit, service) that `amount`, above 0, is split into.

    Each percentage is of the whole amount, rounded down, and takes no more than is owed; the part for service is
    rounded up, and what it reserves is missing first from emergency credit, then from debt. The sum is the amount.
    """
    assert amount > 0, "a top-up adds something"
    assert payment_debt >= 0 and accumulated_debt >= 0 and emergency_used >= 0, "debts are counted from 0 up"
    left = amount - (amount * shares.min_service_percent + 99) // 100
    payment = min(payment_debt, amount * shares.payment_percent // 100, shares.payment_cap_left, left)
    left -= payment
    debt = min(accumulated_debt, amount * shares.debt_percent // 100, left)
    left -= debt
    emergency = min(emergency_used, amount * shares.emergency_percent // 100, left)
    return payment, debt, emergency, amount - payment - debt - emergency


def _percent(value: int, name: str) -> int:
    if not 0 <= value <= 100:
        raise WireError(f"{name}: {value} is no percentage from 0 to 100")
    return value
