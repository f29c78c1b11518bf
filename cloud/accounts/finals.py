"""Where a meter ended: by its signed ledger, or, where that is silent, by what two people take for proven."""

from dataclasses import dataclass, field

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.commands.models import CommandCounter
from cloud.errors import Refused
from cloud.ledger.models import LedgerHead
from cloud.meters.models import Gateway, Meter
from shared import kinds
from shared.state import MeterState, from_bytes

LEDGER, LAST_VERIFIED, RETURN_CODE = "ledger", "last_verified", "return_code"
FRESH_S = 3600
"""A ledger whose gateway was heard within this time says where its meter stands now."""


@dataclass(frozen=True)
class Figures:
    """The end of a meter: entry and head of the chain that say it, its register, its pots, and their sum less debts.

    `opened` is false for a meter that no ledger has spoken of: then it has what it was to open with.
    """

    proof: str
    balance: int
    register_ml: int | None
    epoch: int | None = None
    sequence: int | None = None
    head: bytes | None = None
    pots: tuple[int, ...] = field(default=(0,) * kinds.POTS)
    opened: bool = False

    @property
    def credit(self) -> int:
        """What of the balance may be worth money: nothing, where debts are above it."""
        return max(0, self.balance)

    def columns(self) -> dict[str, object]:
        """The columns of `change_models.Final`."""
        names = ("proof", "epoch", "sequence", "head", "register_ml", "balance")
        return {name: getattr(self, name) for name in names}


async def of(session: AsyncSession, meter: Meter, proof: str, now: int, told_balance: int | None = None) -> Figures:
    """Return where a meter ended. Refused if its ledger is to prove it, and was not heard lately or is frozen.

    With a return code the balance is what the customer told, which the code has bounded.
    """
    head, state = await _last(session, meter)
    if proof == LEDGER:
        await _check_live(session, meter, head, now)
    if proof == RETURN_CODE:
        assert told_balance is not None, "a code bounds a balance that was told"
        return _figures(proof, meter, head, state, told_balance)
    return _figures(proof, meter, head, state, None)


async def _last(session: AsyncSession, meter: Meter) -> tuple[LedgerHead | None, MeterState | None]:
    heads = select(LedgerHead).where(LedgerHead.gateway_id == meter.gateway_id, LedgerHead.sequence > 0)
    for head in await session.scalars(heads.order_by(LedgerHead.epoch.desc())):
        state = from_bytes(head.state).meters.get(meter.channel)
        if state is not None:
            return head, state
    return None, None


async def _check_live(session: AsyncSession, meter: Meter, head: LedgerHead | None, now: int) -> None:
    gateway = await session.get_one(Gateway, meter.gateway_id)
    if head is None and gateway.epoch == 0:
        return  # no device was ever there, so nothing can be said by one
    counter = await session.get(CommandCounter, (gateway.id, gateway.epoch))
    heard_at = max(head.updated_at if head else 0, (counter.heard_at or 0) if counter else 0)
    if head is None or head.frozen or head.epoch != gateway.epoch or heard_at < now - FRESH_S:
        silent = f"The ledger of meter {meter.drn} was not heard within {FRESH_S // 60} minutes"
        raise Refused(
            "final_not_heard", f"{silent}; connect its gateway, or let two people take the last that it said."
        )


def _figures(proof: str, meter: Meter, head: LedgerHead | None, state: MeterState | None, told: int | None) -> Figures:
    if head is None or state is None:
        balance = meter.opening_balance if told is None else told
        return Figures(proof, balance, meter.opening_register_ml)
    net = sum(state.pots) - 2 * state.pots[kinds.ACCUMULATED_DEBT]
    return Figures(
        proof=proof,
        balance=net if told is None else told,
        register_ml=int(state.register),
        epoch=head.epoch,
        sequence=head.sequence,
        head=head.head,
        pots=tuple(state.pots),
        opened=True,
    )
