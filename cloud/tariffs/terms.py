"""The terms of a tariff's version: blocks, fixed charge, taxes, allowance and minimum, checked once and then only read.

A quantity is ml, for electricity mWh. A price is for 1 m3 (1 kWh), in 1/1000 of a minor unit.
"""

from dataclasses import dataclass
from typing import Any

from cloud.errors import Refused

PURCHASE, CONSUMPTION = "purchase", "consumption"
VOLUME, FIXED = "volume", "fixed"
BLOCKS_MAX = 8
TAXES_MAX = 8


@dataclass(frozen=True)
class Block:
    """A step of the month up to `limit_ml`, None for the rest of it, and its price."""

    limit_ml: int | None
    price_milliminor: int


@dataclass(frozen=True)
class Tax:
    """A tax by its name, its rate in 1/1000, and the lines that it is raised on: VOLUME, FIXED or both."""

    kind: str
    permille: int
    on: tuple[str, ...]


@dataclass(frozen=True)
class Terms:
    """What one version says. The first `free_month_ml` of a month cost nothing, and count in its blocks.

    `minimum_minor` is the least that must be left for volume, with its taxes, when debt and fixed charge are taken.
    """

    basis: str
    blocks: tuple[Block, ...]
    fixed_month_minor: int = 0
    taxes: tuple[Tax, ...] = ()
    free_month_ml: int = 0
    minimum_minor: int = 0


def flat(price_minor: int) -> Terms:
    """One price in whole minor units, and nothing else."""
    return Terms(PURCHASE, (Block(None, price_minor * 1000),))


def check(terms: Terms) -> Terms:
    """Return the terms; Refused says which part of them is wrong."""
    if terms.basis not in (PURCHASE, CONSUMPTION):
        raise _wrong(f"block_basis: {terms.basis} is neither purchase nor consumption")
    if not 1 <= len(terms.blocks) <= BLOCKS_MAX:
        raise _wrong(f"blocks: expected 1 to {BLOCKS_MAX}, got {len(terms.blocks)}")
    if terms.blocks[-1].limit_ml is not None:
        raise _wrong("blocks: the last one must have no limit (null), for the rest of the month")
    before = 0
    for number, block in enumerate(terms.blocks[:-1], 1):
        if block.limit_ml is None or block.limit_ml <= before:
            raise _wrong(f"blocks: the limit of block {number} must be above {before}, that of the one before it")
        before = block.limit_ml
    _check_taxes(terms)
    return terms


def _check_taxes(terms: Terms) -> None:
    if len(terms.taxes) > TAXES_MAX:
        raise _wrong(f"taxes: at most {TAXES_MAX}, got {len(terms.taxes)}")
    kinds = [tax.kind for tax in terms.taxes]
    for tax in terms.taxes:
        if kinds.count(tax.kind) > 1:
            raise _wrong(f"taxes: {tax.kind} is there twice; give one tax all lines that it is raised on")
        if not tax.on or len(set(tax.on)) != len(tax.on) or set(tax.on) - {VOLUME, FIXED}:
            raise _wrong(f"taxes: {tax.kind} must be raised on volume, fixed or both, each once")


def _wrong(problem: str) -> Refused:
    return Refused("terms_wrong", f"These are no terms of a tariff: {problem}.")


def to_json(terms: Terms) -> dict[str, Any]:
    """The terms as they are kept and audited."""
    return {
        "basis": terms.basis,
        "blocks": [[block.limit_ml, block.price_milliminor] for block in terms.blocks],
        "fixed_month_minor": terms.fixed_month_minor,
        "taxes": [[tax.kind, tax.permille, list(tax.on)] for tax in terms.taxes],
        "free_month_ml": terms.free_month_ml,
        "minimum_minor": terms.minimum_minor,
    }


def from_json(kept: dict[str, Any]) -> Terms:
    """The terms that to_json kept."""
    return Terms(
        basis=kept["basis"],
        blocks=tuple(Block(limit, price) for limit, price in kept["blocks"]),
        fixed_month_minor=kept["fixed_month_minor"],
        taxes=tuple(Tax(kind, permille, tuple(on)) for kind, permille, on in kept["taxes"]),
        free_month_ml=kept["free_month_ml"],
        minimum_minor=kept["minimum_minor"],
    )
