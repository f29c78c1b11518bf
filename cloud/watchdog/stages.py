"""Where a purchase stands on its way to the meter, with the time of each stage, as the tables of each part have it."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.notify.models import DELIVERED, FAILED, Message
from cloud.vending.models import Vend
from cloud.watchdog import rules

TOKEN = "token"  # noqa: S105  # the kind of a message


@dataclass(frozen=True)
class Progress:
    """A purchase's vends, what became of its messages, and the times of its stages.

    `delivered_by` is counter, message or meter. A message counts as open while it is still on its way.
    """

    vends: Sequence[Vend]
    delivered_at: int | None
    delivered_by: str | None
    applied_at: int | None
    messages: int
    messages_open: int

    @property
    def vended_at(self) -> int:
        """When it was sold."""
        return self.vends[0].created_at

    @property
    def is_void(self) -> bool:
        """Tell whether all of it was taken back."""
        return all(row.voided_at is not None for row in self.vends)

    @property
    def is_voiding(self) -> bool:
        """Tell whether a void token of some of it is out."""
        return any(row.state == "voiding" for row in self.vends)

    @property
    def stage(self) -> str:
        """The last stage that was reached: held, vended, delivered, applied or void."""
        if self.is_void:
            return rules.VOID
        if self.applied_at is not None:
            return rules.APPLIED
        if self.vends[0].state == rules.HELD:
            return rules.HELD
        return rules.VENDED if self.delivered_at is None else rules.DELIVERED

    def stuck_s(self, now: int) -> int:
        """For how long the purchase has been past the limit of its stage; 0 in time."""
        return rules.stuck_s(self.stage, self.vended_at, now)


async def of_purchase(session: AsyncSession, purchase_id: str) -> Progress:
    """Return how far a purchase is that was sold."""
    found = select(Vend).where(Vend.purchase_id == purchase_id).order_by(Vend.part)
    return await of_vends(session, (await session.scalars(found)).all())


async def of_vends(session: AsyncSession, vends: Sequence[Vend]) -> Progress:
    """The same, given all its vends."""
    count = func.count()
    mine = select(count, count.filter(Message.state.in_((DELIVERED, FAILED))), func.min(Message.delivered_at))
    messages, ended, told = (
        await session.execute(mine.where(Message.vend_id == vends[0].id, Message.kind == TOKEN))
    ).one()
    over = [row.consumed_at or row.voided_at for row in vends]
    applied = max((at for at in over if at is not None), default=None) if all(over) else None
    ways = [(told, "message"), (applied, "meter")]
    if rules.is_counter(vends[0].actor) and vends[0].held_until is None:
        ways.append((vends[0].created_at, "counter"))
    delivered = min(((at, by) for at, by in ways if at is not None), default=(None, None))
    return Progress(vends, delivered[0], delivered[1], applied, messages, messages - ended)
