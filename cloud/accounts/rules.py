"""What accounts come to, as pure integers: credit that is left at the price it was bought for, plans of instalments."""

from collections.abc import Sequence
from dataclasses import dataclass

from cloud.errors import Refused

INSTALMENTS_MAX = 120


@dataclass(frozen=True)
class Bought:
    """A token that a meter took: what it carried (ml, mWh), its price with taxes, and its taxes by kind."""

    volume_ml: int
    amount_minor: int
    taxes: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True)
class Worth:
    """What credit that is left was bought for: of `volume_ml` that was paid for, the price and the taxes in it.

    Credit beyond it was given, not sold, and is worth nothing.
    """

    volume_ml: int
    value_minor: int
    taxes: tuple[tuple[str, int], ...]


def worth(credit_ml: int, bought: Sequence[Bought]) -> Worth:
    """Value what is left. Who draws first draws what was bought first, so what is left is the newest: `bought` begins
    with it. Each part is rounded down to minor units."""
    left, value = max(0, credit_ml), 0
    taxes: dict[str, int] = {}
    for token in bought:
        taken = min(left, token.volume_ml)
        if taken == 0:
            continue
        value += token.amount_minor * taken // token.volume_ml
        for kind, amount in token.taxes:
            taxes[kind] = taxes.get(kind, 0) + amount * taken // token.volume_ml
        left -= taken
    return Worth(
        max(0, credit_ml) - left, value, tuple(sorted((kind, amount) for kind, amount in taxes.items() if amount))
    )


@dataclass(frozen=True)
class Instalment:
    """What is due by a time."""

    number: int
    due_at: int
    amount_minor: int


def instalments(principal_minor: int, due: Sequence[int]) -> list[Instalment]:
    """Cut a debt into equal parts, one for each time; the last one takes what the division leaves."""
    count = len(due)
    if not 1 <= count <= INSTALMENTS_MAX or list(due) != sorted(set(due)):
        raise Refused("plan_wrong", f"A plan has 1 to {INSTALMENTS_MAX} instalments, each later than the one before.")
    if principal_minor < count:
        raise Refused("plan_wrong", f"{principal_minor} minor units cannot be paid in {count} instalments; take fewer.")
    each = principal_minor // count
    parts = [each] * (count - 1) + [principal_minor - each * (count - 1)]
    return [Instalment(number, at, part) for number, (at, part) in enumerate(zip(due, parts, strict=True), 1)]


@dataclass(frozen=True)
class PlanStanding:
    """Where a plan stands: what was due by now, what of it is missing, and what comes next."""

    due_minor: int
    overdue_minor: int
    next_due_at: int | None
    next_minor: int


def plan_standing(plan: Sequence[Instalment], paid_minor: int, now: int) -> PlanStanding:
    """Say where a plan stands; what is paid counts for the oldest instalment first, however it was paid."""
    due = sum(part.amount_minor for part in plan if part.due_at <= now)
    covered = 0
    for part in plan:
        covered += part.amount_minor
        if part.due_at > now and covered > paid_minor:
            return PlanStanding(
                due, max(0, due - paid_minor), part.due_at, min(part.amount_minor, covered - paid_minor)
            )
    return PlanStanding(due, max(0, due - paid_minor), None, 0)
