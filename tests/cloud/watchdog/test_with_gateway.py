"""The watchdog against the gateway's own code: a token that is late comes by the network, and counts once."""

import pytest

from cloud.db import Database
from tests.cloud.ledger.test_with_gateway import Link, connected
from tests.cloud.watchdog.conftest import HOUR_S, Watch
from tests.fakes.utility import Town


@pytest.fixture
async def home(any_database: Database) -> tuple[Watch, Link]:
    """A home with one meter, and what looks after its purchases."""
    watch = Watch(await Town(any_database).found())
    return watch, await connected(watch.town, watch.ingest)


async def sent(watch: Watch, link: Link) -> int:
    """Let the cloud send what waits, and the gateway carry it out; how many commands there were."""
    watch.published.clear()
    await watch.dispatcher.round()
    for data in watch.published:
        link.house.receive(data)
    await link.talk()
    return len(watch.published)


async def test_a_token_that_nobody_keys_in_is_brought_by_the_network(home: tuple[Watch, Link]) -> None:
    watch, link = home
    sale = await link.sell()

    await watch.after(6 * HOUR_S)
    commands = await sent(watch, link)
    await watch.after(HOUR_S)

    assert commands == 1
    assert link.house.balance() == sale.volume_ml
    assert set(await link.verdicts()) == {"explained"}
    assert (await watch.progress(sale)).stage == "applied"
    assert [row.next_look_at for row in await watch.watched()] == [None]


async def test_a_token_that_was_keyed_in_while_the_link_was_down_counts_once(home: tuple[Watch, Link]) -> None:
    watch, link = home
    sale = await link.sell()
    await watch.after(6 * HOUR_S)
    link.house.type(sale.digits)

    await sent(watch, link)
    await watch.after(HOUR_S)

    assert link.house.balance() == sale.volume_ml
    assert set(await link.verdicts()) == {"explained"}
    assert await watch.cases() == []
    assert (await watch.progress(sale)).stage == "applied"
    assert await sent(watch, link) == 0


async def test_a_token_that_came_by_the_network_and_is_then_keyed_in_counts_once(home: tuple[Watch, Link]) -> None:
    watch, link = home
    sale = await link.sell()
    await watch.after(6 * HOUR_S)
    await sent(watch, link)

    link.house.type(sale.digits)
    await link.talk()

    assert link.house.balance() == sale.volume_ml
    assert set(await link.verdicts()) == {"explained"}
