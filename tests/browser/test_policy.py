"""The content security policy of pages with charts, as a real browser sees it."""

import pytest
from playwright.async_api import Page

from tests.books import a_call
from tests.browser.conftest import ServeBook

pytestmark = pytest.mark.asyncio(loop_scope="session")

_LISTEN = """
window.violations = [];
document.addEventListener("securitypolicyviolation", (event) => {
  window.violations.push(`${event.effectiveDirective}: ${event.blockedURI} ${event.sample}`);
});
"""


@pytest.mark.parametrize("path", ["/logs", "/stats", "/stats?metric=latency", "/keys", "/health"])
async def test_nothing_violates_the_policy(page: Page, serve_book: ServeBook, path: str) -> None:
    """Drawn, hovered, zoomed and in another theme, no page does what its policy forbids, nor asks another origin."""
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    await page.add_init_script(_LISTEN)
    url = await serve_book([a_call(model=f"m{number}") for number in range(4)])
    await page.goto(url + path)
    if "/stats" in path:
        await page.wait_for_selector("#chart .plot[data-drawn]")
        await page.wait_for_selector("#scatter .plot[data-drawn]")
        await page.locator("#chart").hover()
        await page.locator("#scatter").hover()
    await page.locator("[data-action=theme]").click()
    await page.wait_for_timeout(300)
    assert await page.evaluate("window.violations") == []
    assert [address for address in asked if not address.startswith((url, "data:"))] == []


async def test_no_page_may_run_what_is_written_in_it(page: Page, serve_book: ServeBook, complaints: list[str]) -> None:
    """A script or style sheet put into a page with charts does not run: only style attributes are allowed there."""
    await page.add_init_script(_LISTEN)
    await page.goto(f"{await serve_book([a_call()])}/stats")
    await page.wait_for_selector("#chart .plot[data-drawn]")
    await page.evaluate(
        """() => {
          for (const [name, text] of [["script", "window.ran = true"], ["style", "body { color: red }"]]) {
            const made = document.createElement(name);
            made.textContent = text;
            document.head.append(made);
          }
        }"""
    )
    await page.wait_for_function("window.violations.length >= 2")
    assert await page.evaluate("window.ran") is None
    seen = await page.evaluate("window.violations.map((one) => one.split(':')[0]).sort()")
    assert seen == ["script-src-elem", "style-src-elem"]
    complaints.clear()  # the browser said so in its console too
