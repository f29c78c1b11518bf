"""A sale shown again with its tokens: the same digits, audited as a reprint, and no second revenue."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from cloud.audit import service as audit
from cloud.auth.actor import Actor
from cloud.vending import service
from cloud.vending.models import Vend
from cloud.vending.store import KeyStore
from cloud.vending.tokens import Sale


async def reprinted(
    session: AsyncSession, key_store: KeyStore, actor: Actor, rows: Sequence[Vend], form: str, now: int
) -> Sale:
    """Return the sale of all vends of a purchase, with its tokens; `form` says how it is shown, e.g. pdf."""
    sale = await service.reprint(session, key_store, actor, rows, now)
    first = rows[0]
    detail = {"purchase_id": first.purchase_id, "drn": sale.meter.drn, "tids": [row.tid for row in rows], "form": form}
    await audit.record(session, actor, "vend.reprint", f"vend:{first.id}", detail, utility_id=first.utility_id, now=now)
    return sale
