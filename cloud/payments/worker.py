"""The loop that carries payments on: asks the provider, sells, tries again, and raises an alarm for what is stuck.

Nothing is held while a provider is asked. A payment is taken with a lease: if this process dies, another goes on.
"""

import asyncio
from collections.abc import Sequence

import structlog
from sqlalchemy import or_, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.clock import Clock
from cloud.db import Database
from cloud.errors import CloudError
from cloud.payments import rules, selling, service
from cloud.payments.channels import Channels
from cloud.payments.lookback import Lookback
from cloud.payments.models import Payment
from cloud.payments.providers.interface import Asked, ProviderDown
from cloud.vending.store import KeyStore

_BATCH = 50
_LEASE_S = 120
_ANSWER_S = 60
_POLL_S = 1.0
_LOOK_EVERY_S = 15
_REASON_MAX = 300

_log = structlog.get_logger("payments")


class Payments:
    """The loop; several may run side by side."""

    def __init__(self, database: Database, key_store: KeyStore, channels: Channels, clock: Clock) -> None:
        self._database = database
        self._key_store = key_store
        self._channels = channels
        self._clock = clock
        self.lookback = Lookback(database, channels, clock)
        self._looked_at = 0

    async def run(self) -> None:
        """Work until cancelled; trouble with the database is logged and tried again."""
        while True:
            try:
                done = await self.work_due()
                await self.raise_alarms()
                await self._look_back()
            except Exception:
                _log.exception("payments stopped; they go on in a moment")
                done = 0
            if done < _BATCH:
                await asyncio.sleep(_POLL_S)

    async def work_due(self) -> int:
        """Carry every payment of one batch that is due one step on; return how many there were."""
        async with self._database.begin() as session:
            due = [(row.id, row.state) for row in await self._take(session)]
        for payment_id, state in due:
            try:
                await (self._confirm(payment_id) if state == rules.RECEIVED else self._sell(payment_id))
            except (CloudError, ProviderDown, DBAPIError) as error:
                await self._later(payment_id, str(error) if not isinstance(error, DBAPIError) else "database")
            except Exception as error:  # whatever is wrong with one payment, those behind it go on
                _log.exception("a payment fails", payment=payment_id)
                await self._later(payment_id, f"the cloud failed on it: {type(error).__name__}")
        return len(due)

    async def _take(self, session: AsyncSession) -> Sequence[Payment]:
        now = self._clock.now()
        due = select(Payment).where(Payment.state.in_(rules.OPEN), Payment.next_attempt_at <= now)
        due = due.order_by(Payment.next_attempt_at, Payment.id).limit(_BATCH).with_for_update(skip_locked=True)
        found = (await session.scalars(due)).all()
        for payment in found:
            payment.next_attempt_at = now + _LEASE_S
            payment.attempts += 1
        return found

    async def _confirm(self, payment_id: int) -> None:
        async with self._database.read() as session:
            payment = await session.get_one(Payment, payment_id)
        channel = self._channels.get(payment.channel)
        if channel is None or channel.provider is None:
            raise ProviderDown(f"the channel {payment.channel} is not in PENSTOCK_PAYMENTS_FILE")
        answer = await channel.provider.confirm(payment.reference)
        async with self._database.begin() as session:
            payment = await session.get_one(Payment, payment_id, with_for_update=True)
            if not isinstance(answer, Asked):
                await service.confirmed(session, payment, answer, self._clock.now())
            elif payment.state == rules.RECEIVED:
                payment.next_attempt_at = self._clock.now() + max(_ANSWER_S, rules.retry_after_s(payment.attempts))
        if payment.state == rules.VERIFIED:
            await self._sell(payment_id)

    async def _sell(self, payment_id: int) -> None:
        async with self._database.begin() as session:
            payment = await session.get_one(Payment, payment_id, with_for_update=True)
            await selling.sell(session, self._key_store, payment, self._clock.now())

    async def _later(self, payment_id: int, reason: str) -> None:
        now = self._clock.now()
        async with self._database.begin() as session:
            payment = await session.get_one(Payment, payment_id, with_for_update=True)
            if payment.state in rules.OPEN:
                payment.reason = reason[:_REASON_MAX]
                payment.next_attempt_at = now + rules.retry_after_s(payment.attempts)

    async def _look_back(self) -> None:
        now = self._clock.now()
        if now - self._looked_at >= _LOOK_EVERY_S:
            self._looked_at = now
            await self.lookback.round()

    async def raise_alarms(self) -> int:
        """Log an alarm, once, for each payment that stays in a stage for too long; return how many there were."""
        now = self._clock.now()
        late = or_(
            *((Payment.state == state) & (Payment.received_at < now - most) for state, most in rules.STUCK_S.items())
        )
        async with self._database.begin() as session:
            found = (
                await session.scalars(select(Payment).where(late, Payment.alarmed_at.is_(None)).limit(_BATCH))
            ).all()
            stuck = [row for row in found if rules.stuck_for_s(row.state, row.verified_at or row.received_at, now)]
            for row in stuck:
                row.alarmed_at = now
                _log.error("payment stuck", payment=row.id, utility=row.utility_id, state=row.state, reason=row.reason)
        return len(stuck)
