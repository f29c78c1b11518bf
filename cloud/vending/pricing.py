"""Where a buyer stands: the tariff's version in force, the month so far, the account, the debt, and a token's limit.

A sale reads it under locks, a trial without; both then ask `purchase.plan`.
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, bindparam, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.accounts.models import Customer
from cloud.errors import Refused
from cloud.meters import policies, standing
from cloud.meters.models import Meter, Utility
from cloud.tariffs import versions
from cloud.tariffs.models import Tariff, TariffVersion
from cloud.tariffs.rules import Month
from cloud.tariffs.terms import PURCHASE, from_json
from cloud.vending import accounts, debts
from cloud.vending.ahead import Ahead
from cloud.vending.hold_models import was_cancelled
from cloud.vending.models import Vend
from cloud.vending.purchase import Plan, Standing
from cloud.vending.sale_models import PaymentDebt, SaleRecord
from cloud.vending.statement import DeviceSplit, Statement, statement
from shared import kinds
from shared.civil import Zone, month_of
from shared.policy import Policy
from shared.top_up import Shares, lines


def _month_of(*whose: ColumnElement[bool]) -> Select[Any]:
    mine = (*whose, SaleRecord.month == bindparam("month"))
    bought = (
        select(func.coalesce(func.sum(Vend.volume_ml), 0))
        .join(SaleRecord, SaleRecord.purchase_id == Vend.purchase_id)
        .where(*mine, Vend.voided_at.is_(None))
    )
    fixed = select(func.coalesce(func.sum(SaleRecord.fixed_minor), 0))
    fixed = fixed.where(*mine, ~was_cancelled(SaleRecord.purchase_id))
    return select(bought.scalar_subquery(), fixed.scalar_subquery())


_MONTH_OF_ACCOUNT = _month_of(SaleRecord.account_id == bindparam("whose"))
_MONTH_OF_METER = _month_of(SaleRecord.meter_id == bindparam("whose"), SaleRecord.account_id.is_(None))


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


async def buyer(
    session: AsyncSession, meter: Meter, currency: str, now: int, *, lock: bool, known: Ahead | None = None
) -> Buyer:
    """Return where the buyer of a meter stands now; Refused if nothing can be sold to it.

    `known` is what a sale read before, under the meter's lock.
    """
    tariff = await session.get_one(Tariff, meter.tariff_id)
    check_sellable(meter, tariff, currency)
    assert meter.account == "unit", "money is sold to meters that hold money"
    version = known.version if known is not None else None
    version = version or await versions.in_force(session, tariff.id, now)
    terms = from_json(version.terms)
    if terms.basis != PURCHASE:
        basis = f"Tariff {tariff.name} counts what flows, not what is bought, so it prices bills and not tokens"
        raise Refused("basis_wrong", f"{basis}; give meter {meter.drn} a class with the purchase basis.")
    policy = policies.decoded(known.policy if known else await policies.latest(session, meter.utility_id))
    month = month_of(Zone(policy.zone).local(now)[0])
    balance, debt = await customer_of(session, meter, currency, lock=lock, owes=known is None or known.owes)
    stands = Standing(
        terms=terms,
        month=await _month(session, meter, month),
        token_max_ml=await _token_max_ml(session, meter, policy),
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
    session: AsyncSession, meter: Meter, currency: str, *, lock: bool, owes: bool = True
) -> tuple[int | None, PaymentDebt | None]:
    """The customer's balance and debt; locked in this order, so that nothing else moves them.

    Without `owes` it was seen under the meter's lock that no debt is open.
    """
    if meter.customer_id is None:
        return None, None
    customer = await session.get_one(Customer, meter.customer_id)
    if lock:
        balance = await accounts.held_minor(session, customer, currency)
    else:
        balance = await accounts.seen_minor(session, customer, currency)
    return balance, await debts.open_of(session, customer.id, currency, lock=lock) if owes else None


async def _month(session: AsyncSession, meter: Meter, month: int) -> Month:
    """What the account bought in the month and was not taken back, and the fixed charge that was taken."""
    # Counters belong to the account: they follow it to another meter, and whoever moves in begins anew.
    counted = _MONTH_OF_METER if meter.account_id is None else _MONTH_OF_ACCOUNT
    values = {"whose": meter.id if meter.account_id is None else meter.account_id, "month": month}
    row = (await session.execute(counted, values)).one()
    return Month(int(row[0]), int(row[1]))


async def _token_max_ml(session: AsyncSession, meter: Meter, policy: Policy) -> int:
    """The most that one token of this meter may carry: what its policy lets a balance be, or less by the utility."""
    utility = await session.get_one(Utility, meter.utility_id)
    most = int(policy.max_meter_balance)
    return most if utility.token_max_ml is None else min(most, utility.token_max_ml)


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
