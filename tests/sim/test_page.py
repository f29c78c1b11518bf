"""The bench page in a real browser: the real simulated board on one side, a small cloud on the other."""

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from playwright.async_api import Browser, Locator, async_playwright, expect
from playwright.async_api import Page as Tab

from tests.fakes.cloud import KEY, FakeCloud
from tools.authority import ensure
from tools.sim.page import Gateway, Page
from tools.sim.process import GatewayProcess
from tools.sim.world import World

PROBE = "tests/sim/probe.py"
CHROMIUM = "/usr/bin/chromium"
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update",
)  # fmt: skip
expect.set_options(timeout=20_000)


@pytest.fixture
async def world() -> AsyncIterator[World]:
    world = World()
    await world.start()
    yield world
    await world.stop()


@pytest.fixture
async def cloud(tmp_path: Path) -> AsyncIterator[FakeCloud]:
    cloud = FakeCloud(ensure(tmp_path / "authority"))
    await cloud.start()
    yield cloud
    await cloud.stop()


@pytest.fixture
async def page(world: World, cloud: FakeCloud, tmp_path: Path) -> AsyncIterator[Page]:
    board = GatewayProcess(tmp_path / "flash", world.port, tmp_path / "log", program=PROBE)
    await board.start()
    await world.wait_for_text("lid closed")
    ca = ensure(tmp_path / "authority").ca
    other = World()
    gateways = [Gateway(1, "Hill Street 1", world, board), Gateway(2, "Market Square 4", other)]
    page = Page(cloud.url, KEY, ca, gateways)
    await page.start()
    yield page
    await page.stop()
    await board.kill()


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield browser
        await browser.close()


@pytest.fixture
async def tab(browser: Browser, page: Page) -> AsyncIterator[Tab]:
    tab = await browser.new_page(viewport={"width": 1280, "height": 800})
    faults: list[str] = []
    tab.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
    tab.on("pageerror", lambda error: faults.append(str(error)))
    await tab.goto(page.url)
    await expect(tab.locator("#link")).to_have_text("cloud answers")
    yield tab
    assert not faults


def device(tab: Tab, number: int = 0) -> Locator:
    return tab.locator(".device").nth(number)


def display(tab: Tab) -> Locator:
    return device(tab).locator(".lcd")


async def test_keys_clicked_on_the_page_reach_the_display_of_the_board(tab: Tab) -> None:
    for key in "42":
        await device(tab).get_by_role("button", name=key, exact=True).click()

    await expect(display(tab)).to_have_attribute("aria-label", "Display: keys 42, pulses 0 0 0, valve -, lid closed")


async def test_the_computers_keyboard_types_too(tab: Tab) -> None:
    await tab.keyboard.type("987", delay=400)

    await expect(display(tab)).to_have_attribute("aria-label", "Display: keys 987, pulses 0 0 0, valve -, lid closed")


async def test_a_tap_lets_water_run_through_an_open_valve(tab: Tab, world: World) -> None:
    await device(tab).get_by_role("button", name="*", exact=True).click()
    pipe = device(tab).locator(".pipe").first
    await expect(pipe.locator("b")).to_have_text("open")

    await pipe.locator("input").fill("500")

    await expect(pipe).to_have_class("pipe open flowing")
    assert world.pipes[0].tap_ml_per_s == 500
    await expect(display(tab)).to_have_attribute("aria-label", re.compile(r"pulses [1-9]\d* 0 0, valve opened"))


async def test_a_sale_shows_its_token_and_types_it_in(tab: Tab, cloud: FakeCloud) -> None:
    await tab.locator(".meter", has_text="Yao Agbeko").click()
    await tab.fill("#volume", "2.5")
    await expect(tab.locator("#sell-button")).to_have_text("Sell · GHS 6.25")

    await tab.click("#sell-button")
    await tab.locator("#receipt").get_by_role("button", name="Type it in").click()

    sale = cloud.lists["/vends"][0]
    assert (sale["drn"], sale["volume_ml"], sale["delivery"]) == ("00100000002", 2_500_000, "keypad")
    assert (sale["amount_minor"], sale["change_minor"]) == (665, 0), "what the cloud says that it needs, not the price"
    token = (await tab.locator("#receipt .token").inner_text()).replace(" ", "")
    assert len(token) == 20
    typed = ("02" + token)[-12:]  # the probe shows the last twelve; 0 wakes the panel, 2 is the meter's number
    await expect(display(tab)).to_have_attribute(
        "aria-label", f"Display: keys {typed}, pulses 0 0 0, valve -, lid closed"
    )
    assert cloud.reprints == 0


