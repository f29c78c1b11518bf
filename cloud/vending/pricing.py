"""Where a buyer stands: the tariff's version in force, the month so far, the account, the debt, and a token's limit.

A sale reads it under locks, a trial without; both then ask `purchase.plan`.
"""

from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from cloud.accounts.models import Customer
from cloud.errors import Refused
from cloud.meters import policies, standing
from cloud.meters.models import Meter, Utility
from cloud.tariffs import versions
from cloud.tariffs.models import Tariff, TariffVersion
from cloud.tariffs.terms import PURCHASE, from_json
from cloud.vending import accounts, debts, months
from cloud.vending.ahead import Ahead, token_most_ml
from cloud.vending.purchase import Plan, Standing
from cloud.vending.sale_models import PaymentDebt, SaleRecord
from cloud.vending.statement import DeviceSplit, Statement, statement
from shared import kinds
from shared.policy import Policy
from shared.top_up import Shares, lines


@dataclass(frozen=True)
class Buyer:
    """A meter, what it pays by, and where its customer stands; `month` is year * 12 + month - 1."""

    meter: Meter
    tariff: Tariff
    version: TariffVersion
    month: int
    standing: Standing
    debt: PaymentDebt | None
    policy: Policy
    known: Ahead | None = None


async def buyer(session: AsyncSession, meter: Meter, currency: str, now: int, *, known: Ahead | None = None) -> Buyer:
    """Return where the buyer of a meter stands now; Refused if nothing can be sold to it.

    `known` is what a sale read before, under locks; a trial locks nothing.
    """
    tariff = known.tariff if known else await session.get_one(Tariff, meter.tariff_id)
    check_sellable(meter, tariff, currency)
    assert meter.account == "unit", "money is sold to meters that hold money"
    version = known.version if known else None
    version = version or await versions.in_force(session, tariff.id, now)
    terms = from_json(version.terms)
    if terms.basis != PURCHASE:
        basis = f"Tariff {tariff.name} counts what flows, not what is bought, so it prices bills and not tokens"
        raise Refused("basis_wrong", f"{basis}; give meter {meter.drn} a class with the purchase basis.")
    policy = known.policy if known else policies.decoded(await policies.latest(session, meter.utility_id))
    month = known.month if known else months.month_at(policy, now)
    balance, debt = await customer_of(session, meter, currency, known)
    stands = Standing(
        terms=terms,
        month=known.had if known else await months.had(session, meter, month),
        token_max_ml=known.token_max_ml if known else await _token_max_ml(session, meter, policy),
        balance_minor=balance,
        debt=await debts.standing(session, debt, month),
        min_service_percent=policy.min_service_percent,
    )
    return Buyer(meter, tariff, version, month, stands, debt, policy, known)


def check_sellable(meter: Meter, tariff: Tariff, currency: str) -> None:
    """Refused for a meter that is closed, or not sold to in this currency."""
    if meter.closed_at is not None:
        raise Refused("account_closed", f"Meter {meter.drn} is closed and is sold nothing; look at what replaced it.")
    if currency != tariff.currency:
        raise Refused("currency_wrong", f"Meter {meter.drn} is sold to in {tariff.currency}, not in {currency}.")


async def customer_of(
    session: AsyncSession, meter: Meter, currency: str, known: Ahead | None
) -> tuple[int | None, PaymentDebt | None]:
    """The customer's balance and debt; of a sale both are locked in this order, so that nothing else moves them."""
    if meter.customer_id is None:
        return None, None
    if known is not None:
        debt = await debts.open_of(session, meter.customer_id, currency, lock=True) if known.owes else None
        return known.balance_minor, debt
    customer = await session.get_one(Customer, meter.customer_id)
    balance = await accounts.seen_minor(session, customer, currency)
    return balance, await debts.open_of(session, customer.id, currency, lock=False)


async def _token_max_ml(session: AsyncSession, meter: Meter, policy: Policy) -> int:
    return token_most_ml(policy, (await session.get_one(Utility, meter.utility_id)).token_max_ml)


async def statement_of(session: AsyncSession, found: Buyer, planned: Plan) -> Statement:
    """Return what the receipt says of a purchase: its bill, and how the meter is going to split the volume."""
    split = await device_split(session, found, planned.quote.volume_ml)
    return statement(found.tariff, found.version, found.standing, planned, split)


async def record(session: AsyncSession, found: Buyer, planned: Plan, purchase_id: str, now: int) -> SaleRecord:
    """Return the row of a sale that was planned so."""
    return SaleRecord(
        purchase_id=purchase_id,
        utility_id=found.meter.utility_id,
        meter_id=found.meter.id,
        account_id=found.meter.account_id,
        tariff_version_id=found.version.id,
        month=found.month,
        fixed_minor=planned.bill.fixed_minor,
        fixed_taxed_minor=planned.settled.fixed_minor,
        debt_minor=planned.settled.debt_minor,
        statement=(await statement_of(session, found, planned)).model_dump(),
        created_at=now,
    )


async def device_split(session: AsyncSession, found: Buyer, volume_ml: int) -> DeviceSplit | None:
    """Return how the meter will split a volume, by what its ledger said last; None before it has said anything."""
    if found.known is not None:
        state = await standing.latest_by(session, found.meter, found.known.state)
    else:
        state = await standing.latest(session, found.meter)
    if state is None or found.meter.account == "currency":
        return None
    policy = found.policy
    shares = Shares(0, 0, policy.debt_percent, policy.emergency_percent, policy.min_service_percent)
    owed = max(0, state.pots[kinds.ACCUMULATED_DEBT])
    used = max(0, -state.pots[kinds.EMERGENCY_CREDIT])
    _none, debt, emergency, service = lines(volume_ml, 0, owed, used, shares)
    return DeviceSplit(accumulated_debt_ml=debt, emergency_credit_ml=emergency, service_ml=service)
