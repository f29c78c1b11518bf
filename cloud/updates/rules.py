"""Who is in which wave, and what becomes of a rollout: go on, wait, ask a person, or stop. Pure."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

UNKNOWN, WAITING, ORDERED, LOADING, TRIAL = "unknown", "waiting", "ordered", "loading", "trial"
KEPT, FAILED, STOPPING, SKIPPED = "kept", "failed", "stopping", "skipped"
OPEN_STATES = (WAITING, ORDERED, LOADING, TRIAL)
WAIT, DRAW, NEXT, FINISH, PAUSE, STOP = "wait", "draw", "next", "finish", "pause", "stop"
SILENT_ON_TRIAL = "silent since its trial began"
SILENT_WITH_IMAGE = "silent since it had the whole image"
UNREACHED = "it has not told its board"
_NOT_COUNTED = (UNKNOWN, SKIPPED, STOPPING)
_FAILURES_SEEN = 3

Counts = Mapping[tuple[int, str], int]
"""Gateways by (wave, state)."""


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


def decide(terms: Terms, wave: int, counts: Counts, age_s: int) -> Step:
    """What becomes of a rollout whose wave is so old."""
    why = _too_many(terms, range(wave + 1), counts) or _too_many(terms, range(wave, wave + 1), counts)
    if why:
        return Step(STOP, why)
    kept, bound = counts.get((wave, KEPT), 0), _counted(counts, (wave,))
    if not bound and _left_out(counts, wave):
        return Step(DRAW, f"wave {wave + 1}: all of its gateways were left out; others take their place")
    if kept * 100 >= terms.kept_percent * bound and (age_s >= terms.soak_s or not bound):
        return _further(terms, wave, counts, age_s)
    if age_s >= terms.wave_s:
        return Step(PAUSE, f"wave {wave + 1}: {kept} of {bound} gateways have kept the release in {terms.wave_s} s")
    return Step(WAIT)


def _further(terms: Terms, wave: int, counts: Counts, age_s: int) -> Step:
    if wave + 1 < terms.waves:
        return Step(NEXT)
    is_open = any(number for (_, state), number in counts.items() if state in (*OPEN_STATES, UNKNOWN))
    return Step(FINISH) if not is_open or age_s >= terms.wave_s else Step(WAIT)


def _too_many(terms: Terms, waves: Sequence[int], counts: Counts) -> str:
    """Why these waves have failed too often, or "".

    The share is of those that came to an end: of a million, most have not been told when the first fail. It begins to
    count where the limit allows three, or there are no more: the very first to end may be the one that fails.
    """
    failed, kept = (sum(counts.get((wave, state), 0) for wave in waves) for state in (FAILED, KEPT))
    seen = failed + kept
    if terms.failure_percent:
        seen = max(seen, min(_counted(counts, waves), _FAILURES_SEEN * 100 // terms.failure_percent))
    if failed * 100 <= terms.failure_percent * seen:
        return ""
    return f"{failed} of {failed + kept} gateways failed, more than {terms.failure_percent} %"


def _counted(counts: Counts, waves: Sequence[int]) -> int:
    """How many there are in these waves, without those that the release is not given."""
    return sum(number for (of, state), number in counts.items() if of in waves and state not in _NOT_COUNTED)


def _left_out(counts: Counts, wave: int) -> int:
    """How many places of the wave are free, as far as somebody in a later one could take them."""
    later = sum(number for (of, state), number in counts.items() if of > wave and state == WAITING)
    return min(counts.get((wave, SKIPPED), 0), later)
