"""Redeeming vouchers: once each, as a payment; guesses are counted before a code is looked up."""

import hashlib
import hmac
import secrets

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.auth.actor import Actor
from cloud.errors import Conflict, Refused, TooManyRequests
from cloud.meters import service as meters
from cloud.meters.models import Meter
from cloud.payments import rules, selling, service
from cloud.payments.models import Payment
from cloud.payments.voucher_models import Voucher, VoucherBatch, VoucherGuess
from cloud.vending.sealed import SealedSecrets
from cloud.vending.store import KeyStore

CODE_DIGITS = 16
GUESSES_PER_METER = 5
GUESSES_PER_CALLER = 200
PROVIDER = "voucher"
_DAY_S = 86_400
_PURPOSE = "voucher"


async def count_guess(session: AsyncSession, actor: Actor, drn: str, now: int) -> None:
    """Count a guess, in a transaction of its own before the code is looked up; TooManyRequests when none is left."""
    await meters.meter_of(session, actor, drn)
    for subject, most in _subjects(actor, drn):
        if await _move(session, subject, now, 1) > most:
            wait_s = _DAY_S - now % _DAY_S
            said = "Too many codes that did not fit; try again tomorrow."
            raise TooManyRequests("too_many_attempts", said, retry_after_s=wait_s)


async def redeem(
    session: AsyncSession, sealed: SealedSecrets, key_store: KeyStore, actor: Actor, code: str, drn: str, now: int
) -> Payment:
    """Redeem a code for a meter; the same again gives the same payment. A sale that is refused leaves it unused."""
    meter = await meters.meter_of(session, actor, drn)
    voucher = await _find(session, sealed, meter, code, now)
    for subject, _ in _subjects(actor, drn):
        await _move(session, subject, now, -1)
    if voucher.payment_id is not None:
        return await _again(session, voucher.payment_id, drn)
    batch = await session.get_one(VoucherBatch, voucher.batch_id)
    if batch.stopped_at is not None or batch.expires_at <= now:
        raise Refused("voucher_ended", "The voucher has expired, or its batch was stopped; ask where it was bought.")
    payment = _payment(batch, voucher, drn, now)
    session.add(payment)
    await session.flush()
    voucher.payment_id = payment.id
    await service.verify(session, payment, now)
    await selling.sell(session, key_store, payment, now, keeps=False)
    if payment.state != rules.VENDED:
        raise Refused(payment.code or "not_sold", payment.reason or "The voucher could not be sold for.")
    await service.record(session, actor, "voucher.redeem", payment, {"batch": batch.id, "drn": drn}, now)
    return payment


async def _find(session: AsyncSession, sealed: SealedSecrets, meter: Meter, code: str, now: int) -> Voucher:
    key = await key_of(session, sealed, meter.utility_id, now, make=False)
    fits = (Voucher.utility_id == meter.utility_id, Voucher.code_hmac == hmac_of(key, code))
    voucher = await session.scalar(select(Voucher).where(*fits).with_for_update())
    if voucher is None:
        raise Refused("voucher_unknown", "There is no voucher with this code; check the digits.")
    return voucher


async def _again(session: AsyncSession, payment_id: int, drn: str) -> Payment:
    payment = await session.get_one(Payment, payment_id)
    if payment.drn != drn:
        raise Conflict("voucher_used", "The voucher has been used for another meter.")
    return payment


def _payment(batch: VoucherBatch, voucher: Voucher, drn: str, now: int) -> Payment:
    return Payment(
        utility_id=batch.utility_id,
        channel=PROVIDER,
        provider=PROVIDER,
        reference=f"{batch.id}-{voucher.serial}",
        tender_kind=PROVIDER,
        amount_minor=batch.amount_minor,
        currency=batch.currency,
        account_reference=drn,
        state=rules.RECEIVED,
        drn=drn,
        attempts=0,
        next_attempt_at=now,
        paid_at=now,
        received_at=now,
        reversed_minor=0,
    )


def _subjects(actor: Actor, drn: str) -> tuple[tuple[str, int], ...]:
    return ((f"meter:{drn}", GUESSES_PER_METER), (f"caller:{actor.label}"[:210], GUESSES_PER_CALLER))


async def _move(session: AsyncSession, subject: str, now: int, by: int) -> int:
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    first = insert(VoucherGuess).values(subject=subject, day=now // _DAY_S, guesses=max(by, 0))
    moved = first.on_conflict_do_update(index_elements=["subject", "day"], set_={"guesses": VoucherGuess.guesses + by})
    return int((await session.execute(moved.returning(VoucherGuess.guesses))).scalar_one())


async def key_of(session: AsyncSession, sealed: SealedSecrets, utility_id: int, now: int, *, make: bool) -> bytes:
    """Return the utility's key for the HMAC of codes; it is made with the first batch."""
    subject = f"utility:{utility_id}"
    if not await sealed.has(session, _PURPOSE, subject):
        if not make:
            raise Refused("voucher_unknown", "There is no voucher with this code; check the digits.")
        await sealed.put(session, utility_id, _PURPOSE, subject, secrets.token_bytes(32), now)
    return await sealed.get(session, utility_id, _PURPOSE, subject)


def hmac_of(key: bytes, code: str) -> bytes:
    """Return what is kept of a code."""
    return hmac.new(key, b"voucher\n" + code.encode(), hashlib.sha256).digest()
