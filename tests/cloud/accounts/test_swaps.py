"""Swapping a meter: the balance, the account with its month, and unused tokens go to the new meter, once."""

import pytest
from sqlalchemy import select, update

from cloud.accounts import swap
from cloud.accounts.change_models import MeterSwap, Reissue
from cloud.accounts.models import Account, MeterStay
from cloud.accounts.swap import NewSwap
from cloud.auth.actor import Actor
from cloud.commands import service as commands
from cloud.commands.models import Command
from cloud.commands.orders import Limits
from cloud.errors import Conflict, Forbidden, Refused
from cloud.ledger.models import Case
from cloud.vending import pricing
from cloud.vending.models import Vend
from shared import kinds
from tests.cloud.accounts.street import ANN, BOB, Street
from tests.cloud.ledger.books import verdicts

LIMITS = Limits(volume_ml=10_000_000, money=0)


async def ask(street: Street, old: str, new: str, proof: str = "ledger", by: Actor = ANN) -> MeterSwap:
    town = street.town
    async with town.database.begin() as session:
        wanted = NewSwap(old, new, proof, "glass broken")
        return await swap.ask(session, town.key_store, by, wanted, LIMITS, town.now)


async def approve(street: Street, row: MeterSwap, by: Actor = BOB) -> MeterSwap:
    async with street.town.database.begin() as session:
        return await swap.approve(session, street.town.key_store, by, row.id, street.town.now)


async def test_a_balance_goes_from_one_meter_to_the_other_and_the_books_know_it(street: Street) -> None:
    old, new = await street.house(), await street.house(customer=False)
    await street.use(old, await street.sell(old))
    await street.draw(old, 1_200_000)

    row = await ask(street, old, new)
    await street.talk(old)
    await street.talk(new)

    assert (row.state, row.balance, row.register_ml) == ("done", 3_800_000, 1_200_000)
    assert row.sequence is not None and row.head is not None
    assert (street.credit(old), street.credit(new)) == (0, 3_800_000)
    for drn in (old, new):
        found = await verdicts(street.town, street.devices[drn])
        assert {one.verdict for one in found} == {"explained"}
    balances = await street.books()
    assert balances["meter_credit:water"] == -3_800_000
    assert "granted:water" not in balances and "carried:water" not in balances


async def test_a_meter_that_is_enrolled_after_the_swap_opens_with_the_balance(street: Street) -> None:
    old, new = await street.house(), await street.house(customer=False, enrol=False)
    await street.use(old, await street.sell(old))
    left = await street.sell(old, 700_000)

    row = await ask(street, old, new)
    assert [vend.id for vend in await street.unused(old)] == [vend.id for vend in left], "no device can take them yet"
    await street.enrol(new)
    await street.talk(old)
    async with street.town.database.begin() as session:
        await swap.carry(session, street.town.key_store, ANN, row.id, street.town.now)

    assert street.credit(new) == 5_000_000
    found = await verdicts(street.town, street.devices[new])
    assert {one.verdict for one in found} == {"explained"}
    (reissued,) = await street.unused(new)
    await street.use(new, [reissued])
    balances = await street.books()
    assert (balances["meter_credit:water"], street.credit(new)) == (-5_700_000, 5_700_000)
    assert "granted:water" not in balances and "carried:water" not in balances


async def test_unused_tokens_are_issued_anew_and_the_old_ones_explain_nothing(street: Street) -> None:
    old, new = await street.house(), await street.house(customer=False)
    sold = await street.sell(old)
    before = await street.books()

    await ask(street, old, new)
    (reissued,) = await street.unused(new)
    after = await street.books()
    await street.use(new, [reissued])
    await street.use(old, sold)

    assert (reissued.volume_ml, reissued.amount_minor, reissued.tender_minor) == (5_000_000, 50_000, 0)
    assert {name: amount for name, amount in after.items() if not name.startswith(("void", "issued"))} == {
        name: amount for name, amount in before.items() if not name.startswith(("void", "issued"))
    }
    assert street.credit(new) == 5_000_000
    async with street.town.database.read() as session:
        replaced = (await session.scalars(select(Reissue))).one()
        (case,) = (await session.scalars(select(Case))).all()
        old_vend = await session.get_one(Vend, replaced.old_vend_id)
    assert (old_vend.state, replaced.new_vend_id) == ("void", reissued.id)
    assert case.kind == "unexplained", "the old meter took a token that was void by then"


