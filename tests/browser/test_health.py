"""/health and /keys in a real browser."""

import re

import pytest
from playwright.async_api import Page, Route, expect

from tests.books import NOON_US, a_call
from tests.browser.conftest import ServeBook
from tests.demo import Demo

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_health_stays_fresh(page: Page, running_demo: Demo) -> None:
    """While calls come in the count of those received grows, without a reload."""
    await page.goto(f"{running_demo.dashboard}/health")
    count = page.locator(".equation b").first
    before = await count.inner_text()
    await page.evaluate("window.same = true")
    await expect(count).not_to_have_text(before)
    assert await page.evaluate("window.same")
    await expect(page.locator(".equation")).to_contain_text("holds")


async def test_health_can_be_paused(page: Page, serve_book: ServeBook) -> None:
    """Paused, the page asks no more; going on, it asks at once."""
    asked: list[str] = []
    await page.clock.install()
    await page.goto(f"{await serve_book([a_call()])}/health")
    page.on("request", lambda request: asked.append(request.url) if request.url.endswith("/health") else None)
    await page.get_by_role("button", name="Pause").click()
    await expect(page.get_by_role("button", name="Go on")).to_be_visible()
    asked.clear()  # on a slow machine it was time before
    await page.clock.run_for(60_000)
    assert asked == []
    async with page.expect_request("**/health"):
        await page.get_by_role("button", name="Go on").click()


async def test_health_says_when_nobody_answers(page: Page, serve_book: ServeBook, complaints: list[str]) -> None:
    """When the dashboard is gone the page says that its figures are old, and takes it back when it is there again."""
    await page.clock.install()
    await page.goto(f"{await serve_book([a_call()])}/health")

    async def gone(route: Route) -> None:
        await route.abort()

    await page.route("**/health", gone)
    await page.clock.run_for(5_100)
    await expect(page.locator("#unreachable")).to_be_visible()
    await page.unroute("**/health", gone)
    await page.clock.run_for(5_100)
    await expect(page.locator("#unreachable")).to_be_hidden()
    assert all("ERR_FAILED" in complaint for complaint in complaints)
    complaints.clear()


@pytest.mark.parametrize("path", ["/health", "/keys"])
async def test_they_fit_a_phone(page: Page, serve_book: ServeBook, path: str) -> None:
    """At 390 pixels the page itself does not scroll sideways."""
    await page.set_viewport_size({"width": 390, "height": 800})
    calls = [a_call(key="1a2b3c4d-wxyz", model="a-model-with-a-very-long-name" * 4, anomalies=("no_usage",))]
    await page.goto(await serve_book(calls) + path)
    assert await page.evaluate("document.documentElement.scrollWidth") == 390


async def test_a_key_leads_to_its_calls(page: Page, serve_book: ServeBook) -> None:
    """The link of a key lists its calls, and no others."""
    calls = [a_call(key="ci" if number else "laptop", started_at_us=NOON_US + number) for number in range(4)]
    await page.goto(f"{await serve_book(calls)}/keys")
    await page.get_by_role("link", name="Calls of ci").click()
    await expect(page).to_have_url(re.compile("key=ci"))
    await expect(page.locator("main table tbody tr[data-id]")).to_have_count(3)
