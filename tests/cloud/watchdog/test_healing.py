"""A purchase that is late heals itself: another way, the network; else a person is told, once, with what to do."""

import asyncio
import contextlib
import uuid
from collections.abc import Iterator

from sqlalchemy import event, null, select, update

from cloud.accounts.models import Customer
from cloud.auth.actor import system
from cloud.commands.models import Command
from cloud.meters import service as meters
from cloud.meters.models import Meter
from cloud.notify.models import Message
from cloud.vending import service as vending
from cloud.vending import voiding
from cloud.vending.voiding import VoidOrder
from cloud.watchdog.rules import COMMANDS_MAX
from shared import kinds
from shared.documents import COMMAND_TOKEN
from tests.cloud.watchdog.conftest import HOUR_S, Watch
from tests.fakes.device import Device
from tests.fakes.utility import ADMIN

DAY_S = 86_400


async def test_a_purchase_that_was_taken_in_in_time_is_not_watched(watch: Watch) -> None:
    device = await watch.online()
    sale = await watch.town.sell(device, delivery="remote")
    await watch.carry_out(device, sale.vend)

    await watch.after(900)

    assert await watch.watched() == []
    assert (await watch.progress(sale)).stage == "applied"


async def test_a_keypad_sale_that_is_not_entered_is_brought_by_the_network(watch: Watch) -> None:
    device = await watch.online()
    sale = await watch.town.sell(device)
    await watch.after(900)
    early = await watch.commands()

    await watch.hear(device, device.hello())
    await watch.after(6 * HOUR_S)
    await watch.carry_out(device, sale.vend)
    await watch.after(HOUR_S)

    assert early == []
    assert [one.vend_id for one in await watch.commands()] == [sale.vend.id]
    assert (await watch.progress(sale)).stage == "applied"
    (row,) = await watch.watched()
    assert (row.commanded, row.next_look_at, row.ended_at) == (1, None, watch.town.now)


async def test_a_token_that_was_keyed_in_and_then_comes_by_the_network_counts_once(watch: Watch) -> None:
    device = await watch.online()
    sale = await watch.town.sell(device)
    await watch.after(7 * HOUR_S)
    device.token(0, sale.vend.tid, sale.vend.volume_ml)
    await watch.hear(device, device.batch())
    credit = device.balance(0)

    await watch.dispatcher.round()
    await watch.after(HOUR_S)

    assert len(await watch.commands()) == 1
    assert device.balance(0) == credit == sale.vend.volume_ml
    assert (await watch.progress(sale)).applied_at is not None
    assert (await watch.watched())[0].ended_at is not None


async def test_nothing_is_sent_to_a_gateway_that_is_away(watch: Watch) -> None:
    device = await watch.town.device()
    await watch.town.sell(device)

    for _ in range(10):
        await watch.after(HOUR_S)

    assert await watch.commands() == []


async def test_a_command_that_expired_is_given_again_when_the_gateway_is_there(watch: Watch) -> None:
    device = await watch.online()
    sale = await watch.town.sell(device, delivery="remote")
    watch.town.now += 2 * DAY_S
    await watch.dispatcher.round()
    await watch.hear(device, device.hello())

    await watch.after(60)
    await watch.carry_out(device, sale.vend)

    assert [(one.status, one.vend_id) for one in await watch.commands()] == [
        ("expired", sale.vend.id),
        ("applied", sale.vend.id),
    ]
    assert (await watch.progress(sale)).stage == "applied"


async def test_a_token_from_before_a_new_epoch_cannot_be_taken_and_a_person_is_told(watch: Watch) -> None:
    device = await watch.online()
    await watch.town.sell(device, delivery="remote")
    watch.town.now += 600
    renewed = await watch.town.enrol(device.gateway, Device())
    await watch.hear(renewed, renewed.hello())

    await watch.after(HOUR_S)

    assert [one.code for one in await watch.watched()] == ["enrolled_anew"]
    assert [one.epoch for one in await watch.commands()] == [1]
    (case,) = await watch.cases()
    assert "sell it again" in case.detail


async def test_a_command_that_was_lost_with_an_epoch_is_given_again_to_the_next(watch: Watch) -> None:
    device = await watch.online()
    renewed = await watch.town.enrol(device.gateway, Device())
    sale = await watch.town.sell(renewed, delivery="remote")
    async with watch.town.database.begin() as session:
        await session.execute(update(Command).values(epoch=1))
    await watch.hear(renewed, renewed.hello())
    await watch.hear(renewed, renewed.batch())

    await watch.after(HOUR_S)
    await watch.carry_out(renewed, sale.vend)

    assert [(one.epoch, one.status) for one in await watch.commands()] == [(1, "superseded"), (2, "applied")]
    assert (await watch.progress(sale)).stage == "applied"


async def test_commands_that_a_meter_refuses_are_not_repeated_for_ever(watch: Watch) -> None:
    device = await watch.online()
    await watch.town.sell(device, delivery="remote")
    for _ in range(COMMANDS_MAX + 3):
        await watch.dispatcher.round()
        if watch.published:
            _, fields = device.receive(watch.published.pop())
            device.write(kinds.COMMAND, reference_a=fields["counter"], detail=COMMAND_TOKEN << 8 | 4)
            await watch.hear(device, device.batch())
        await watch.after(HOUR_S)
    await watch.hear(device, device.hello())

    await watch.after(4 * DAY_S)

    assert len(await watch.commands()) == 1 + COMMANDS_MAX
    (case,) = await watch.cases()
    assert "refuses the token" in case.detail


