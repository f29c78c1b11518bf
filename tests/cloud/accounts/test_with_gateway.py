"""The gateway's own code carries out what a closing and a swap order, and its ledger and the books agree."""

import pytest
from sqlalchemy import select

from cloud.accounts import closing, swap
from cloud.accounts.closing import NewClosing
from cloud.accounts.models import Account, MeterStay
from cloud.accounts.swap import NewSwap
from cloud.commands.orders import Limits
from cloud.db import Database
from cloud.errors import Refused
from cloud.ledger.service import Ingest
from cloud.meters import return_codes
from cloud.meters.models import Meter
from shared import kinds, return_code
from tests.cloud.accounts.street import ANN, BOB, Street
from tests.cloud.commands.conftest import Sent
from tests.cloud.ledger.books import cases
from tests.cloud.ledger.test_with_gateway import ACCEPT, Link, connected
from tests.fakes.utility import Town


@pytest.fixture
async def town(any_database: Database) -> Town:
    """A utility in a fresh database of each kind."""
    return await Town(any_database).found()


async def meter_of(link: Link) -> Meter:
    async with link.town.database.read() as session:
        return (await session.scalars(select(Meter).where(Meter.gateway_id == link.known.gateway))).one()


async def vacate(link: Link) -> None:
    """Let the meter belong to no place and nobody, as one from the store."""
    async with link.town.database.begin() as session:
        meter = await session.get_one(Meter, (await meter_of(link)).id)
        stay = (await session.scalars(select(MeterStay).where(MeterStay.meter_id == meter.id))).one()
        account = await session.get_one(Account, meter.account_id)
        stay.to_at = account.closed_at = link.town.now
        meter.customer_id = meter.account_id = None


async def obey(link: Link) -> None:
    """Send what waits, one command after another, until nothing does."""
    sent = Sent(link.town)
    while documents := await sent.round():
        for _, data in documents:
            link.house.receive(data)
        await link.talk()


async def test_a_closed_meter_is_emptied_by_its_gateway(town: Town) -> None:
    link = await connected(town, Ingest(town.database, town.key_store))
    sale = await link.sell()
    assert link.house.type(sale.digits) == ACCEPT
    link.house.flow(1_500)
    await link.talk()
    account = (await meter_of(link)).account_id
    assert account is not None

    async with town.database.begin() as session:
        wanted = NewClosing(account, "refund", True, "ledger", None, "moves out")
        row = await closing.ask(session, ANN, wanted, 10**9, town.now)
    await obey(link)

    assert (row.balance, row.value_minor) == (3_500_000, 35_000)
    assert link.house.balance() == 0
    assert set(await link.verdicts()) == {"explained"}
    assert await cases(town, link.known) == []
    balances = await Street(town).books()
    assert balances["returned:water"] == -3_500_000
    assert not {"granted:water", "meter_credit:water", "carried:water"} & balances.keys()


async def test_a_new_meter_takes_in_what_a_dead_one_had(town: Town) -> None:
    street = Street(town)
    old = await street.house()
    await street.use(old, await street.sell(old))
    left = await street.sell(old, 800_000)
    link = await connected(town, Ingest(town.database, town.key_store))
    await vacate(link)
    new = (await meter_of(link)).drn
    town.now += 2 * 3600

    async with town.database.begin() as session:
        wanted = NewSwap(old, new, "last_verified", "struck by lightning")
        row = await swap.ask(session, town.key_store, ANN, wanted, Limits(0, 0), town.now)
    async with town.database.begin() as session:
        await swap.approve(session, town.key_store, BOB, row.id, town.now)
    await link.talk()
    await obey(link)

    assert link.house.balance() == 5_000_000
    (reissued,) = await street.unused(new)
    assert (reissued.volume_ml, reissued.amount_minor) == (left[0].volume_ml, left[0].amount_minor)
    assert set(await link.verdicts()) == {"explained"}
    balances = await street.books()
    assert balances["meter_credit:water"] == -5_000_000
    assert not {"granted:water", "carried:water"} & balances.keys()


async def code_of(link: Link, drn: str) -> str:
    """What the display shows behind a top-up."""
    state = link.house.meter()
    async with link.town.database.begin() as session:
        epoch = await return_codes.epoch_of(session, await meter_of(link))
        key = await link.town.key_store.return_key(session, link.town.utility, drn, epoch, link.town.now)
    size = return_code.band(state.pots[kinds.TOKEN_CREDIT])
    return return_code.make(key, epoch, state.token_counter, state.last_tid, state.last_result, size)


async def test_a_meter_without_network_is_closed_by_its_return_code(town: Town) -> None:
    link = await connected(town, Ingest(town.database, town.key_store))
    meter = await meter_of(link)
    for sale in (await link.sell(), await link.sell()):
        assert link.house.type(sale.digits) == ACCEPT
    link.house.flow(1_000)
    told = link.house.balance()
    code = await code_of(link, meter.drn)

    async with town.database.begin() as session:
        with pytest.raises(Refused, match="another balance"):
            await closing.proven(session, town.key_store, ANN, meter.drn, code, 4 * told, town.now)
        tid = await closing.proven(session, town.key_store, ANN, meter.drn, code, told, town.now)
        wanted = NewClosing(meter.account_id or 0, "refund", True, "return_code", told, "moves out", tid)
        row = await closing.ask(session, ANN, wanted, 10**9, town.now)
    assert row.state == "waiting"
    async with town.database.begin() as session:
        row = await closing.approve(session, BOB, row.id, town.now)

    assert (told, row.value_minor) == (9_000_000, 90_000)
    await Street(town).books()


async def test_a_code_that_leaves_open_which_tokens_were_used_proves_nothing(town: Town) -> None:
    link = await connected(town, Ingest(town.database, town.key_store))
    meter = await meter_of(link)
    _, second = await link.sell(), await link.sell()
    assert link.house.type(second.digits) == ACCEPT
    code = await code_of(link, meter.drn)

    async with town.database.begin() as session:
        with pytest.raises(Refused) as refused:
            await closing.proven(session, town.key_store, ANN, meter.drn, code, link.house.balance(), town.now)

    assert refused.value.code == "code_ambiguous"
