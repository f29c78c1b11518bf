"""Heads and entries in the database, set by set: the hot path, in Core SQL that both databases run.

A head advances only from where it was read, so of two workers one waits or fails, and no entry is written twice.
"""

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import select, text, tuple_, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.ledger.messages import Author
from cloud.ledger.models import LedgerEntry, LedgerHead
from cloud.ledger.rules import Position, Row
from cloud.meters.models import Gateway
from shared.chain import genesis
from shared.state import GatewayState, from_bytes

Key = tuple[int, int]

_COLUMNS = [
    "gateway_id",
    "epoch",
    "sequence",
    "utility_id",
    "kind",
    "channel",
    "time_s",
    "delta",
    "balance",
    "register",
    "arrived_at",
    "body",
    "hash",
]
_ARRAYS = {name: "bytea" if name in ("body", "hash") else "bigint" for name in _COLUMNS}
_INSERT_SQLITE = "INSERT INTO ledger_entry ({}) VALUES ({})".format(  # noqa: S608 - names from the line above
    ", ".join(_COLUMNS), ", ".join("?" * len(_COLUMNS))
)
_INSERT_POSTGRESQL = text(
    "INSERT INTO ledger_entry ({}) SELECT * FROM unnest({})".format(  # noqa: S608 - the same
        ", ".join(_COLUMNS), ", ".join(f"CAST(:{name} AS {kind}[])" for name, kind in _ARRAYS.items())
    )
)
_STATES_KEPT = 20_000


class HeadMoved(Exception):
    """Another worker advanced a head that was worked on; the messages are to be worked on again."""


class States:
    """Unpacked states of gateways heard of lately. One is taken out while it is changed and put back after commit."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Key, tuple[bytes, GatewayState]] = OrderedDict()

    def take(self, row: LedgerHead) -> GatewayState:
        """The state at this head: the one kept if it belongs to the head, else unpacked."""
        head, state = self._kept.pop((row.gateway_id, row.epoch), (b"", None))
        return state if state is not None and head == row.head else from_bytes(row.state)

    def put(self, position: Position) -> None:
        """Keep the state of a position that was committed."""
        self._kept[position.gateway, position.epoch] = (position.head, position.state)
        if len(self._kept) > _STATES_KEPT:
            self._kept.popitem(last=False)


async def lock(session: AsyncSession, states: States, authors: Iterable[Author], now: int) -> dict[Key, Position]:
    """The position of each author's ledger, locked until the transaction ends; a new ledger starts empty."""
    by_key = {(author.gateway, author.epoch): author for author in authors}
    keys = sorted(by_key)
    rows = await _locked(session, keys)
    missing = [by_key[key] for key in keys if key not in {(row.gateway_id, row.epoch) for row in rows}]
    if missing:
        await _start(session, missing, now)
        rows = await _locked(session, keys)
    await _require_present(session, keys)
    return {(row.gateway_id, row.epoch): _position(row, states) for row in rows}


async def _locked(session: AsyncSession, keys: Sequence[Key]) -> Sequence[LedgerHead]:
    # In the order of the key: two workers that want the same heads queue instead of blocking one another for good.
    found = select(LedgerHead).where(tuple_(LedgerHead.gateway_id, LedgerHead.epoch).in_(keys))
    ordered = found.order_by(LedgerHead.gateway_id, LedgerHead.epoch).with_for_update()
    return (await session.scalars(ordered.execution_options(populate_existing=True))).all()


async def _require_present(session: AsyncSession, keys: Sequence[Key]) -> None:
    # An enrolment that was faster has closed the epoch: what came for it is looked at anew, and set aside.
    present = select(Gateway.id, Gateway.epoch).where(Gateway.id.in_([gateway for gateway, _ in keys]))
    closed = set(keys) - {(row.id, row.epoch) for row in await session.execute(present)}
    if closed:
        raise HeadMoved(f"{len(closed)} gateways were enrolled anew meanwhile")


async def _start(session: AsyncSession, authors: list[Author], now: int) -> None:
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    rows = [
        {
            "gateway_id": author.gateway,
            "epoch": author.epoch,
            "utility_id": author.utility,
            "sequence": 0,
            "head": genesis(author.utility, author.gateway, author.epoch, author.device_public),
            "state": GatewayState(author.utility, author.gateway, author.epoch).to_bytes(),
            "frozen": False,
            "updated_at": now,
        }
        for author in authors
    ]
    await session.execute(insert(LedgerHead).values(rows).on_conflict_do_nothing())


