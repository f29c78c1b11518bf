"""What a return code proves: which tokens a meter without network has taken in, and how much credit it has left.

The code names the meter's count of tokens in clear, so few candidates remain: the tokens sold since its ledger was
last heard, and how large the balance may be. A guess costs one of five a day, which no answer gives back.
"""

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.auth.actor import Actor
from cloud.errors import Conflict, TooManyRequests
from cloud.meters import service, standing
from cloud.meters.models import Gateway, Meter, ReturnCodeGuess
from cloud.vending.models import Vend
from cloud.vending.store import KeyStore, Use
from shared import kinds
from shared.return_code import CANDIDATES_MAX, band
from shared.state import MeterState

GUESSES_A_DAY = 5
_DAY_S = 86400
_COUNTER_SHOWN = 10_000
_ACCEPTED = 1
_BAND_UNIT = 1000

Candidate = tuple[int, int, int, int]


@dataclass(frozen=True)
class Proof:
    """What a code proved; all None when it fits nothing that is known. `balance_below` bounds the token credit."""

    fits: bool
    tokens_since: int | None = None
    last_tid: int | None = None
    purchase_id: str | None = None
    balance_from: int | None = None
    balance_below: int | None = None


async def count_guess(session: AsyncSession, actor: Actor, drn: str, now: int) -> None:
    """Use up one guess of the day, in a transaction of its own; TooManyRequests when there is none left."""
    meter = await service.meter_of(session, actor, drn)
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    values = {"meter_id": meter.id, "day": now // _DAY_S, "utility_id": meter.utility_id, "guesses": 1}
    counted = insert(ReturnCodeGuess).values(values)
    counted = counted.on_conflict_do_update(
        index_elements=["meter_id", "day"], set_={"guesses": ReturnCodeGuess.guesses + 1}
    )
    guesses = (await session.execute(counted.returning(ReturnCodeGuess.guesses))).scalar_one()
    if guesses > GUESSES_A_DAY:
        wait_s = _DAY_S - now % _DAY_S
        told = f"Meter {drn} had its {GUESSES_A_DAY} codes of today; wait {wait_s // 3600 + 1} hours."
        raise TooManyRequests("guesses", told, retry_after_s=wait_s)


async def check(session: AsyncSession, key_store: KeyStore, actor: Actor, drn: str, code: str, now: int) -> Proof:
    """Say what a code of 12 digits proves."""
    meter = await service.meter_of(session, actor, drn)
    epoch = await epoch_of(session, meter)
    state = await standing.latest(session, meter)
    sold = await waiting(session, meter, state)
    candidates = _candidates(state, sold, int(code[:4]))
    use = Use(actor, f"meter:{drn}", now)
    found = await key_store.check_return_code(session, meter.utility_id, drn, epoch, code, candidates, use)
    if found is None:
        return Proof(fits=False)
    counter, last_tid, _, balance_band = found
    taken = next((vend for vend in sold if vend.tid == last_tid), None)
    return Proof(
        fits=True,
        tokens_since=counter - (state.token_counter if state else 0),
        last_tid=last_tid,
        purchase_id=str(taken.purchase_id) if taken else None,
        balance_from=_BAND_UNIT << balance_band - 1 if balance_band else 0,
        balance_below=_BAND_UNIT << balance_band,
    )


async def epoch_of(session: AsyncSession, meter: Meter) -> int:
    """The epoch whose keys a meter has; Conflict before its gateway is enrolled."""
    gateway = await session.get_one(Gateway, meter.gateway_id)
    if gateway.epoch == 0:
        raise Conflict("gateway_not_enrolled", f"Gateway {gateway.id} has no device yet; enrol it first.")
    return gateway.epoch


async def waiting(session: AsyncSession, meter: Meter, state: MeterState | None) -> list[Vend]:
    """The tokens sold that the ledger does not show yet, oldest first."""
    mine = select(Vend).where(Vend.meter_id == meter.id, Vend.consumed_by.is_(None), Vend.voided_at.is_(None))
    mine = mine.where(Vend.held_until.is_(None))
    check_value = state.key_check if state else meter.key_check
    return list(await session.scalars(mine.where(Vend.key_check == check_value).order_by(Vend.tid.desc())))[::-1]


def of_void(state: MeterState | None, void_tid: int, credit: int, shown: int) -> list[Candidate]:
    """What a meter may show behind a void: the count that stands in the code, and a balance of at most all `credit`.

    Nothing below what its ledger said last is possible, and one token at least came after that.
    """
    counter = state.token_counter if state else 0
    since = (shown - counter) % _COUNTER_SHOWN
    most = band((state.pots[kinds.TOKEN_CREDIT] if state else 0) + credit)
    return [(counter + since, void_tid, _ACCEPTED, size) for size in range(most, -1, -1)] if since else []


def _candidates(state: MeterState | None, sold: list[Vend], shown: int) -> list[Candidate]:
    """The likely first: the newest token last, the largest balance down to none."""
    counter = state.token_counter if state else 0
    balance = state.pots[kinds.TOKEN_CREDIT] if state else 0
    since = (shown - counter) % _COUNTER_SHOWN
    if since > len(sold):
        return []
    if since == 0:
        return [
            (counter, state.last_tid if state else 0, state.last_result if state else 0, size)
            for size in range(band(balance), -1, -1)
        ][:CANDIDATES_MAX]
    most = band(balance + sum(sorted((vend.credit for vend in sold), reverse=True)[:since]))
    ends = sold[since - 1 :][::-1]
    rows = [(counter + since, vend.tid, _ACCEPTED, size) for vend in ends for size in range(most, -1, -1)]
    return rows[:CANDIDATES_MAX]
