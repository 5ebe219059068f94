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
    assert await page.locator("main table tbody tr").count() > 10
    await expect(page.get_by_role("note")).to_contain_text("sandbox")


async def test_the_theme_is_kept(page: Page, serve_book: ServeBook) -> None:
    """The theme chosen with the button is there after a reload."""
    await page.goto(await serve_book())
    root = page.locator("html")
    before = await root.evaluate("node => getComputedStyle(document.body).backgroundColor")
    await page.locator("[data-action=theme]").click()
    after = await root.evaluate("node => getComputedStyle(document.body).backgroundColor")
    assert after != before
    await page.reload()
    assert await root.evaluate("node => getComputedStyle(document.body).backgroundColor") == after