async def test_a_message_that_does_not_arrive_goes_another_way(watch: Watch) -> None:
    await watch.with_email()
    watch.carrier.dead = {"+254700000001"}
    device = await watch.town.device()
    sale = await _sold_by_a_payment(watch, device)
    await watch.outbox.deliver_due()

    await watch.after(900)
    await watch.outbox.deliver_due()

    assert [(one.address, one.kind) for one in watch.carrier.taken] == [("a@b.example", "token")]
    assert sale.digits in watch.carrier.taken[0].text.replace(" ", "")
    found = await watch.progress(sale)
    assert (found.stage, found.delivered_by, found.delivered_at) == ("delivered", "message", watch.town.now)
    assert await watch.cases() == []


async def test_a_customer_who_gives_a_way_later_is_told_then(watch: Watch) -> None:
    async with watch.town.database.begin() as session:
        await session.execute(update(Customer).values(phone=None, contacts=null()))
    sale = await _sold_by_a_payment(watch, await watch.town.device())
    before = await watch.messages()
    await watch.with_email()

    await watch.after(900)
    await watch.outbox.deliver_due()
    await watch.after(900)

    assert before == []
    assert [one.address for one in watch.carrier.taken] == ["a@b.example"]
    assert (await watch.progress(sale)).stage == "delivered"


async def test_a_purchase_that_reaches_nobody_is_a_case_that_closes_when_the_meter_shows_it(watch: Watch) -> None:
    watch.carrier.dead = {"+254700000001"}
    device = await watch.town.device()
    sale = await _sold_by_a_payment(watch, device)
    async with watch.town.database.begin() as session:
        await session.execute(update(Message).values(state="failed"))
    watch.town.now += 2 * DAY_S
    await watch.dispatcher.round()

    await watch.after(0)
    await watch.after(HOUR_S)
    (open_case,) = await watch.cases()
    device.token(0, sale.vend.tid, sale.vend.volume_ml)
    await watch.hear(device, device.batch())
    await watch.after(DAY_S)

    assert open_case.state == "open" and "call them" in open_case.detail and sale.vend.purchase_id in open_case.detail
    (closed,) = await watch.cases()
    assert (closed.state, closed.closed_by) == ("closed", "system:watchdog")


async def test_a_purchase_that_is_not_at_its_meter_after_days_is_one_case(watch: Watch) -> None:
    device = await watch.town.device()
    await watch.town.sell(device)

    for _ in range(10):
        await watch.after(DAY_S)

    (case,) = await watch.cases()
    assert case.state == "open" and "never heard" in case.detail
    assert [one.code for one in await watch.watched()] == ["gateway_away"]


async def test_a_token_that_is_being_taken_back_is_not_sent(watch: Watch) -> None:
    device = await watch.online()
    sale = await watch.town.sell(device)
    async with watch.town.database.begin() as session:
        wanted = VoidOrder(sale.vend.purchase_id, 1, "keypad")
        await voiding.order(session, watch.town.key_store, ADMIN, wanted, watch.town.now)

    await watch.hear(device, device.hello())
    await watch.after(7 * HOUR_S)

    assert await watch.commands() == []


async def test_only_the_parts_that_the_meter_did_not_show_are_sent(watch: Watch) -> None:
    device = await watch.online()
    async with watch.town.database.begin() as session:
        await meters.set_token_limit(session, ADMIN, watch.town.utility, 3_000_000, watch.town.now)
    sale = await watch.town.sell(device)
    first, second = sale.vends
    device.token(0, first.tid, first.volume_ml)
    await watch.hear(device, device.batch())

    await watch.after(7 * HOUR_S)

    assert [one.vend_id for one in await watch.commands()] == [second.id]
    assert (await watch.progress(sale)).stage == "delivered"


async def test_two_watchdogs_side_by_side_and_a_crash_anywhere_do_each_step_once(watch: Watch) -> None:
    device = await watch.online()
    sale = await watch.town.sell(device)
    watch.town.now += 7 * HOUR_S
    for at in range(1, 60, 3):
        with contextlib.suppress(Died), dying(watch, at):
            await watch.dog.find_late()
            await watch.dog.heal_due()
        watch.town.now += 300

    await asyncio.gather(*(watch.dog.heal_due() for _ in range(3)))

    assert [one.vend_id for one in await watch.commands()] == [sale.vend.id]
    assert [one.commanded for one in await watch.watched()] == [1]


class Died(BaseException):
    """The process ends here."""


@contextlib.contextmanager
def dying(watch: Watch, at: int) -> Iterator[None]:
    """Raise Died before the statement of this number."""
    seen = 0

    def count(*_arguments: object) -> None:
        nonlocal seen
        seen += 1
        if seen == at:
            raise Died

    engine = watch.town.database.engine.sync_engine
    event.listen(engine, "before_cursor_execute", count)
    try:
        yield
    finally:
        event.remove(engine, "before_cursor_execute", count)


async def _sold_by_a_payment(watch: Watch, device: Device):  # type: ignore[no-untyped-def]
    """A sale as the loop of payments makes it, over the network."""
    async with watch.town.database.begin() as session:
        drn = (await session.scalars(select(Meter.drn).where(Meter.gateway_id == device.gateway))).one()
        order = vending.Order(str(uuid.uuid4()), drn, None, "card", 50_000, "KES", "remote", "account")
        return await vending.vend(session, watch.town.key_store, system("payments"), order, watch.town.now)
