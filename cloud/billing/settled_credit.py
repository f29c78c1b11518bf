"""What becomes of a meter's pots when it comes to credit mode: credit at the price paid, what was owed to the bill.

The ledger's adjustment stands in the books as `granted` by itself; the entry here moves it on to `returned`. Money that
was paid for goes straight to the customer, as its taxes were not earned yet; money that is owed waits in `carried`.
"""

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.accounts.carrying import measure
from cloud.accounts.models import Customer
from cloud.accounts.rules import Worth, worth
from cloud.accounts.worth import bought
from cloud.auth.actor import system
from cloud.billing import settling
from cloud.billing.models import CreditSpan
from cloud.billing.switch_models import ModeSwitch, SwitchAdjustment
from cloud.books import rules as books
from cloud.books import service
from cloud.books.rules import Draft, Line
from cloud.errors import Refused
from cloud.meters.models import Meter
from cloud.tariffs.models import Tariff
from cloud.vending.models import Vend
from cloud.vending.sale_models import SaleRecord
from shared import kinds

ACTOR = system("billing")
_VENDS = 500


async def settle(
    session: AsyncSession,
    row: ModeSwitch,
    adjustment: SwitchAdjustment,
    meter: Meter,
    span: CreditSpan | None,
    now: int,
) -> None:
    """Post one pot that the ledger shows at zero; what it was worth pays bills at once, or waits on the account."""
    if span is None:
        raise Refused("no_span", f"Meter {meter.drn} is not billed yet by its ledger; the switch waits.")
    taken = -_net(adjustment)
    value, currency = worth(0, []), ""
    if adjustment.pot == kinds.TOKEN_CREDIT and taken > 0:
        value, currency = await _worth(session, row, meter, span.customer_id, taken)
    if meter.account == "currency":
        value, lines = await _money(session, meter, span, taken, value)
        currency = (await session.get_one(Tariff, span.tariff_id)).currency
        row.credit_money += taken
    else:
        lines = _volume(meter.commodity, span, taken, value, currency)
        row.credit_ml += taken
    key = f"switch:{row.id}:{adjustment.id}"
    subject = f"switch:{row.id}"
    if lines:
        await service.post(session, Draft(row.utility_id, key, "switch", subject, row.reason, lines), ACTOR, now)
    adjustment.value_minor, adjustment.applied_at = value.value_minor, now
    row.value_minor += value.value_minor
    if value.value_minor:
        customer = await session.get_one(Customer, span.customer_id)
        await settling.from_account(session, ACTOR, customer, currency, now)
    await session.flush()


def _volume(commodity: str, span: CreditSpan, taken: int, value: Worth, currency: str) -> tuple[Line, ...]:
    """Volume that is let go of, with what was paid for it; below zero it was owed, and is in the first bill."""
    span.carried_ml += max(0, -taken)
    unit = books.UNITS[commodity]
    return books.lines(
        (books.Account(f"returned:{commodity}", unit, books.INCOME), -taken, "switch"),
        (books.granted(commodity, unit), taken, "switch"),
        (books.refunds(commodity, currency), value.value_minor - sum(tax for _, tax in value.taxes), "returned"),
        *((books.tax(kind, currency), tax, "returned") for kind, tax in value.taxes),
        (books.customer(span.customer_id, currency), -value.value_minor, "returned"),
    )


async def _money(
    session: AsyncSession, meter: Meter, span: CreditSpan, taken: int, found: Worth
) -> tuple[Worth, tuple[Line, ...]]:
    """The same of money, rounded down to minor units; what was given for nothing, is worth nothing."""
    currency, each = await measure(session, meter)
    amount = abs(taken) // each
    owed = amount if taken < 0 else 0
    value = Worth(0, 0 if owed else min(amount, found.value_minor), ())
    span.carried_minor += owed
    lines = books.lines(
        (books.granted(meter.commodity, currency), -owed or amount, "switch"),
        (books.carried(meter.commodity, currency), owed, "owed"),
        (books.customer(span.customer_id, currency), -value.value_minor, "returned"),
        (
            books.Account(f"returned:{meter.commodity}", currency, books.INCOME),
            0 if owed else value.value_minor - amount,
            "switch",
        ),
    )
    return value, lines


def _net(adjustment: SwitchAdjustment) -> int:
    """By how much the adjustment raised what the meter holds: accumulated debt is held with its sign turned."""
    return -adjustment.delta if adjustment.pot == kinds.ACCUMULATED_DEBT else adjustment.delta


async def _worth(
    session: AsyncSession, row: ModeSwitch, meter: Meter, customer_id: int, taken: int
) -> tuple[Worth, str]:
    """What the customer paid for credit that is left: that of the tokens which the meter took in last.

    Several tokens may come in on the way; together they are worth what they would be at once.
    """
    before = select(func.coalesce(func.sum(-SwitchAdjustment.delta), 0)).where(
        SwitchAdjustment.switch_id == row.id,
        SwitchAdjustment.pot == kinds.TOKEN_CREDIT,
        SwitchAdjustment.applied_at.is_not(None),
    )
    valued = int(await session.scalar(before) or 0)
    found = await _bought(session, meter, customer_id)
    if not found:
        return worth(0, []), ""
    currency = found[0][0].currency
    tokens = [bought(vend, record) for vend, record in found if vend.currency == currency]
    whole, part = worth(valued + taken, tokens), worth(valued, tokens)
    known = dict(part.taxes)
    taxes = tuple((kind, amount - known.get(kind, 0)) for kind, amount in whole.taxes)
    return Worth(whole.volume_ml - part.volume_ml, whole.value_minor - part.value_minor, taxes), currency


async def _bought(session: AsyncSession, meter: Meter, customer_id: int) -> list[tuple[Vend, SaleRecord | None]]:
    """The tokens that the meter took in since it was switched to credit before, the newest first."""
    last = select(func.coalesce(func.max(ModeSwitch.finished_at), 0)).where(
        ModeSwitch.meter_id == meter.id, ModeSwitch.payment == "credit", ModeSwitch.state == "done"
    )
    mine = (Vend.meter_id == meter.id, Vend.customer_id == customer_id, Vend.consumed_at > last.scalar_subquery())
    taken = select(Vend, SaleRecord).outerjoin(SaleRecord, SaleRecord.purchase_id == Vend.purchase_id).where(*mine)
    newest = taken.order_by(Vend.consumed_at.desc(), Vend.id.desc()).limit(_VENDS)
    return [(row[0], row[1]) for row in await session.execute(newest)]
