"""What a sale needs to know of its meter, in one statement, once the meter is locked.

The rows are then in the session, so that later look-ups by their keys ask the database nothing.
"""

from dataclasses import dataclass

from sqlalchemy import BigInteger, String, and_, bindparam, exists, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.accounts.models import Customer
from cloud.meters.models import Gateway, Meter, MeterOpening, PolicyDocument, Utility
from cloud.meters.policies import ALL_METERS
from cloud.meters.standing import newest_state
from cloud.tariffs.models import Tariff, TariffVersion
from cloud.tariffs.versions import APPROVED
from cloud.vending import sealed
from cloud.vending.key_change import OPEN
from cloud.vending.models import VEND_IDS, KeyChange, SealedSecret, Vend, VendingKey
from cloud.vending.sale_models import PaymentDebt
from cloud.vending.vending_keys import is_sealed_in

_NOW = bindparam("now", type_=BigInteger)
_IN_FORCE = (
    select(TariffVersion.id)
    .where(TariffVersion.tariff_id == Meter.tariff_id, TariffVersion.state == APPROVED)
    .where(TariffVersion.effective_from_s <= _NOW)
    .order_by(TariffVersion.effective_from_s.desc(), TariffVersion.version.desc())
    .limit(1)
    .correlate(Meter)
    .scalar_subquery()
)
_POLICY = (
    select(PolicyDocument.id)
    .where(PolicyDocument.utility_id == Meter.utility_id, PolicyDocument.meter_group == ALL_METERS)
    .order_by(PolicyDocument.version.desc())
    .limit(1)
    .correlate(Meter)
    .scalar_subquery()
)
_CHANGES = exists().where(KeyChange.meter_id == Meter.id, KeyChange.state.in_(OPEN)).correlate(Meter)
_OWES = (
    exists()
    .where(PaymentDebt.customer_id == Meter.customer_id, PaymentDebt.closed_at.is_(None))
    .where(PaymentDebt.currency == bindparam("currency", type_=String))
    .correlate(Meter)
)
_OPENED = and_(MeterOpening.meter_id == Meter.id, MeterOpening.epoch == Gateway.epoch)
_AHEAD = (
    select(VendingKey, SealedSecret, Tariff, TariffVersion, PolicyDocument, Utility, Customer)
    .add_columns(MeterOpening.meter_id.is_not(None), _CHANGES, _OWES, newest_state(Meter.gateway_id))
    .select_from(Meter)
    .join(Gateway, Gateway.id == Meter.gateway_id)
    .outerjoin(MeterOpening, _OPENED)
    .join(VendingKey, VendingKey.id == Meter.vending_key_id)
    .outerjoin(SealedSecret, is_sealed_in())
    .join(Tariff, Tariff.id == Meter.tariff_id)
    .outerjoin(TariffVersion, TariffVersion.id == _IN_FORCE)
    .join(PolicyDocument, PolicyDocument.id == _POLICY)
    .join(Utility, Utility.id == Meter.utility_id)
    .outerjoin(Customer, Customer.id == Meter.customer_id)
    .where(Meter.id == bindparam("meter_id", type_=BigInteger))
)

_AHEADS = {
    "postgresql": _AHEAD.add_columns(VEND_IDS.next_value()),
    # Its one writer gives out one number after another.
    "sqlite": _AHEAD.add_columns(select(func.coalesce(func.max(Vend.id), 0) + 1).scalar_subquery()),
}


@dataclass(frozen=True)
class Ahead:
    """The rows that a meter refers to; `version` None where there is none now, `sealed` where a token has the key.

    `is_open`: the ledger of the meter's gateway knows it. `key_changes` and `owes` tell whether a key change, a debt in
    the currency of the sale is open: those are read again under their locks. `state` is the newest of the gateway's
    ledger, `vend_id` a number that the next vend may have.
    """

    key: VendingKey
    sealed: SealedSecret | None
    tariff: Tariff
    version: TariffVersion | None
    policy: PolicyDocument
    utility: Utility
    customer: Customer | None
    is_open: bool
    key_changes: bool
    owes: bool
    state: bytes | None
    vend_id: int


async def read(session: AsyncSession, meter: Meter, currency: str, now: int) -> Ahead:
    """Return what a sale in a currency needs to know of a meter now; keep it as long as the sale lasts."""
    values = {"meter_id": meter.id, "currency": currency, "now": now}
    statement = _AHEADS[session.get_bind().dialect.name]
    known = Ahead(*(await session.execute(statement, values)).one())
    if known.sealed is not None:
        sealed.note(session, known.sealed)
    return known