async def test_a_power_cut_darkens_the_display_and_power_brings_it_back(tab: Tab) -> None:
    await device(tab).get_by_role("button", name="Cut power").click()
    await expect(device(tab)).to_have_class("device off")

    await device(tab).get_by_role("button", name="Power on").click()

    await expect(device(tab)).to_have_class("device")
    await expect(device(tab).locator("header small")).to_have_text("gateway 1 · start 2")


async def test_a_cloud_that_fails_is_told_and_what_was_known_stays(tab: Tab, cloud: FakeCloud) -> None:
    cloud.broken = True

    await expect(tab.locator("#link")).to_contain_text("The database is away.")
    await expect(tab.locator(".meter")).to_have_count(3)


async def test_entries_show_their_verdicts(tab: Tab, cloud: FakeCloud) -> None:
    cloud.lists["/gateways/1/entries"] += ENTRIES

    await expect(tab.locator("#entries .row")).to_have_count(3)
    await expect(tab.locator("#entries .tag")).to_have_text(["contradicted", "explained"])


ENTRIES = [
    {"epoch": 1, "sequence": 1, "kind": "boot", "channel": 255, "time_s": 1_800_000_000, "verdict": None},
    {"epoch": 1, "sequence": 2, "kind": "token", "channel": 0, "time_s": 1_800_000_010, "delta": 5_000_000,
     "balance": 5_000_000, "verdict": "explained", "reason": "vend 1"},
    {"epoch": 1, "sequence": 3, "kind": "token", "channel": 1, "time_s": 1_800_000_020, "delta": 7_000_000,
     "balance": 7_000_000, "verdict": "contradicted", "reason": "no vend has this token"},
]  # fmt: skip


# The server behind the page.


async def test_the_key_never_reaches_the_browser(page: Page) -> None:
    async with aiohttp.ClientSession() as session:
        texts = [await (await session.get(page.url + path)).text() for path in ("", "static/app.js", "static/cloud.js")]
        async with session.get(page.url + "events") as events:
            texts += [(await events.content.readline()).decode() for _ in range(6)]

    assert KEY not in "".join(texts)


async def test_other_sites_cannot_act_through_the_browser(page: Page) -> None:
    async with aiohttp.ClientSession() as session:
        as_form = await session.post(page.url + "press", data="gateway=1&keys=1")
        as_other_host = await session.get(page.url, headers={"Host": "attacker.example"})
        index = await session.get(page.url)

    assert as_form.status == 415
    assert as_other_host.status == 403
    assert "default-src 'none'" in index.headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    ("action", "body"),
    [
        ("press", {"gateway": 1, "keys": "12a"}),
        ("press", {"gateway": 9, "keys": "1"}),
        ("tap", {"gateway": 1, "channel": 8, "ml_per_s": 1}),
        ("tap", {"gateway": 1, "channel": 0, "ml_per_s": -1}),
        ("power", {"gateway": 2, "on": True}),
        ("sell", {"drn": "x", "volume_ml": 1, "delivery": "pigeon"}),
        ("sell", []),
    ],
)
async def test_wrong_requests_are_refused_with_a_reason(page: Page, action: str, body: object) -> None:
    async with aiohttp.ClientSession() as session:
        answer = await session.post(page.url + action, json=body)

        assert answer.status == 400
        assert (await answer.json())["error"]


async def test_a_long_list_is_asked_for_from_its_newest_part_on(page: Page, cloud: FakeCloud) -> None:
    cloud.lists["/messages"] += [{"id": number, "text": ""} for number in range(1, 251)]
    await page._cloud.refresh()
    cloud.lists["/messages"].append({"id": 251, "text": "new"})

    await page._cloud.refresh()

    shown = [message["id"] for message in page._cloud.state["messages"]]
    assert shown == list(range(251, 191, -1))
    assert page._cloud._from["/messages"] >= 190


async def test_stopping_the_page_ends_its_open_connections(page: Page) -> None:
    async with aiohttp.ClientSession() as session, session.get(page.url + "events") as events:
        await events.content.readline()

        async with asyncio.timeout(5):
            await page.stop()
        await page.start()


async def test_taps_appear_when_the_cloud_lists_the_meters_though_no_device_moves(tab: Tab, cloud: FakeCloud) -> None:
    meters = cloud.lists["/meters"]
    cloud.lists["/meters"] = meters[:1]
    await expect(tab.locator(".pipe")).to_have_count(1)

    cloud.lists["/meters"] = meters

    await expect(tab.locator(".pipe")).to_have_count(3)
