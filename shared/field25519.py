"""Arithmetic modulo 2**255 - 19 that is more than one line; elements are plain integers from 0 to P - 1.

Rule: every loop yields between slices of work, so that a board can serve its inputs meanwhile.
"""

from shared.compat import const

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Generator

P = 2**255 - 19
_SQUARINGS_PER_SLICE = const(10)
_DIVISIONS_PER_SLICE = const(25)


def invert_steps(z: int) -> "Generator[None, None, int]":
    """Return 1 / z modulo P, and 0 for 0, by Euclid's algorithm.

    Fermat's z ** (P - 2) takes five times as long; neither is constant-time on Python's integers.
    """
    remainder, divisor = P, z % P
    if divisor == 0:
        return 0
    before, factor = 0, 1
    count = 0
    while divisor != 1:
        quotient, rest = divmod(remainder, divisor)
        remainder, divisor = divisor, rest
        before, factor = factor, before - quotient * factor
        count += 1
        if count % _DIVISIONS_PER_SLICE == 0:
            yield
    return factor % P


def power_p58_steps(z: int) -> "Generator[None, None, int]":
    """Return z ** ((P - 5) / 8) modulo P, the power that square roots need (RFC 8032 section 5.1.3).

    The exponent is 2**252 - 3: a run of ones, so runs are doubled in length instead of multiplied bit by bit.
    """
    run_1 = z % P
    run_2 = (yield from _squarings(run_1, 1)) * run_1 % P
    run_4 = (yield from _squarings(run_2, 2)) * run_2 % P
    run_5 = (yield from _squarings(run_4, 1)) * run_1 % P
    run_10 = (yield from _squarings(run_5, 5)) * run_5 % P
    run_20 = (yield from _squarings(run_10, 10)) * run_10 % P
    run_25 = (yield from _squarings(run_20, 5)) * run_5 % P
    run_50 = (yield from _squarings(run_25, 25)) * run_25 % P
    run_100 = (yield from _squarings(run_50, 50)) * run_50 % P
    run_125 = (yield from _squarings(run_100, 25)) * run_25 % P
    run_250 = (yield from _squarings(run_125, 125)) * run_125 % P
    return (yield from _squarings(run_250, 2)) * run_1 % P


def _squarings(z: int, count: int) -> "Generator[None, None, int]":
    for i in range(1, count + 1):
        z = z * z % P
        if i % _SQUARINGS_PER_SLICE == 0:
            yield
    return z
