"""The front of the dashboard in a real browser."""

import pytest
from playwright.async_api import Page, expect

from tests.browser.conftest import ServeBook
from tests.demo import Demo

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_newcomer_lands_on_the_calls(page: Page, running_demo: Demo) -> None:
    """The front of the demo leads to the calls, which are a table with rows, and says that it is a sandbox."""
    await page.goto(running_demo.dashboard)
    await expect(page).to_have_url(f"{running_demo.dashboard}/logs")
    await expect(page.locator("main table tbody tr").nth(10)).to_be_visible()
    await expect(page.get_by_role("note")).to_contain_text("sandbox")


async def test_the_theme_is_kept(page: Page, serve_book: ServeBook) -> None:
    """The theme chosen with the button is there after a reload."""
    await page.goto(await serve_book())
    body = page.locator("body")
    before = await body.evaluate("node => getComputedStyle(node).backgroundColor")
    await page.locator("[data-action=theme]").click()
    await expect(body).not_to_have_css("background-color", before)
    after = await body.evaluate("node => getComputedStyle(node).backgroundColor")
    await page.reload()
    await expect(body).to_have_css("background-color", after)
