"""Where a meter stands by its ledger: balance, register and the last verdicts."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ScalarSelect, bindparam, select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.ledger.models import LedgerHead, Verdict
from cloud.meters.models import Meter
from shared import kinds
from shared.state import MeterState, from_bytes

_VERDICTS_SHOWN = 10
_STATES = (
    select(LedgerHead.state)
    .where(LedgerHead.gateway_id == bindparam("gateway_id"), LedgerHead.sequence > 0)
    .order_by(LedgerHead.epoch.desc())
)
_SUPPLIES = ("closed", "drip", "lifeline", "full")


@dataclass(frozen=True)
class Standing:
    """The state of a meter, None before the ledger has said anything about it; verdicts, newest first."""

    state: MeterState | None
    verdicts: Sequence[Verdict]

    @property
    def balance(self) -> int | None:
        """The token credit: ml, or money in 1/100000 of the currency."""
        return self.pot(kinds.TOKEN_CREDIT)

    def pot(self, number: int) -> int | None:
        """What a pot holds, in the unit of the account."""
        return None if self.state is None else self.state.pots[number]

    @property
    def supply(self) -> str | None:
        """The supply that is intended."""
        return None if self.state is None else _SUPPLIES[self.state.intent]

    @property
    def faults(self) -> list[str]:
        """The faults that began and are not over."""
        present = 0 if self.state is None else self.state.faults
        return [name for number, name in enumerate(kinds.FAULT_NAMES) if present >> number & 1]

    @property
    def register_ml(self) -> int | None:
        """What flowed in all."""
        return None if self.state is None else int(self.state.register)

    @property
    def net(self) -> int:
        """All credit less all that is owed: what an account opens with on another device."""
        if self.state is None:
            return 0
        return sum(self.state.pots) - 2 * self.state.pots[kinds.ACCUMULATED_DEBT]


async def of(session: AsyncSession, meter: Meter) -> Standing:
    """Return the standing of a meter at the last entry that is held without a gap."""
    figures = await latest(session, meter)
    verdicts = await _verdicts(session, meter)
    return Standing(figures, verdicts)


def newest_state(gateway_id: Any) -> ScalarSelect[bytes]:
    """The state that the newest ledger of a gateway says, for a statement that has its number in a column."""
    mine = select(LedgerHead.state).where(LedgerHead.gateway_id == gateway_id, LedgerHead.sequence > 0)
    return mine.order_by(LedgerHead.epoch.desc()).limit(1).scalar_subquery()


async def latest_by(session: AsyncSession, meter: Meter, newest: bytes | None) -> MeterState | None:
    """The same as `latest`, when the newest state of the gateway was read already; None if there is none."""
    if newest is None:
        return None
    return from_bytes(newest).meters.get(meter.channel) or await latest(session, meter)


async def latest(session: AsyncSession, meter: Meter) -> MeterState | None:
    """The state of a meter as its ledger says; None before that."""
    # An epoch may have ended before its meters were heard of: then the one before it says where they stand.
    for state in await session.scalars(_STATES, {"gateway_id": meter.gateway_id}):
        figures = from_bytes(state).meters.get(meter.channel)
        if figures is not None:
            return figures
    return None


async def _verdicts(session: AsyncSession, meter: Meter) -> Sequence[Verdict]:
    found = select(Verdict).where(Verdict.gateway_id == meter.gateway_id, Verdict.channel == meter.channel)
    return (await session.scalars(found.order_by(Verdict.id.desc()).limit(_VERDICTS_SHOWN))).all()
