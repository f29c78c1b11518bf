"""Meters against the books: opening + credits - consumption = closing, for each meter, by what its device signed.

What is not posted yet is folded behind the position; then pots and register must be those of the ledger's state.
"""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.ledger.models import LedgerHead
from cloud.meters.models import Meter
from cloud.reports import posting
from cloud.reports.checks import Day
from cloud.reports.consumption import MONEY, Fold, net
from cloud.reports.models import LedgerCursor
from cloud.reports.posting import Ledger
from cloud.reports.reconciliation_rules import Finding, Found, Line
from shared import kinds
from shared.state import GatewayState, MeterState, from_bytes

SECTION = "meters"
_NAME = "what devices say, and what their entries come to"


async def check(session: AsyncSession, day: Day) -> Found:
    """Check every meter of every ledger that is the last of its gateway."""
    found, sums = Found(), _Sums()
    after = 0
    while True:
        head = await _next_head(session, day.utility_id, after)
        if head is None:
            break
        after = head.gateway_id
        found.findings += await _of_ledger(session, day, head, sums)
        session.expunge_all()
    found.lines = [Line(SECTION, _NAME, unit, left, right) for unit, (left, right) in sorted(sums.of.items())]
    return found


class _Sums:
    """What all meters hold, by unit: by their states, and by their entries."""

    def __init__(self) -> None:
        self.of: dict[str, tuple[int, int]] = {}

    def add(self, unit: str, left: int, right: int) -> None:
        before = self.of.get(unit, (0, 0))
        self.of[unit] = before[0] + left, before[1] + right


async def _next_head(session: AsyncSession, utility_id: int, after: int) -> LedgerHead | None:
    mine = select(LedgerHead).where(LedgerHead.utility_id == utility_id, LedgerHead.gateway_id > after)
    newest = mine.where(LedgerHead.sequence > 0).order_by(LedgerHead.gateway_id, LedgerHead.epoch.desc())
    return await session.scalar(newest.limit(1))


async def _of_ledger(session: AsyncSession, day: Day, head: LedgerHead, sums: _Sums) -> list[Finding]:
    ledger = Ledger(head.utility_id, head.gateway_id, head.epoch)
    meters, fold = await _folded(session, ledger, day)
    state = from_bytes(head.state)
    found = []
    for channel, meter in sorted(meters.items()):
        proven, folded = state.meters.get(channel), fold.meters.get(channel)
        if proven is None or folded is None:
            continue
        unit = MONEY if proven.has(kinds.MODE_CURRENCY) else fold.unit_of(channel)
        sums.add(unit, net(proven), net(folded))
        found += _differences(meter, unit, proven, folded, state)
    return found


async def _folded(session: AsyncSession, ledger: Ledger, day: Day) -> tuple[dict[int, Meter], Fold]:
    """The meters of a ledger, and their figures at its end, by their positions and the entries behind them."""
    meters, fold = await posting.begun(session, ledger)
    cursor = await session.get(LedgerCursor, (ledger.gateway_id, ledger.epoch))
    sequence = 0 if cursor is None else cursor.sequence
    while rows := await posting.entries_after(session, ledger, sequence, None):
        await posting.fold_rows(session, ledger, fold, rows, day.zone)
        sequence = rows[-1].sequence
    return meters, fold


def _differences(meter: Meter, unit: str, proven: MeterState, folded: MeterState, state: GatewayState) -> list[Finding]:
    found = []
    if (proven.pots, proven.register) != (folded.pots, folded.register):
        said = f"device {proven.pots[1:]} at {proven.register} ml, entries {folded.pots[1:]} at {folded.register} ml"
        amount = net(proven) - net(folded)
        subject = f"meter:{meter.drn}"
        found.append(Finding(SECTION, "meter_differs", subject, unit, amount, state.time_s, said, _NAME))
    return found
