"""The image on the emulated chip reaches the real cloud by a modem: PPP, name look-up, verified TLS, MQTT, ledger."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.board.emulated import EmulatedBoard
from tests.board.net import Online, at_a_cloud
from tests.board.sales import sold
from tests.fakes.broken_broker import serving, swallow
from tests.fakes.certificates import of_another_name
from tools.authority import ensure

LONG = bool(os.environ.get("PENSTOCK_LONG"))
OPEN = 1
FAST = 10  # times the clock on the wall, while there is nobody at the other end to be faster than


@pytest.fixture
async def online(board: EmulatedBoard, tmp_path: Path) -> AsyncIterator[Online]:
    async with at_a_cloud(board, tmp_path / "stack") as made:
        yield made


async def test_tokens_come_by_modem_and_by_keypad_when_the_line_is_dead_and_all_is_told_when_it_is_back(
    online: Online,
) -> None:
    board, modem = online.board, online.modem
    digits = await sold(online.enrolled)
    await online.start()
    await online.logged("acknowledged up to")
    await online.sell()  # comes down by the link
    await board.until("5.000 m3", timeout_ms=60_000)
    await online.true(lambda: online.token_taken(1), "the first token's entry is not acknowledged")

    modem.covered = False
    modem.lose_carrier()
    await board.press(digits)
    await board.until("ACCEPTED")
    await board.do("speed", times=FAST)
    await online.logged("ppp: down")
    await online.logged("NO CARRIER")
    modem.covered = True
    await online.logged("ppp: up", more_than=1)
    await board.do("speed", times=1)
    await online.logged("link up", more_than=1)
    await online.true(lambda: online.token_taken(2), "the second token's entry is not acknowledged")

    assert (await board.do("state"))["valves"][0] == OPEN
    assert await online.resets() == 0


async def test_a_broker_that_is_not_ours_is_refused_and_ours_is_found_again(online: Online, tmp_path: Path) -> None:
    internet = online.modem.internet
    ours = dict(internet.hosts)
    other = ensure(tmp_path / "other")
    named = of_another_name(online.cloud.authority, tmp_path / "named")
    await online.start()
    for paths, reason in ((other, "trusted CA"), (named, "Common Name")):
        async with serving(swallow, paths) as port:
            internet.hosts.update(dict.fromkeys(ours, port))
            await online.logged(reason)

    internet.hosts.update(ours)
    if LONG:
        await _make_the_line_poor(online)

    await online.logged("acknowledged up to")
    assert online.console.count("certificate is refused") >= 2
    assert await online.resets() == 0


async def _make_the_line_poor(online: Online) -> None:
    """For a while there is not even a name server; when there is, packets are late, and one in twenty is lost."""
    online.modem.internet.resolves = False
    await online.board.do("speed", times=FAST)
    await online.logged("the name server does not answer")
    await online.board.do("speed", times=1)
    online.modem.internet.resolves = True
    online.modem.loss, online.modem.delay_s = 0.05, 0.3
