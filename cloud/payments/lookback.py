"""Asking providers once more: whether money of a sold payment was taken back, and what became of a push without answer.

Nothing is held while a provider is asked; each question is noted before it is put, so that another process does not
put it, too.
"""

from collections.abc import Sequence
from typing import Any

import structlog
from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.clock import Clock
from cloud.db import Database
from cloud.errors import CloudError
from cloud.ledger import cases
from cloud.meters.models import Meter
from cloud.payments import push, rules, service
from cloud.payments.channels import Channels
from cloud.payments.models import Payment, PushRequest
from cloud.payments.providers.interface import Asked, ProviderDown, Silent
from cloud.payments.providers.mpesa import Mpesa

PUSH_LOOKS_MAX = 6
CASE = "push_without_payment"
_AWAY_S = 900
_BATCH = 20
_log = structlog.get_logger("payments")


class Lookback:
    """One round looks at a batch of each; several processes may do so side by side."""

    def __init__(self, database: Database, channels: Channels, clock: Clock) -> None:
        self._database = database
        self._channels = channels
        self._clock = clock

    async def round(self) -> int:
        """Ask about all that is due; return how many questions there were."""
        payments, pushes = await self._take(Payment), await self._take(PushRequest)
        for number in payments:
            await self._payment(number)
        for number in pushes:
            await self._push(number)
        return len(payments) + len(pushes)

    async def _take(self, table: Any) -> Sequence[int]:
        """Numbers of the payments, or of the pushes, that are due."""
        now = self._clock.now()
        due = select(table).where(table.look_again_at <= now).order_by(table.look_again_at).limit(_BATCH)
        async with self._database.begin() as session:
            rows = (await session.scalars(due.with_for_update(skip_locked=True))).all()
            for row in rows:
                row.look_again_at = now + _AWAY_S
        return [row.id for row in rows]

    async def _payment(self, number: int) -> None:
        async with self._database.read() as session:
            payment = await session.get_one(Payment, number)
        channel = self._channels.get(payment.channel)
        provider: object = None if channel is None else channel.provider
        if not isinstance(provider, Silent):
            return  # its channel was taken out of the file
        try:
            found = await provider.taken_back(payment.reference, payment.currency)
        except (CloudError, ProviderDown) as error:
            _log.warning("a payment could not be looked at again", payment=number, reason=str(error))
            return
        await self._looked(number, 0 if isinstance(found, Asked) else found)

    async def _looked(self, number: int, gone_minor: int) -> None:
        now = self._clock.now()
        async with self._database.begin() as session:
            payment = await session.get_one(Payment, number, with_for_update=True)
            if payment.refunded_at is not None:
                return  # what is gone is what we gave back ourselves
            payment.looks += 1
            payment.look_again_at = rules.next_look_at(payment.verified_at or now, payment.looks)
            if gone_minor:
                await service.taken_back(session, payment, gone_minor, now)

    async def _push(self, number: int) -> None:
        async with self._database.read() as session:
            request = await session.get_one(PushRequest, number)
        channel = self._channels.get(request.channel)
        provider = None if channel is None else channel.provider
        if request.state == push.SENT and request.checkout_id and isinstance(provider, Mpesa):
            try:
                paid = await provider.daraja.what_became_of(request.checkout_id)
            except (CloudError, ProviderDown) as error:
                _log.info("a push could not be asked about", push=number, reason=str(error))
                paid = None
            await self._answered(number, paid)
            return
        async with self._database.begin() as session:
            await _end(session, await session.get_one(PushRequest, number, with_for_update=True), self._clock.now())

    async def _answered(self, number: int, paid: bool | None) -> None:
        now = self._clock.now()
        async with self._database.begin() as session:
            request = await session.get_one(PushRequest, number, with_for_update=True)
            if request.state != push.SENT:
                return
            request.looks += 1
            if paid is not None:
                request.state, request.ended_at = (push.PAID if paid else push.ENDED), now
            waits = paid or (paid is None and request.looks < PUSH_LOOKS_MAX)
            request.look_again_at = now + _AWAY_S if waits else None
            if paid is None and not waits:
                request.state, request.ended_at = push.ENDED, now


async def _end(session: AsyncSession, request: PushRequest, now: int) -> None:
    """A push that was paid gets its payment's reference; where none came in time, a person compares statements."""
    request.look_again_at = None
    if request.state == push.ASKED:  # this service died before it learned whether the phone was asked
        request.state, request.ended_at = push.FAILED, now
    if request.state != push.PAID or request.reference is not None:
        return
    request.reference = await _payment_of(session, request)
    if request.reference is None:
        await _open_case(session, request, now)


async def _payment_of(session: AsyncSession, request: PushRequest) -> str | None:
    theirs = or_(Payment.drn == request.drn, Payment.account_reference.contains(request.drn[-12:]))
    found = select(Payment.reference).where(
        Payment.channel == request.channel,
        Payment.amount_minor == request.amount_minor,
        Payment.received_at >= request.requested_at,
        theirs,
    )
    return await session.scalar(found.order_by(Payment.id).limit(1))


async def _open_case(session: AsyncSession, request: PushRequest, now: int) -> None:
    meter = (await session.scalars(select(Meter).where(Meter.drn == request.drn))).one()
    said = f"M-Pesa says that push request {request.id} was paid: {request.amount_minor} minor units for {request.drn}."
    await cases.open_case(
        session,
        utility_id=request.utility_id,
        gateway_id=meter.gateway_id,
        kind=CASE,
        detail=f"{said} No payment was told of; look for it in the statement, and assign it.",
        now=now,
        sequence=request.id,
        channel=meter.channel,
    )
    _log.error("push without payment", push=request.id, utility=request.utility_id)
