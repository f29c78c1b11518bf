"""The gateway's own code against the cloud's: what was planned and sold is typed, and the ledger proves it."""

import pytest
from sqlalchemy import select

from cloud.books.models import BookAccount
from cloud.ledger.messages import Message
from cloud.ledger.service import Ingest
from cloud.meters import enrolment
from cloud.meters.bundle import Broker
from cloud.meters.models import Meter
from cloud.vending import key_change, key_service, voiding
from cloud.vending.models import KeyChange, Vend, VendingKey
from cloud.vending.tokens import Sale
from cloud.vending.voiding import VoidOrder
from shared import documents, ed25519
from shared.seal import open_sealed
from shared.slices import finish
from shared.sts.value import RESULT_CODES
from tests.cloud.commands.conftest import Sent
from tests.cloud.ledger.books import cases, verdicts
from tests.fakes.device import Device
from tests.fakes.house import House, enrolled_flash, identity
from tests.fakes.utility import ADMIN, SGC, Town

ACCEPT, USED = 1, 10


class Link:
    """A gateway under power and the ingest of a cloud; `talk` carries messages until all is acknowledged."""

    def __init__(self, town: Town, ingest: Ingest, house: House, gateway: int) -> None:
        self.town, self.ingest, self.house = town, ingest, house
        self.known = Device()
        self.known.gateway, self.known.epoch = gateway, 1

    async def talk(self) -> None:
        self.town.now += 5
        await self._carry(self.house.gateway.messages.hello())
        while data := finish(self.house.gateway.messages.batch_steps()):
            await self._carry(data)

    async def _carry(self, data: bytes) -> None:
        message = Message(self.known.gateway, data, self.town.now)
        for reply in (await self.ingest.process([message], self.town.now)).replies:
            self.house.receive(reply.data)

    async def sell(self) -> Sale:
        return await self.town.sell(self.known)  # type: ignore[no-any-return]

    async def verdicts(self) -> list[str]:
        return [found.verdict for found in await verdicts(self.town, self.known)]


@pytest.fixture
async def link(town: Town, ingest: Ingest) -> Link:
    """A gateway with one meter, enrolled by the cloud itself."""
    return await connected(town, ingest)


async def connected(town: Town, ingest: Ingest, mode: int = 0) -> Link:
    """A gateway with one meter of a mode (kinds.MODE_*), enrolled by the cloud itself."""
    own = identity()
    gateway = await town.gateway(mode=mode)
    claim = enrolment.Claim(own.device_public, own.seal_public, "0011223344556677")
    async with town.database.begin() as session:
        made = await enrolment.start(session, ADMIN, gateway, claim, town.now)
        document = documents.ENROL.encode(
            utility=made.utility_id,
            gateway=gateway,
            device_public=own.device_public,
            seal_public=own.seal_public,
            challenge=made.challenge,
        )
        proof = ed25519.sign(own.device_seed, document)
        broker = Broker("localhost", 8883, b"no authority")
        opened = await enrolment.prove(session, town.key_store, ADMIN, gateway, proof, broker, town.now)
    head = documents.SEALED.decode(opened.sealed)
    context = documents.SEAL_CONTEXT.encode(**{name: head[name] for name in ("utility", "gateway", "epoch")})
    bundle = open_sealed(own.seal_secret, own.seal_public, context, head["box"])
    made_link = Link(town, ingest, House(flash=enrolled_flash(bundle)), gateway)
    await made_link.talk()
    return made_link


async def plan(town: Town, base_year: int) -> KeyChange:
    key = VendingKey(
        utility_id=town.utility,
        sgc=SGC,
        krn=2,
        kt=2,
        base_year=base_year,
        ken=254,
        dkga=4,
        ea=11,
        created_at=town.now,
    )
    async with town.database.begin() as session:
        await key_service.add(session, town.key_store, ADMIN, key)
        meter = (await session.scalars(select(Meter))).one()
        target = key_change.Target(SGC, 2, 2, 33)
        return await key_change.plan(session, town.key_store, ADMIN, meter, target, town.now)


async def test_sections_in_any_order_then_credit_under_the_new_key_are_all_explained(link: Link) -> None:
    change = await plan(link.town, 2014)
    sale = await link.sell()
    digits = [token.digits for token in sale.tokens]

    codes = [link.house.type(digits[index]) for index in (3, 0, 2, 1, 4)]
    await link.talk()

    assert codes == [RESULT_CODES[4], RESULT_CODES[1], RESULT_CODES[3], RESULT_CODES[2], ACCEPT]
    assert link.house.balance() == sale.volume_ml
    assert set(await link.verdicts()) == {"explained"}
    async with link.town.database.read() as session:
        meter = (await session.scalars(select(Meter))).one()
        state = (await session.get_one(KeyChange, change.id)).state
    assert (state, meter.key_check, meter.ti) == ("applied", change.new_key_check, 33)
    assert link.house.type((await link.sell()).digits) == ACCEPT
    assert await cases(link.town, link.known) == []


async def test_credit_bought_twice_before_the_cloud_hears_of_the_change_is_all_taken(link: Link) -> None:
    await plan(link.town, 2014)
    first, second = await link.sell(), await link.sell()

    for token in first.tokens:
        link.house.type(token.digits)
    last = link.house.type(second.digits)
    await link.talk()

    assert last == ACCEPT
    assert link.house.balance() == first.volume_ml + second.volume_ml
    assert set(await link.verdicts()) == {"explained"}


async def test_a_void_burns_the_token_and_the_money_returns(link: Link) -> None:
    sale = await link.sell()
    async with link.town.database.begin() as session:
        wanted = VoidOrder(sale.vend.purchase_id, 1, "keypad")
        made = await voiding.order(session, link.town.key_store, ADMIN, wanted, link.town.now)

    accepted, refused = link.house.type(made.digits), link.house.type(sale.digits)
    await link.talk()

    assert (accepted, refused) == (ACCEPT, USED)
    async with link.town.database.read() as session:
        assert (await session.get_one(Vend, sale.vend.id)).state == "void"
        balance = await session.scalar(select(BookAccount.held).where(BookAccount.floored))
    assert balance == sale.vend.amount_minor
    assert set(await link.verdicts()) == {"explained"}
    assert await cases(link.town, link.known) == []


async def test_a_roll_over_forgets_old_identifiers_and_credit_goes_on(town: Town, ingest: Ingest) -> None:
    town.now = 2_100_000_000  # in 2036
    link = await connected(town, ingest)
    before = await link.sell()
    link.house.type(before.digits)
    change = await plan(town, 2035)
    first = await link.sell()

    codes = [link.house.type(token.digits) for token in first.tokens]
    await link.talk()
    second = await link.sell()
    again = link.house.type(second.digits)
    await link.talk()

    assert change.roll_over and codes[-1] == again == ACCEPT
    assert before.vend.tid > second.vend.tid > first.vend.tid
    assert link.house.balance() == 3 * first.volume_ml
    assert set(await link.verdicts()) == {"explained"}


async def test_a_key_change_by_the_link_needs_nobody_at_the_keypad(link: Link) -> None:
    await plan(link.town, 2014)
    sale = await link.town.sell(link.known, delivery="remote")
    sent = Sent(link.town)

    lines = []
    for _ in sale.tokens:
        ((_, data),) = await sent.round()
        lines.append(link.house.receive(data))
        await link.talk()

    assert lines == [f"command of kind 1: result {code}" for code in (2, 3, 17, 18, 1)]
    assert link.house.balance() == sale.volume_ml
    assert set(await link.verdicts()) == {"explained"}
    assert await sent.round() == []
