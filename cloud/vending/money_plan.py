"""Where the buyer of money for a meter stands, and what a purchase comes to; a trial and a sale ask the same."""

from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.errors import Refused
from cloud.meters import policies
from cloud.meters.models import Meter
from cloud.tariffs import versions
from cloud.tariffs.models import Tariff, TariffVersion
from cloud.vending import debts, money, months, pricing
from cloud.vending.ahead import Ahead
from cloud.vending.models import Vend
from cloud.vending.money import MoneyPart
from cloud.vending.purchase import Debt, Wanted, service_of
from cloud.vending.rules import Settlement
from cloud.vending.sale_models import PaymentDebt
from shared.policy import Policy, decode_policy


@dataclass(frozen=True)
class MoneyBuyer:
    """A meter that holds money, its class, and where its customer stands; `rest` as in `money`."""

    meter: Meter
    tariff: Tariff
    version: TariffVersion
    policy: Policy
    month: int
    balance_minor: int | None
    owed: Debt
    debt: PaymentDebt | None
    rest: int


@dataclass(frozen=True)
class MoneyPlan:
    """A purchase that can be made: the tokens, where the money goes, and the meter's `rest` afterwards."""

    tender_minor: int
    parts: tuple[MoneyPart, ...]
    settled: Settlement
    rest: int

    @property
    def credit(self) -> int:
        """What all tokens carry, in 1/100000 of the currency."""
        return sum(part.money for part in self.parts)


async def buyer(
    session: AsyncSession, meter: Meter, currency: str, now: int, *, known: Ahead | None = None
) -> MoneyBuyer:
    """Return where the buyer of a meter stands now; Refused if nothing can be sold to it. `known` as in `pricing`."""
    tariff = await session.get_one(Tariff, meter.tariff_id)
    pricing.check_sellable(meter, tariff, currency)
    version = await versions.in_force(session, tariff.id, now)
    policy = await policy_of(session, meter)
    month = months.month_at(policy, now)
    balance, debt = await pricing.customer_of(session, meter, currency, known)
    owed = await debts.standing(session, debt, month)
    return MoneyBuyer(meter, tariff, version, policy, month, balance, owed, debt, await rest(session, meter, currency))


async def policy_of(session: AsyncSession, meter: Meter) -> Policy:
    """Return the policy that a meter goes by: that of its group, or that for all."""
    own = await policies.latest_of(session, meter.utility_id, meter.meter_group)
    return decode_policy((own or await policies.latest(session, meter.utility_id)).document)


async def rest(session: AsyncSession, meter: Meter, currency: str) -> int:
    """Return what was paid for tokens of a meter and is on none yet, in 1/100000; below zero after some voids."""
    paid = func.sum(Vend.amount_minor * money.per_minor(currency) - Vend.money)
    mine = (Vend.meter_id == meter.id, Vend.currency == currency, Vend.money.is_not(None), Vend.voided_at.is_(None))
    return int(await session.scalar(select(func.coalesce(paid, 0)).where(*mine)) or 0)


def plan(wanted: Wanted, stands: MoneyBuyer) -> MoneyPlan:
    """Return what the purchase comes to; Refused says what is missing, and changes nothing."""
    drn = stands.meter.drn
    if wanted.volume_ml is not None or wanted.tender_minor is None:
        raise Refused("account_currency", f"Meter {drn} holds money; leave volume_ml out and say how much money.")
    tender = wanted.tender_minor
    service = service_of(tender, stands.owed, stands.policy.min_service_percent)
    balance = stands.balance_minor or 0
    each = money.per_minor(stands.tariff.currency)
    parts = money.parts(service + balance, stands.rest, each, int(stands.policy.max_meter_balance))
    price = sum(part.amount_minor for part in parts)
    from_account = min(balance, price)
    over = service - (price - from_account)
    kept, change = (0, over) if stands.balance_minor is None else (over, 0)
    settled = Settlement(from_account, kept, change, price, 0, tender - service)
    left = stands.rest + price * each - sum(part.money for part in parts)
    return MoneyPlan(tender, parts, settled, left)
