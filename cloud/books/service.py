"""Posting to the books. `post` runs in the transaction of the event that it records.

Locks: floored accounts in the order of their numbers, before any posting; other accounts are never locked.
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ARRAY, BigInteger, Integer, String, bindparam, func, insert, select, tuple_
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.audit.service import Named
from cloud.books import rules
from cloud.books.models import ENTRY_IDS, BookAccount, BookEntry, BookPosting
from cloud.books.rules import Account, Draft
from cloud.db import KEPT
from cloud.errors import Conflict
from cloud.together import Part, also

_AT_ONCE = Part(
    "numbered AS (SELECT nextval('book_entry_id_seq') AS id), posted AS ("
    "INSERT INTO book_posting (entry_id, line, lines, account_id, amount, what) "
    "SELECT numbered.id, line.line, :lines, line.account_id, line.amount, line.what FROM numbered, "
    "unnest(CAST(:accounts AS BIGINT[]), CAST(:amounts AS BIGINT[]), CAST(:whats AS VARCHAR[])) "
    "WITH ORDINALITY AS line(account_id, amount, what, line)), entered AS ("
    "INSERT INTO book_entry (id, lines, utility_id, key, sha256, kind, subject, actor, reason, at) "
    "SELECT id, :lines, :utility_id, :key, :sha256, :kind, :subject, :actor, :reason, :at FROM numbered)",
    (
        bindparam("lines", type_=Integer),
        bindparam("accounts", type_=ARRAY(BigInteger)),
        bindparam("amounts", type_=ARRAY(BigInteger)),
        bindparam("whats", type_=ARRAY(String)),
    ),
)
"""An entry with its postings as part of one statement, on PostgreSQL; the entry's trigger is last there, too."""
LOCKED = (
    select(BookAccount.id, BookAccount.held)
    .where(BookAccount.utility_id == bindparam("utility_id", type_=BigInteger))
    .where(BookAccount.code == bindparam("code", type_=String), BookAccount.unit == bindparam("unit", type_=String))
    .with_for_update(key_share=True)
)
"""A floored account as `Held`, locked; for statements that lock one and tell it to `note_locked`."""
_COLUMNS = select(BookAccount.id, BookAccount.held, BookAccount.code, BookAccount.unit, BookAccount.kind)
_COLUMNS = _COLUMNS.add_columns(BookAccount.floored)
_MADE = "books_made"
_KEPT_MAX = 10_000


@dataclass(frozen=True)
class Held:
    """The number of a floored account, and what it holds."""

    id: int
    held: int


async def post_new(session: AsyncSession, draft: Draft, actor: Named, now: int) -> None:
    """Write an entry whose key nobody has used, and nobody can use now, by what the caller holds.

    On PostgreSQL it is written together with what else is, if that is gathered.
    """
    if not _is_postgresql(session):
        await post(session, draft, actor, now)
        return
    accounts = await _checked(session, draft)
    values = {
        **_entry_values(draft, actor, now),
        "accounts": [accounts[line.account] for line in draft.lines],
        "amounts": [line.amount for line in draft.lines],
        "whats": [line.what for line in draft.lines],
    }
    await also(session, _AT_ONCE, values)


async def post(session: AsyncSession, draft: Draft, actor: Named, now: int) -> int:
    """Write an entry and return its id; the same again returns the first. Conflict if its key says something else.

    AssertionError for one that does not balance, or that takes a floored account below zero: callers settle first.
    """
    accounts = await _checked(session, draft)
    entry_id: int
    entry_id, first = (await session.execute(_numbered(session, draft))).one()
    if first is not None:
        return await _same(session, first, draft)
    try:
        async with session.begin_nested():
            await _write(session, entry_id, draft, accounts, actor, now)
    except IntegrityError:
        first = await session.scalar(_by_key(draft))
        if first is None:
            raise
        return await _same(session, first, draft)
    return entry_id


async def _checked(session: AsyncSession, draft: Draft) -> dict[Account, int]:
    """The numbers of the accounts of an entry that may be written."""
    assert len(draft.lines) > 1, "an entry has two lines at least"
    assert not rules.imbalance(draft), f"entry {draft.key} does not balance: {rules.imbalance(draft)}"
    return await _numbers(session, draft)


async def locked(session: AsyncSession, utility_id: int, account: Account) -> Held:
    """Return a floored account as it is, locked until the transaction ends; made at the first call."""
    assert account.floored, "only what has a floor is worth a lock"
    values = {"utility_id": utility_id, "code": account.code, "unit": account.unit}
    row = (await session.execute(LOCKED, values)).first()
    held = Held(*row) if row is not None else (await _accounts(session, utility_id, {account}))[account]
    note_locked(session, utility_id, account, held)
    return held


def note_locked(session: AsyncSession, utility_id: int, account: Account, held: Held) -> None:
    """Tell that a floored account was read and locked just now: the next entry that moves it reads it no more."""
    _locks(session)[utility_id, account] = (held, session.get_nested_transaction())


def _locks(session: AsyncSession) -> dict[tuple[int, Account], tuple[Held, Any]]:
    """The floored accounts that this transaction has locked and not moved since, and the savepoint that they are of."""
    locks: dict[tuple[int, Account], tuple[Held, Any]] = session.info.setdefault("books_locked", {})
    return locks


