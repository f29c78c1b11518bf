"""What a token that is taken back gives back of the taxes of its sale, as pure integers."""

from collections.abc import Sequence

from cloud.tariffs.terms import VOLUME
from cloud.vending.statement import TaxView


def of_part(taxes: Sequence[TaxView], amounts_minor: Sequence[int], part: int) -> tuple[tuple[str, int], ...]:
    """Return (tax, minor units) of part `part`, from 1, of a sale whose tokens cost `amounts_minor`, taxes inside.

    A tax on the volume is shared by price, and the shares of all parts are the tax. That on the fixed charge stays.
    """
    whole = sum(amounts_minor)
    before, after = sum(amounts_minor[: part - 1]), sum(amounts_minor[:part])
    if whole == 0:
        return ()
    shares = [
        (tax.kind, tax.amount_minor * after // whole - tax.amount_minor * before // whole)
        for tax in taxes
        if tax.on == VOLUME
    ]
    return tuple((kind, amount) for kind, amount in shares if amount)
