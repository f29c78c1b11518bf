"""A token whose key left its meter: the ledger proves that it was not used, and nobody can use it any more."""

from sqlalchemy.ext.asyncio import AsyncSession

from cloud.meters import standing
from cloud.meters.models import Meter
from cloud.vending import key_change
from cloud.vending.models import Vend
from shared.tid_memory import USED


async def proves_unused(session: AsyncSession, meter: Meter, vend: Vend) -> bool:
    """Tell whether the ledger of a locked meter went past the vend's key without the token.

    The ledger has no gaps, so all that was entered under the old key stands before the change of key, and was judged.
    """
    change = await key_change.open_for(session, meter.id, lock=True)
    if vend.consumed_by is not None or vend.key_check == meter.key_check:
        return False
    if change is not None and change.new_key_check == vend.key_check:
        return False
    state = await standing.latest(session, meter)
    return state is not None and state.key_check == meter.key_check and state.tids.judge(vend.tid) != USED
