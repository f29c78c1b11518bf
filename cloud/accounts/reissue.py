"""Re-issuing what was bought for a meter that was swapped and not used yet: the old token is void, a new one stands in.

Nothing is paid and nothing priced again: the new sale is the entry of the void with its signs turned. Its month is that
of the first sale, so the account's counters stay. A token that the old meter took all the same is a case for a person.
"""

import hashlib
import json
import uuid
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.accounts import carrying
from cloud.accounts.change_models import MeterSwap, Reissue
from cloud.auth.actor import Actor
from cloud.books import rules as books
from cloud.books import service as ledger_books
from cloud.books.rules import Draft, Line
from cloud.meters.models import Meter
from cloud.tariffs.terms import VOLUME
from cloud.vending import booking, delivery, voiding
from cloud.vending import service as vending
from cloud.vending.models import Purchase, Vend
from cloud.vending.order import FREE, Order, advance
from cloud.vending.rows import Carried, Priced, rows
from cloud.vending.sale_models import SaleRecord
from cloud.vending.store import KeyStore

REISSUE = "reissue"
"""The kind of tender of a token that stands for another one."""


@dataclass(frozen=True)
class _Old:
    """What of one purchase the old meter did not use."""

    purchase_id: str
    vends: list[Vend]


async def all_of(
    session: AsyncSession, key_store: KeyStore, actor: Actor, swap: MeterSwap, old: Meter, new: Meter, now: int
) -> int:
    """Re-issue every unused token of the old meter; return how many. 0 while no device was given the new meter."""
    if not await carrying.is_open(session, new):
        return 0
    count = 0
    for purchase in await _unused(session, old):
        entries = [await _burn(session, actor, vend, old, now) for vend in purchase.vends]
        wanted = [(vend, draft) for vend, draft in zip(purchase.vends, entries, strict=True) if vend.void_tid is None]
        if wanted:
            await _make(session, key_store, actor, swap, new, wanted, now)
            count += len(wanted)
    return count


async def _unused(session: AsyncSession, old: Meter) -> list[_Old]:
    mine = select(Vend).where(Vend.meter_id == old.id, Vend.consumed_by.is_(None), Vend.voided_at.is_(None))
    found: dict[str, list[Vend]] = {}
    for vend in await session.scalars(mine.order_by(Vend.id).with_for_update()):
        found.setdefault(vend.purchase_id, []).append(vend)
    return [_Old(purchase_id, vends) for purchase_id, vends in found.items()]


async def _burn(session: AsyncSession, actor: Actor, vend: Vend, old: Meter, now: int) -> Draft:
    # The meter is closed, so a void that was ordered already ends here too: its money returns, and it is not re-issued.
    draft = await voiding.entry(session, vend, old)
    vend.voided_at = now
    await session.flush()
    await ledger_books.post(session, draft, actor, now)
    return draft


async def _make(
    session: AsyncSession,
    key_store: KeyStore,
    actor: Actor,
    swap: MeterSwap,
    new: Meter,
    wanted: Sequence[tuple[Vend, Draft]],
    now: int,
) -> None:
    first = wanted[0][0]
    order = _order(swap, new, first)
    request = hashlib.sha256(json.dumps(asdict(order), sort_keys=True).encode()).digest()
    session.add(Purchase(purchase_id=order.purchase_id, request_sha256=request, created_at=now))
    keyed = await vending.keyed_for(session, new)
    parts = [Carried(vend.units, vend.volume_ml, vend.money, vend.amount_minor) for vend, _ in wanted]
    priced = Priced(first.tariff_id, first.currency, first.price_minor_per_m3, 0)
    made = rows(actor, order, new, keyed, priced, parts, now)
    await advance(session, new, keyed, made[-1].tid, now)
    for vend, (old, _) in zip(made, wanted, strict=True):
        vend.customer_id = old.customer_id
    session.add_all(made)
    await session.flush()
    for vend, (old, _) in zip(made, wanted, strict=True):
        session.add(Reissue(old_vend_id=old.id, new_vend_id=vend.id, swap_id=swap.id, utility_id=swap.utility_id))
    await _record(session, new, first, made, now)
    await ledger_books.post(session, _entry(made, [draft for _, draft in wanted], swap), actor, now)
    sale = await vending.reprint(session, key_store, actor, made, now)
    await delivery.deliver(session, sale, new.gateway_id, now)


def _order(swap: MeterSwap, new: Meter, first: Vend) -> Order:
    purchase_id = str(uuid.uuid5(uuid.UUID(first.purchase_id), f"swap {swap.id}"))
    # What was given for nothing stays so, or a void would pay it out.
    kind = FREE if first.tender_kind == FREE else REISSUE
    return Order(purchase_id, new.drn, None, kind, 0, first.currency, first.delivery)


def _entry(made: Sequence[Vend], voids: Sequence[Draft], swap: MeterSwap) -> Draft:
    """What the voids gave to the customer's account pays for the new tokens; the volume is in flight again."""
    lines = [_turned(line, made[0]) for draft in voids for line in draft.lines]
    return Draft(
        utility_id=swap.utility_id,
        key=booking.sale_key(made[0].purchase_id),
        kind=booking.SALE,
        subject=made[0].purchase_id,
        reason=f"swap {swap.id}",
        lines=tuple(lines),
    )


def _turned(line: Line, vend: Vend) -> Line:
    if line.account.code.startswith("void:"):
        issued = books.issued(line.account.code.partition(":")[2])
        return Line(issued, -line.amount, booking.SALE)
    mine = vend.customer_id is not None and line.account == books.customer(vend.customer_id, vend.currency)
    return Line(line.account, -line.amount, booking.USED if mine else REISSUE)


async def _record(session: AsyncSession, new: Meter, first: Vend, made: Sequence[Vend], now: int) -> None:
    """What the new purchase came to, in the month of the first one; none where that has none."""
    earlier = await session.get(SaleRecord, first.purchase_id)
    if earlier is None:
        return
    record = SaleRecord(
        purchase_id=made[0].purchase_id,
        utility_id=new.utility_id,
        meter_id=new.id,
        account_id=earlier.account_id,
        tariff_version_id=earlier.tariff_version_id,
        month=earlier.month,
        fixed_minor=0,
        fixed_taxed_minor=0,
        debt_minor=0,
        statement=_statement(earlier.statement, made),
        created_at=now,
    )
    session.add(record)
    await session.flush()


def _statement(earlier: dict[str, Any], made: Sequence[Vend]) -> dict[str, Any]:
    """The bill of the tokens that stand in: their share of the taxes, and one line for the rest."""
    amount, whole = sum(vend.amount_minor for vend in made), int(earlier["volume_minor"])
    taxes = [
        {**tax, "amount_minor": tax["amount_minor"] * amount // whole}
        for tax in earlier["taxes"]
        if tax["on"] == VOLUME and whole
    ]
    block = {
        "number": 1,
        "volume_ml": sum(vend.volume_ml for vend in made),
        "free_ml": 0,
        "price_milliminor": made[0].price_minor_per_m3 * 1000,
        "amount_minor": amount - sum(tax["amount_minor"] for tax in taxes),
    }
    nothing = {"fixed_minor": 0, "fixed_taxed_minor": 0, "payment_debt_minor": 0, "meter_split": None}
    return {**earlier, **nothing, "taxes": taxes, "blocks": [block], "volume_minor": amount}
