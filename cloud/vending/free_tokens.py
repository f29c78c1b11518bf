"""Tokens that nobody pays for, for a reason that is kept: free basic volume, compensation; an expense in the books.

They do not count in the month's blocks. A second person approves what is above the configured limit.
"""

from sqlalchemy.ext.asyncio import AsyncSession

from cloud.auth.actor import Actor
from cloud.books import service as books
from cloud.errors import Refused
from cloud.meters.models import Meter, Utility
from cloud.vending import booking, money, money_plan, pricing, rules
from cloud.vending.accounts import Movement
from cloud.vending.ahead import Ahead
from cloud.vending.order import Keyed, Order, advance
from cloud.vending.rows import Carried, Made, Priced, add_vends, rows


async def give(
    session: AsyncSession, actor: Actor, order: Order, meter: Meter, keyed: Keyed, found: Ahead, now: int
) -> Made:
    """Add the rows of tokens that are given, and put them into the books; Refused if tokens cannot carry it."""
    tariff = found.tariff
    pricing.check_sellable(meter, tariff, order.currency)
    parts = await _parts(session, order, meter)
    priced = Priced(tariff.id, order.currency, 0, 0)
    made = rows(actor, order, meter, keyed, priced, parts, now)
    await advance(session, meter, keyed, made[-1].tid, now)
    await add_vends(session, made, found.vend_id)
    await books.post(session, booking.gift(made, meter.commodity, order.reason), actor, now)
    return Made(made, None, Movement())


async def _parts(session: AsyncSession, order: Order, meter: Meter) -> list[Carried]:
    policy = await money_plan.policy_of(session, meter)
    most = int(policy.max_meter_balance)
    if meter.account == "currency":
        if order.volume_ml is not None:
            raise Refused("account_currency", f"Meter {meter.drn} holds money; say amount_minor, not volume_ml.")
        rest = await money_plan.rest(session, meter, order.currency)
        each = money.per_minor(order.currency)
        made = money.parts(order.given_minor, rest, each, most)
        return [Carried(0, 0, part.money, part.amount_minor) for part in made]
    if order.volume_ml is None:
        raise Refused("account_unit", f"Meter {meter.drn} holds volume; say volume_ml, not amount_minor.")
    limit = (await session.get_one(Utility, meter.utility_id)).token_max_ml
    quote = rules.quote(order.volume_ml, lambda _ml: 0, most if limit is None else min(most, limit))
    return [Carried(part.units, part.volume_ml, None, 0) for part in quote.parts]
