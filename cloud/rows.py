"""What every area does with rows: insert with a named refusal, find what the caller may see, list by pages."""

from collections.abc import Sequence
from typing import Any, TypeVar

from sqlalchemy import BigInteger, Select, literal
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.api.fields import Page, PageQuery, View
from cloud.auth.actor import Actor
from cloud.db import KEPT
from cloud.errors import CloudError, NotFound

RowT = TypeVar("RowT")
ViewT = TypeVar("ViewT", bound=View)
_KEPT_MAX = 10_000


async def insert(session: AsyncSession, row: Any, refusal: CloudError) -> None:
    """Insert a row; raise the refusal if a constraint of the database forbids it."""
    session.add(row)
    try:
        await session.flush()
    except IntegrityError:
        raise refusal from None


async def owned(session: AsyncSession, actor: Actor, model: type[RowT], row_id: int, what: str) -> RowT:
    """Return the row with this id; NotFound if there is none or it belongs to another utility."""
    row = await session.get(model, row_id)
    if row is None or not actor.may_see(row.utility_id):  # type: ignore[attr-defined]  # every such table has it
        raise NotFound("not_found", f"There is no {what} {row_id}.")
    return row


async def kept(session: AsyncSession, model: type[RowT], row_id: int) -> RowT:
    """Return a row of a kind that never changes once it is there, read once by the process; it is of no session."""
    rows: dict[int, RowT] = session.info.get(KEPT, {}).setdefault(model, {})
    if row_id not in rows:
        row = await session.get_one(model, row_id)
        session.expunge(row)
        if len(rows) >= _KEPT_MAX:
            rows.clear()
        rows[row_id] = row
    return rows[row_id]


def of_actor(statement: Select[Any], actor: Actor, utility_id: Any) -> Select[Any]:
    """Narrow a statement to the caller's utility, by the column that holds it."""
    return statement if actor.utility_id is None else statement.where(utility_id == actor.utility_id)


async def rows_after(session: AsyncSession, statement: Select[Any], column: Any, query: PageQuery) -> Sequence[Any]:
    """Return one page of rows by rising `column`, and one row more if there is a further page."""
    found = statement.where(column > literal(query.after, BigInteger)).order_by(column).limit(query.limit + 1)
    return (await session.scalars(found)).all()


def page(rows: Sequence[Any], view: type[ViewT], query: PageQuery, cursor: str = "id") -> Page[ViewT]:
    """Make the answer of what rows_after returned."""
    shown = rows[: query.limit]
    following = getattr(shown[-1], cursor) if len(rows) > query.limit else None
    return Page[view](items=[view.model_validate(row) for row in shown], next=following)  # type: ignore[valid-type]
