"""What every change has in common that two people may have to want: who asked, who decided, and that they are two."""

from typing import Any, TypeVar

from sqlalchemy import BigInteger, String
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from cloud.audit import service as audit
from cloud.auth.actor import Actor, require_another_person
from cloud.errors import Conflict
from cloud.rows import owned

WAITING, DONE, DECLINED = "waiting", "done", "declined"


class Decided:
    """Columns of a change: its state, why, who asked, and who decided on it.

    `requested_by` and `decided_by` are labels for people to read; that there are two is judged by the person ids.
    """

    state: Mapped[str] = mapped_column(String(10))
    reason: Mapped[str] = mapped_column(String(300))
    requested_by: Mapped[str] = mapped_column(String(200))
    requested_person_id: Mapped[int | None] = mapped_column(BigInteger)
    requested_at: Mapped[int] = mapped_column(BigInteger)
    decided_by: Mapped[str | None] = mapped_column(String(200))
    decided_person_id: Mapped[int | None] = mapped_column(BigInteger)
    decided_at: Mapped[int | None] = mapped_column(BigInteger)


RowT = TypeVar("RowT", bound=Decided)


def asked(actor: Actor, reason: str, now: int) -> dict[str, Any]:
    """The columns of a change that somebody asks for."""
    return {
        "state": WAITING,
        "reason": reason,
        "requested_by": actor.label,
        "requested_person_id": actor.person_id,
        "requested_at": now,
    }


async def waiting(session: AsyncSession, actor: Actor, model: type[RowT], row_id: int, what: str) -> RowT:
    """Return a change that waits to be decided on, locked; Conflict if it was."""
    row = await owned(session, actor, model, row_id, what)
    await session.refresh(row, with_for_update=True)
    if row.state != WAITING:
        raise Conflict("decided", f"The {what} {row_id} is {row.state}; only one that waits is decided on.")
    return row


def by_another(actor: Actor, row: Decided) -> None:
    """Forbidden unless somebody else asked."""
    require_another_person(actor, row.requested_person_id)


def done(actor: Actor, row: Decided, now: int, state: str = DONE) -> None:
    """Note who lets it happen, or does not."""
    row.state, row.decided_by, row.decided_person_id, row.decided_at = state, actor.label, actor.person_id, now


async def decline(session: AsyncSession, actor: Actor, row: Any, action: str, now: int) -> None:
    """End a change that was asked for."""
    done(actor, row, now, DECLINED)
    await session.flush()
    detail = {"requested_by": row.requested_by, "reason": row.reason}
    subject = f"{row.__tablename__.replace('_', '-')}:{row.id}"
    await audit.record(session, actor, action, subject, detail, utility_id=row.utility_id, now=now)
