"""What tokens of money carry and what they cost, as pure integers: no minor unit is lost, made or given twice.

A token counts in 1/100000 of the currency (IEC 62055-41, 6.2.6), money in minor units, and few amounts of tokens are
whole minor units. What is paid above a token's amount, always less than one minor unit a sale, is the meter's `rest`:
the next sale gives it out. So the minor units that were paid for tokens are those on tokens and the rest, exactly.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from cloud.errors import Refused
from cloud.notify.texts import minor_digits
from cloud.vending.rules import TOKENS_MAX
from shared.sts.amounts import largest_currency_not_above

_CREDIT_DIGITS = 5


@dataclass(frozen=True)
class MoneyPart:
    """What one token carries, in 1/100000 of the currency, and its share of the price in minor units."""

    money: int
    amount_minor: int


def per_minor(currency: str) -> int:
    """Return how many 1/100000 of a currency are one of its minor units."""
    return int(10 ** (_CREDIT_DIGITS - minor_digits(currency)))


def parts(left_minor: int, rest: int, each_minor: int, token_max: int) -> tuple[MoneyPart, ...]:
    """Return the tokens that `left_minor` buys with what is left of earlier money; Refused out of range.

    Each carries at most `token_max`, and all together the most that tokens carry exactly; full tokens come first.
    """
    available = left_minor * each_minor + rest
    if left_minor < 1 or available < 1:
        raise Refused("purchase_too_small", f"{left_minor} minor units are left for credit; a token needs at least 1.")
    made: list[MoneyPart] = []
    total = priced = 0
    for money in _split(available, token_max):
        total += money
        price = max(0, -((rest - total) // each_minor))
        made.append(MoneyPart(money, price - priced))
        priced = price
    return tuple(made)


def _split(available: int, token_max: int) -> Sequence[int]:
    if token_max < 1:
        raise Refused("token_limit_too_small", "The limit for a balance is below any token, so nothing can be sold.")
    full = largest_currency_not_above(token_max)
    whole, left = divmod(available, full)
    if whole + (left > 0) > TOKENS_MAX:
        most = f"one sale has at most {TOKENS_MAX} tokens of {full} each, in 1/100000 of the currency"
        raise Refused("amount_too_large", f"The money is too much: {most}; buy in parts.")
    return [full] * whole + ([largest_currency_not_above(left)] if left else [])