async def _numbers(session: AsyncSession, draft: Draft) -> dict[Account, int]:
    """The numbers of an entry's accounts. What has a floor is locked, and has what is taken from it."""
    kept: dict[tuple[int, Account], int] = session.info.get(KEPT, {}).setdefault("accounts", {})
    utility_id, wanted = draft.utility_id, {line.account for line in draft.lines}
    numbers = {account: kept[utility_id, account] for account in wanted if (utility_id, account) in kept}
    rows = _held_now(session, utility_id, {account for account in wanted if account.floored})
    rows |= await _accounts(session, utility_id, wanted - numbers.keys() - rows.keys())
    _check_floors(draft, rows)
    numbers |= {account: row.id for account, row in rows.items()}
    if _MADE not in session.info:  # what this transaction made may be gone with it
        if len(kept) > _KEPT_MAX:
            kept.clear()
        kept |= {(utility_id, account): number for account, number in numbers.items() if not account.floored}
    return numbers


def _held_now(session: AsyncSession, utility_id: int, floored: set[Account]) -> dict[Account, Held]:
    """Those that `locked` gave out, if that is all of them; their locks are read once, as the entry moves them."""
    locks, savepoint = _locks(session), session.get_nested_transaction()
    mine = {account: locks.pop((utility_id, account), None) for account in floored}
    found = {account: lock[0] for account, lock in mine.items() if lock is not None and lock[1] is savepoint}
    return found if found.keys() == floored else {}


async def _accounts(session: AsyncSession, utility_id: int, wanted: set[Account]) -> dict[Account, Held]:
    found = await _found(session, utility_id, wanted)
    missing = sorted((account for account in wanted if account not in found), key=lambda account: account.code)
    if missing:
        values = [_columns(utility_id, account) for account in missing]
        await session.execute(_upsert(session).values(values).on_conflict_do_nothing())
        session.info[_MADE] = True
        found = await _found(session, utility_id, wanted)
    return found


async def _found(session: AsyncSession, utility_id: int, wanted: set[Account]) -> dict[Account, Held]:
    """The accounts that are there; those with a floor locked, and as they are under the lock."""
    found: dict[Account, Held] = {}
    for floored in (True, False):
        by_name = {(account.code, account.unit): account for account in wanted if account.floored == floored}
        if not by_name:
            continue
        named = tuple_(BookAccount.code, BookAccount.unit).in_(list(by_name))
        statement = _COLUMNS.where(BookAccount.utility_id == utility_id, named).order_by(BookAccount.id)
        for row in await session.execute(statement.with_for_update(key_share=True) if floored else statement):
            account = by_name[row.code, row.unit]
            same = (row.kind, row.floored) == (account.kind, account.floored)
            assert same, f"account {account.code} is of another kind"
            found[account] = Held(row.id, row.held)
    return found


def _columns(utility_id: int, account: Account) -> dict[str, Any]:
    named = {"code": account.code, "unit": account.unit, "kind": account.kind, "floored": account.floored}
    return {"utility_id": utility_id, **named, "held": 0}


def _upsert(session: AsyncSession) -> Any:
    insert_or = postgresql.insert if _is_postgresql(session) else sqlite.insert
    return insert_or(BookAccount)


def _is_postgresql(session: AsyncSession) -> bool:
    return session.get_bind().dialect.name == "postgresql"


def _check_floors(draft: Draft, accounts: dict[Account, Held]) -> None:
    # The database refuses it too; here it has a name.
    for account, row in accounts.items():
        moved = sum(line.amount for line in draft.lines if line.account == account)
        assert not account.floored or row.held >= moved, f"{account.code} never goes below zero"


def _by_key(draft: Draft) -> Any:
    return select(BookEntry.id).where(BookEntry.utility_id == draft.utility_id, BookEntry.key == draft.key)


def _numbered(session: AsyncSession, draft: Draft) -> Any:
    # One statement: the number of the new entry, and the entry that has the key already, if there is one.
    after_last = select(func.coalesce(func.max(BookEntry.id), 0) + 1).scalar_subquery()
    number = ENTRY_IDS.next_value() if _is_postgresql(session) else after_last
    return select(number, _by_key(draft).scalar_subquery())


async def _same(session: AsyncSession, entry_id: int, draft: Draft) -> int:
    said = await session.scalar(select(BookEntry.sha256).where(BookEntry.id == entry_id))
    if said != rules.content_hash(draft):
        raise Conflict("entry_differs", f"The books have another entry under {draft.key}; correct it by a new one.")
    return entry_id


def _entry_values(draft: Draft, actor: Named, now: int) -> dict[str, Any]:
    return {
        "lines": len(draft.lines),
        "utility_id": draft.utility_id,
        "key": draft.key,
        "sha256": rules.content_hash(draft),
        "kind": draft.kind,
        "subject": draft.subject,
        "actor": actor.label,
        "reason": draft.reason,
        "at": now,
    }


async def _write(
    session: AsyncSession,
    entry_id: int,
    draft: Draft,
    accounts: dict[Account, int],
    actor: Named,
    now: int,
) -> None:
    # The entry comes last: its trigger sees every posting, and none can follow it.
    written = [
        {
            "entry_id": entry_id,
            "line": number,
            "lines": len(draft.lines),
            "account_id": accounts[line.account],
            "amount": line.amount,
            "what": line.what,
        }
        for number, line in enumerate(draft.lines, 1)
    ]
    await session.execute(insert(BookPosting), written)
    await session.execute(insert(BookEntry).values({"id": entry_id, **_entry_values(draft, actor, now)}))
