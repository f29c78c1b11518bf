"""What a sale needs to know, in one statement, once its meter is locked; it locks the customer's account, too.

What never changes once it is there is looked up by its number: the key, the class, its version, the policy.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, Select, String, and_, bindparam, exists, func, or_, select, true
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.accounts.contacts import Reach
from cloud.accounts.models import Customer
from cloud.books import rules as book_rules
from cloud.books import service as books
from cloud.books.rules import Account
from cloud.books.service import Held
from cloud.meters import policies
from cloud.meters.models import Gateway, Meter, MeterOpening, PolicyDocument, Utility
from cloud.meters.standing import newest_state
from cloud.rows import kept
from cloud.said import Said
from cloud.tariffs.models import Tariff, TariffVersion
from cloud.tariffs.rules import Month
from cloud.tariffs.versions import APPROVED
from cloud.vending import months, sealed
from cloud.vending.envelope import Sealed
from cloud.vending.key_change import OPEN
from cloud.vending.models import VEND_IDS, KeyChange, SealedSecret, Vend, VendingKey
from cloud.vending.sale_models import PaymentDebt
from cloud.vending.vending_keys import sealed_name
from shared.policy import Policy

_IN_FORCE = (
    select(TariffVersion.id)
    .where(TariffVersion.tariff_id == Meter.tariff_id, TariffVersion.state == APPROVED)
    .where(TariffVersion.effective_from_s <= bindparam("now", type_=BigInteger))
    .order_by(TariffVersion.effective_from_s.desc(), TariffVersion.version.desc())
    .limit(1)
    .correlate(Meter)
    .scalar_subquery()
)
_IS_OPEN = or_(*(KeyChange.state == state for state in OPEN))  # a list would be put into the statement each time
_CHANGES = exists().where(KeyChange.meter_id == Meter.id, _IS_OPEN).correlate(Meter)
_OWES = (
    exists()
    .where(PaymentDebt.customer_id == Meter.customer_id, PaymentDebt.closed_at.is_(None))
    .where(PaymentDebt.currency == bindparam("unit", type_=String))
    .correlate(Meter)
)
_OPENED = and_(MeterOpening.meter_id == Meter.id, MeterOpening.epoch == Gateway.epoch)
_SEALED = and_(
    SealedSecret.purpose == bindparam("purpose", type_=String),
    SealedSecret.subject == bindparam("subject", type_=String),
)
_ACCOUNT = books.LOCKED.cte("account")
_VEND_ID = {
    "postgresql": VEND_IDS.next_value(),
    # Its one writer gives out one number after another.
    "sqlite": select(func.coalesce(func.max(Vend.id), 0) + 1).scalar_subquery(),
}


def _ahead(dialect: str, *, by_account: bool) -> Select[Any]:
    bought, fixed = months.sums(by_account=by_account)
    return (
        select(_IN_FORCE.label("version_id"), MeterOpening.meter_id.is_not(None).label("is_open"))
        .add_columns(Customer.language, Customer.phone, Customer.email, Customer.contacts)
        .add_columns(_CHANGES.label("key_changes"), _OWES.label("owes"), _VEND_ID[dialect].label("vend_id"))
        .add_columns(newest_state(Meter.gateway_id).label("state"), Utility.token_max_ml)
        .add_columns(SealedSecret.kek_id, SealedSecret.nonce, SealedSecret.ciphertext)
        .add_columns(_ACCOUNT.c.id.label("account_id"), _ACCOUNT.c.held, bought.label("bought"), fixed.label("fixed"))
        .select_from(Meter)
        .join(Gateway, Gateway.id == Meter.gateway_id)
        .outerjoin(MeterOpening, _OPENED)
        .outerjoin(SealedSecret, _SEALED)
        .join(Utility, Utility.id == Meter.utility_id)
        .outerjoin(Customer, Customer.id == Meter.customer_id)
        .outerjoin(_ACCOUNT, true())
        .where(Meter.id == bindparam("meter_id", type_=BigInteger))
    )


_AHEADS = {
    (dialect, by_account): Said(_ahead(dialect, by_account=by_account))
    for dialect in _VEND_ID
    for by_account in (True, False)
}


def token_most_ml(policy: Policy, limit_ml: int | None) -> int:
    """Return the most that one token may carry: what the policy lets a balance be, or less by the utility's limit."""
    most = int(policy.max_meter_balance)
    return most if limit_ml is None else min(most, limit_ml)


@dataclass(frozen=True)
class Ahead:
    """What a meter refers to, and where its customer stands; `version` None where there is none now.

    `is_open`: the ledger of the meter's gateway knows it. `key_changes` and `owes` tell whether a key change, a debt in
    the currency of the sale is open: those are read again under their locks. `state` is the newest of the gateway's
    ledger, `vend_id` a number that the next vend may have. `token_max_ml` is the most that one token may carry by the
    policy and the utility. `balance_minor`, None without a customer, is locked; `had` is what `month` had so far.
    """

    key: VendingKey
    tariff: Tariff
    version: TariffVersion | None
    policy: Policy
    reach: Reach | None
    is_open: bool
    key_changes: bool
    owes: bool
    state: bytes | None
    token_max_ml: int
    vend_id: int
    balance_minor: int | None
    month: int
    had: Month


async def read(session: AsyncSession, meter: Meter, policy_id: int, currency: str, now: int) -> Ahead:
    """Return what a sale in a currency needs to know of a locked meter; keep it as long as the sale lasts."""
    policy = policies.decoded(await kept(session, PolicyDocument, policy_id))
    key = await kept(session, VendingKey, meter.vending_key_id)
    month = months.month_at(policy, now)
    purpose, subject = sealed_name(key)
    account = book_rules.customer(meter.customer_id or 0, currency)  # nobody is number 0
    values = {
        "meter_id": meter.id,
        "utility_id": meter.utility_id,
        "code": account.code,
        "unit": currency,
        "purpose": purpose,
        "subject": subject,
        "whose": months.whose(meter),
        "month": month,
        "now": now,
    }
    statement = _AHEADS[session.get_bind().dialect.name, meter.account_id is not None]
    row = await statement.first(await session.connection(), values)
    assert row is not None, "the meter is locked"
    if row["kek_id"] is not None:
        sealed.note(session, purpose, subject, Sealed(row["kek_id"], row["nonce"], row["ciphertext"]))
    return Ahead(
        key=key,
        tariff=await kept(session, Tariff, meter.tariff_id),
        version=None if row["version_id"] is None else await kept(session, TariffVersion, row["version_id"]),
        policy=policy,
        reach=Reach(row["language"], row["phone"], row["email"], row["contacts"]) if meter.customer_id else None,
        is_open=row["is_open"],
        key_changes=row["key_changes"],
        owes=row["owes"],
        state=row["state"],
        token_max_ml=token_most_ml(policy, row["token_max_ml"]),
        vend_id=row["vend_id"],
        balance_minor=await _balance_minor(session, meter, account, row),
        month=month,
        had=Month(int(row["bought"]), int(row["fixed"])),
    )


async def _balance_minor(session: AsyncSession, meter: Meter, account: Account, row: Mapping[str, Any]) -> int | None:
    if meter.customer_id is None:
        return None
    if row["account_id"] is None:  # the first sale makes it
        return (await books.locked(session, meter.utility_id, account)).held
    books.note_locked(session, meter.utility_id, account, Held(row["account_id"], row["held"]))
    return int(row["held"])
