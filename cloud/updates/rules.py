"""Who is in which wave, and what becomes of a rollout: go on, wait, ask a person, or stop. Pure."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

WAITING, ORDERED, LOADING, TRIAL = "waiting", "ordered", "loading", "trial"
KEPT, FAILED, SKIPPED = "kept", "failed", "skipped"
OPEN_STATES = (WAITING, ORDERED, LOADING, TRIAL)
WAIT, NEXT, FINISH, PAUSE, STOP = "wait", "next", "finish", "pause", "stop"


@dataclass(frozen=True)
class Terms:
    """The conditions of a rollout, as its table has them; `waves` is how many there are."""

    waves: int
    kept_percent: int
    failure_percent: int
    wave_s: int
    soak_s: int


@dataclass(frozen=True)
class Step:
    """What is to be done, and why, where a person is told."""

    what: str
    why: str = ""


def spread(rollout_id: int, gateways: Iterable[int], waves: Sequence[Mapping[str, int]]) -> dict[int, int]:
    """The wave of each gateway: by lot, the same each time. A wave takes so many, or up to so many percent of all.

    What is left over after the last wave goes into it.
    """
    order = sorted(gateways, key=lambda gateway: hashlib.sha256(f"{rollout_id}:{gateway}".encode()).digest())
    placed: dict[int, int] = {}
    taken = 0
    for number, wave in enumerate(waves):
        until = taken + wave["gateways"] if "gateways" in wave else -(-len(order) * wave["percent"] // 100)
        until = len(order) if number == len(waves) - 1 else min(max(until, taken), len(order))
        placed |= dict.fromkeys(order[taken:until], number)
        taken = until
    return placed


def decide(terms: Terms, wave: int, counts: Mapping[tuple[int, str], int], age_s: int) -> Step:
    """What becomes of a rollout whose wave is so old. `counts`: gateways by (wave, state)."""
    failed, told = _failed_and_told(counts, wave)
    if failed * 100 > terms.failure_percent * told:
        return Step(STOP, f"{failed} of {told} gateways failed, more than {terms.failure_percent} %")
    kept, bound = counts.get((wave, KEPT), 0), _bound(counts, wave)
    is_open = any(counts.get((wave, state), 0) for state in OPEN_STATES)
    if kept * 100 >= terms.kept_percent * bound and (age_s >= terms.soak_s or not bound):
        return _further(terms, wave, is_open, age_s)
    if age_s >= terms.wave_s:
        return Step(PAUSE, f"wave {wave + 1}: {kept} of {bound} gateways have kept the release in {terms.wave_s} s")
    return Step(WAIT)


def _further(terms: Terms, wave: int, is_open: bool, age_s: int) -> Step:
    if wave + 1 < terms.waves:
        return Step(NEXT)
    return Step(FINISH) if not is_open or age_s >= terms.wave_s else Step(WAIT)


def _failed_and_told(counts: Mapping[tuple[int, str], int], wave: int) -> tuple[int, int]:
    """How many failed in the waves up to this one, and how many there are in them without those that were skipped."""
    failed = sum(number for (of, state), number in counts.items() if of <= wave and state == FAILED)
    told = sum(number for (of, state), number in counts.items() if of <= wave and state != SKIPPED)
    return failed, told


def _bound(counts: Mapping[tuple[int, str], int], wave: int) -> int:
    return sum(number for (of, state), number in counts.items() if of == wave and state != SKIPPED)