def _position(row: LedgerHead, states: States) -> Position:
    return Position(
        utility=row.utility_id,
        gateway=row.gateway_id,
        epoch=row.epoch,
        base=row.sequence,
        base_head=row.head,
        state=states.take(row),
        frozen=row.frozen,
    )


async def hash_at(session: AsyncSession, position: Position, author: Author, sequence: int) -> bytes | None:
    """The head after a held entry, of the start of the chain for 0; None when no such entry is held."""
    if sequence == position.sequence:
        return position.head
    if sequence == 0:
        return genesis(author.utility, author.gateway, author.epoch, author.device_public)
    if sequence > position.base:
        at = sequence - position.base - 1
        return position.fresh[at] if at < len(position.fresh) else None
    found = select(LedgerEntry.hash).where(
        LedgerEntry.gateway_id == position.gateway,
        LedgerEntry.epoch == position.epoch,
        LedgerEntry.sequence == sequence,
    )
    return await session.scalar(found)


async def save(session: AsyncSession, positions: Iterable[Position], now: int) -> None:
    """Write the fresh entries and advance their heads; HeadMoved when a head is not where it was."""
    moved = [position for position in positions if position.fresh]
    if not moved:
        return
    await _insert(session, [row for position in moved for row in position.rows])
    connection = await session.connection()
    advanced = await connection.execute(_ADVANCE[session.get_bind().dialect.name], _advances(session, moved, now))
    if advanced.rowcount != len(moved):
        raise HeadMoved(f"{len(moved)} heads were to advance, {advanced.rowcount} did")


async def _insert(session: AsyncSession, rows: list[Row]) -> None:
    if session.get_bind().dialect.name == "postgresql":
        columns = zip(*rows, strict=True)
        await session.execute(_INSERT_POSTGRESQL, dict(zip(_COLUMNS, map(list, columns), strict=True)))
    else:
        connection = await session.connection()
        await connection.exec_driver_sql(_INSERT_SQLITE, rows)


_ADVANCE_FIELDS = {
    "gateway": "bigint",
    "epoch": "bigint",
    "was": "bigint",
    "was_head": "bytea",
    "sequence": "bigint",
    "head": "bytea",
    "state": "bytea",
    "now": "bigint",
}
_ADVANCE = {
    "postgresql": text(  # the names in it stand above
        "UPDATE ledger_head AS h SET sequence = v.sequence, head = v.head, state = v.state, updated_at = v.now"  # noqa: S608
        " FROM unnest({}) AS v ({})"
        " WHERE h.gateway_id = v.gateway AND h.epoch = v.epoch AND h.sequence = v.was AND h.head = v.was_head".format(
            ", ".join(f"CAST(:{name} AS {kind}[])" for name, kind in _ADVANCE_FIELDS.items()),
            ", ".join(_ADVANCE_FIELDS),
        )
    ),
    "sqlite": text(
        "UPDATE ledger_head SET sequence = :sequence, head = :head, state = :state, updated_at = :now"
        " WHERE gateway_id = :gateway AND epoch = :epoch AND sequence = :was AND head = :was_head"
    ),
}


def _advances(session: AsyncSession, moved: list[Position], now: int) -> dict[str, Any] | list[dict[str, Any]]:
    rows: list[dict[str, Any]] = [
        {
            "gateway": position.gateway,
            "epoch": position.epoch,
            "was": position.base,
            "was_head": position.base_head,
            "sequence": position.sequence,
            "head": position.head,
            "state": position.state.to_bytes(),
            "now": now,
        }
        for position in moved
    ]
    if session.get_bind().dialect.name == "postgresql":
        return {name: [row[name] for row in rows] for name in _ADVANCE_FIELDS}
    return rows


async def freeze(session: AsyncSession, position: Position, now: int) -> None:
    """Take nothing more into this epoch: its device has signed two histories."""
    position.frozen = True
    mine = (LedgerHead.gateway_id == position.gateway, LedgerHead.epoch == position.epoch)
    await session.execute(update(LedgerHead).where(*mine).values(frozen=True, updated_at=now))
