"""The development page against the whole system, in a real browser: sell, type, see it explained."""

from pathlib import Path

from playwright.async_api import async_playwright, expect

from tests.sim.test_page import CHROMIUM, FLAGS
from tools.sim.page import Gateway, Page
from tools.stack.stack import Ports, running


async def test_a_sale_on_the_page_is_typed_in_opens_the_valve_and_is_explained(tmp_path: Path) -> None:
    async with running(tmp_path, Ports.free()) as stack, async_playwright() as playwright:
        gateways = [Gateway(site.gateway_id, site.name, site.world, site.board) for site in stack.sites]
        page = Page(stack.url, stack.key, stack.ca, gateways)
        await page.start()
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        tab = await browser.new_page(viewport={"width": 1280, "height": 800})
        await tab.goto(page.url)
        await expect(tab.locator(".pipe")).to_have_count(3)

        await tab.get_by_role("button", name="Sell").click()
        await tab.get_by_role("button", name="Type it in").first.click()

        await expect(tab.locator(".device").first.locator(".pipe").first).to_contain_text("open")
        await expect(tab.get_by_text("token · meter 1")).to_be_visible()
        await expect(tab.locator("#vends")).to_contain_text("explained")
        await expect(tab.locator("#messages")).to_contain_text("••••")
        await browser.close()
        await page.stop()
