"""What agents earn, as pure integers: a fraction of what they take, of which nothing is lost by rounding.

What was earned is counted in minor units / denominator. Whole minor units are given; the rest is carried to the next
sale, so all that is given is the whole part of the fraction of all that was taken.
"""

from dataclasses import dataclass

ACTIVE, SUSPENDED, CLOSED = "active", "suspended", "closed"
WAITING, DONE, DECLINED = "waiting", "done", "declined"
TENDERS = ("cash", "card", "mobile_money")
"""What customers may pay an agent with: money that the agent has then, and its float no more."""
DENOMINATOR_MAX = 1_000_000


@dataclass(frozen=True)
class Fraction:
    """A commission, e.g. 3/200 for 1.5 %: at least nothing, and less than everything."""

    numerator: int
    denominator: int


NOTHING = Fraction(0, 1)


def earned(rest: int, fraction: Fraction, base_minor: int) -> tuple[int, int]:
    """Return (minor units to give, rest) after a sale; nothing is given before an older debt is worked off."""
    units = rest + base_minor * fraction.numerator
    given = max(0, units // fraction.denominator)
    return given, units - given * fraction.denominator


def taken_back(rest: int, now: Fraction, then: Fraction, base_minor: int, held_minor: int) -> tuple[int, int]:
    """Return (minor units to take, rest) when a sale of `base_minor` that earned `then` is taken back.

    No more is taken than the float holds; the rest goes below zero by what is still owed, and later sales pay it.
    """
    units = rest - base_minor * then.numerator * now.denominator // then.denominator
    taken = min(held_minor, max(0, -(units // now.denominator)))
    return taken, units + taken * now.denominator


def converted(rest: int, before: Fraction, after: Fraction) -> int:
    """Return a rest under a new fraction; what that cannot count is rounded to the agent's good."""
    return -(-rest * after.denominator // before.denominator)


def voided_part(base_minor: int, reversed_minor: int, amount_minor: int) -> int:
    """Return how much of what an agent took a token's void undoes: its price, and in all no more than the base."""
    return min(amount_minor, base_minor - reversed_minor)


def returned_minor(price_minor: int, face_minor: int, left_minor: int) -> int:
    """Return what goes back of the price of vouchers when `left_minor` of their face was never redeemed."""
    return price_minor * left_minor // face_minor


def discount_minor(face_minor: int, fraction: Fraction) -> int:
    """Return the most by which an agent may buy vouchers below their face without anybody's approval."""
    return face_minor * fraction.numerator // fraction.denominator
