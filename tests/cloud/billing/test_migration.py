"""A copy with bills that are open again goes to the form before and back: nothing of them is lost."""

import asyncio

from alembic import command
from sqlalchemy import text

from cloud import schema
from cloud.db import Database
from cloud.payments.voucher_models import VoucherBatch
from tests.cloud.billing.test_reopening import billed_device, pay, take_back
from tests.cloud.billing.village import Village

_STATES = "SELECT state, requested_by FROM voucher_batch ORDER BY id"
_STOPPED = "SELECT stopped_at IS NOT NULL FROM voucher_batch ORDER BY id"
_REOPENED = "SELECT bill_id, amount_minor FROM bill_reopening"


def batch(village: Village, state: str) -> VoucherBatch:
    asked = {"requested_by": "anna", "requested_at": village.now, "reason": "r", "created_at": village.now}
    face = {"count": 1, "amount_minor": 5, "currency": "KES", "expires_at": village.now + 9}
    return VoucherBatch(utility_id=village.utility, state=state, **face, **asked)


async def test_reopenings_wait_for_the_newer_form_and_a_batch_without_vouchers_is_stopped(any_url: str) -> None:
    database = Database(any_url)
    village = await Village(database).found()
    device = await billed_device(village)
    (bill,) = await village.bills()
    await take_back(village, await pay(village, device, bill.total_minor), 1_000)
    async with database.begin() as session:
        session.add_all([batch(village, "done"), batch(village, "waiting")])
    config = schema.alembic_config(any_url)
    await database.close()

    await asyncio.to_thread(command.downgrade, config, "0017")
    older = Database(any_url)
    async with older.read() as session:
        stopped = [bool(row[0]) for row in await session.execute(text(_STOPPED))]
    await older.close()
    await asyncio.to_thread(command.upgrade, config, "head")

    village.database = newer = Database(any_url)
    async with newer.read() as session:
        kept = [tuple(row) for row in await session.execute(text(_REOPENED))]
        states = [tuple(row) for row in await session.execute(text(_STATES))]
    await village.check()
    await newer.close()
    assert (stopped, kept) == ([False, True], [(bill.id, 1_000)])
    assert states == [("done", "history"), ("done", "history")]