async def test_the_account_keeps_its_month_and_its_customer(street: Street) -> None:
    old, new = await street.house(), await street.house(customer=False)
    await street.use(old, await street.sell(old, 2_000_000))
    await street.sell(old, 1_000_000)

    await ask(street, old, new)

    meter = await street.meter(new)
    async with street.town.database.read() as session:
        buyer = await pricing.buyer(session, meter, "KES", street.town.now)
        account = (await session.scalars(select(Account))).one()
        stays = list(await session.scalars(select(MeterStay).order_by(MeterStay.id)))
    assert buyer.standing.month.before_ml == 3_000_000
    assert (meter.account_id, meter.customer_id, account.state) == (account.id, street.town.customer, "active")
    assert [(stay.to_at is None) for stay in stays] == [False, True]
    with pytest.raises(Refused, match="closed"):
        await street.sell(old)


async def test_debts_of_the_meter_go_along(street: Street) -> None:
    old, new = await street.house(), await street.house(customer=False)
    street.devices[old].write(kinds.CHARGE, 0, pot=kinds.ACCUMULATED_DEBT, delta=400_000, balance=400_000)
    await street.talk(old)

    row = await ask(street, old, new)
    await street.talk(old)
    await street.talk(new)

    assert row.balance == -400_000
    assert street.devices[new].state.meters[0].pots[kinds.ACCUMULATED_DEBT] == 400_000
    assert street.devices[old].state.meters[0].pots[kinds.ACCUMULATED_DEBT] == 0


async def test_a_dead_gateway_needs_two_people_and_its_last_verified_state(street: Street) -> None:
    old, new = await street.house(), await street.house(customer=False)
    await street.use(old, await street.sell(old))
    street.town.now += 2 * 3600

    with pytest.raises(Refused, match="not heard"):
        await ask(street, old, new)
    row = await ask(street, old, new, "last_verified")
    with pytest.raises(Forbidden):
        await approve(street, row, ANN)
    waiting = await street.meter(old)
    row = await approve(street, row)
    await street.talk(new)

    assert waiting.closed_at is None and waiting.account_id is not None
    assert (row.state, street.credit(new)) == ("done", 5_000_000)
    balances = await street.books()
    assert balances["meter_credit:water"] == -5_000_000
    assert "granted:water" not in balances and "carried:water" not in balances


async def test_a_large_balance_needs_two_people(street: Street) -> None:
    old, new = await street.house(), await street.house(customer=False)
    await street.use(old, await street.sell(old, 12_000_000))

    row = await ask(street, old, new)

    assert row.state == "waiting"
    assert (await approve(street, row)).state == "done"


async def test_a_swap_is_refused_to_a_meter_that_is_taken_and_twice(street: Street) -> None:
    old, new, other = await street.house(), await street.house(customer=False), await street.house()

    for wrong in (other, old):
        with pytest.raises(Refused):
            await ask(street, old, wrong)
    await ask(street, old, new)
    with pytest.raises((Refused, Conflict)):
        await ask(street, old, new)


async def test_a_balance_that_was_not_taken_in_is_ordered_again_and_only_once(street: Street) -> None:
    old, new = await street.house(), await street.house(customer=False)
    await street.use(old, await street.sell(old))
    row = await ask(street, old, new)
    street.town.now += 25 * 3600

    for _ in range(2):
        async with street.town.database.begin() as session:
            await swap.carry(session, street.town.key_store, ANN, row.id, street.town.now)
    await street.talk(new)
    async with street.town.database.begin() as session:
        await swap.carry(session, street.town.key_store, ANN, row.id, street.town.now)
    await street.talk(new)

    assert street.credit(new) == 5_000_000


async def test_a_balance_that_was_taken_in_while_the_gateway_was_out_of_reach_is_not_ordered_again(
    street: Street,
) -> None:
    old, new = await street.house(), await street.house(customer=False)
    await street.use(old, await street.sell(old))
    row = await ask(street, old, new)
    device = street.devices[new]
    await street._carry_out(device)  # it took the order in, and its ledger is not heard for a day
    async with street.town.database.begin() as session:
        mine = update(Command).where(Command.id == row.command_id)
        await session.execute(mine.values(status=commands.SENT, sent_times=1, sent_at=street.town.now))
    street.town.now += 25 * 3600

    async with street.town.database.begin() as session:
        await swap.carry(session, street.town.key_store, ANN, row.id, street.town.now)
    await street.talk(new)
    await street.talk(new)

    assert street.credit(new) == 5_000_000


async def test_a_swap_is_made_whole_or_not_at_all(street: Street) -> None:
    old, new = await street.house(), await street.house(customer=False)
    await street.use(old, await street.sell(old))
    await street.sell(old, 600_000)
    before = await street.books()

    for number in range(1, 200):
        async with street.crash(number) as ended:
            await ask(street, old, new)
        if ended[0]:
            break
        assert await street.books() == before
        assert (await street.meter(old)).closed_at is None

    assert number > 20
    assert len(await street.unused(new)) == 1
