"""A void that a return code proves, where no network brings the ledger: the meter shows that it burnt the identifier.

The code names the meter's count of tokens in clear and binds the identifier of the void token as its last, with a
result that says accepted. Nobody can make it without the meter's key, and each guess is counted against the day's few.
"""

from sqlalchemy.ext.asyncio import AsyncSession

from cloud.audit import service as audit
from cloud.auth.actor import Actor
from cloud.errors import Refused
from cloud.meters import return_codes, standing
from cloud.meters.models import Meter
from cloud.vending import voiding
from cloud.vending.models import Vend
from cloud.vending.store import KeyStore, Use


async def prove(
    session: AsyncSession, key_store: KeyStore, actor: Actor, purchase_id: str, part: int, code: str, now: int
) -> tuple[Vend, Meter]:
    """Return the vend, void from now on, and its meter; Refused if the code does not prove that."""
    vend = await voiding.vend_of(session, actor, purchase_id, part)
    meter = await voiding.locked(session, vend)
    if vend.voided_at is not None:
        return vend, meter
    voiding.check(vend)
    if vend.void_tid is None:
        raise Refused("void_not_ordered", f"No void token was made for TID {vend.tid}; order one, and enter it first.")
    if not await _fits(session, key_store, actor, meter, vend, code, now):
        told = "The code does not say that the void token was the last one that the meter took; read it out again"
        raise Refused("code_unproved", f"{told}, or send the meter's ledger.")
    vend.void_proved_at = now
    await voiding.finish(session, vend, now, actor)
    detail = {"drn": meter.drn, "tid": vend.tid, "void_tid": vend.void_tid, "amount_minor": vend.amount_minor}
    await audit.record(
        session, actor, "vend.void-proved", f"vend:{vend.id}", detail, utility_id=vend.utility_id, now=now
    )
    return vend, meter


async def _fits(
    session: AsyncSession, key_store: KeyStore, actor: Actor, meter: Meter, vend: Vend, code: str, now: int
) -> bool:
    assert vend.void_tid is not None, "a void token is ordered first"
    state = await standing.latest(session, meter)
    credit = sum(row.credit for row in await return_codes.waiting(session, meter, state))
    candidates = return_codes.of_void(state, vend.void_tid, credit, int(code[:4]))
    epoch = await return_codes.epoch_of(session, meter)
    use = Use(actor, f"vend:{vend.id}", now)
    found = await key_store.check_return_code(session, meter.utility_id, meter.drn, epoch, code, candidates, use)
    return found is not None
