"""Sales, swaps and closings side by side: each sale is before the change or refused, and a change happens once."""

import asyncio

from cloud.accounts.change_models import AccountClosing, MeterSwap
from cloud.errors import CloudError
from cloud.vending.models import Vend
from tests.cloud.accounts.street import Street
from tests.cloud.accounts.test_closings import close
from tests.cloud.accounts.test_swaps import ask

REFUSALS = {
    "tokens_unused",
    "account_closed",
    "final_not_heard",
    "no_place",
    "swap_there",
    "closing_there",
    "meter_taken",
}


async def outcomes(*work: object) -> list[object]:
    """Run all of it at once; an error of the business is an outcome, any other one fails."""
    found = await asyncio.gather(*work, return_exceptions=True)  # type: ignore[call-overload]  # coroutines
    for one in found:
        if isinstance(one, BaseException):
            assert isinstance(one, CloudError) and one.code in REFUSALS, repr(one)
    return list(found)


async def test_every_token_sold_beside_a_swap_is_on_the_new_meter(street: Street) -> None:
    old, new = await street.house(), await street.house(customer=False)
    sales = [street.sell(old, 100_000) for _ in range(4)]

    done = await outcomes(*sales[:2], ask(street, old, new), *sales[2:], ask(street, old, new))

    sold = [one for one in done if isinstance(one, list)]
    assert sum(isinstance(one, MeterSwap) for one in done) == 1
    assert await street.unused(old) == []
    assert len(await street.unused(new)) == len(sold)
    await street.talk(old)
    await street.talk(new)
    assert not {"granted:water", "carried:water"} & (await street.books()).keys()


async def test_an_account_is_closed_once_whoever_asks(street: Street) -> None:
    drn = await street.house()
    await street.use(drn, await street.sell(drn))

    done = await outcomes(*(close(street, drn) for _ in range(3)), street.sell(drn, 100_000))

    closings = [one for one in done if isinstance(one, AccountClosing)]
    sold = [one for one in done if isinstance(one, list) and isinstance(one[0], Vend)]
    assert len(closings) <= 1, "none, where the sale was first: its token is not used"
    assert len(closings) + len(sold) >= 1
    await street.books()
