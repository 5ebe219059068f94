"""Logging in and out, as a person does."""

import pytest
from playwright.async_api import Page, expect

from proxy.config.model import Secret
from tests.books import a_call
from tests.browser.conftest import ServeBook

pytestmark = pytest.mark.asyncio(loop_scope="session")
TOKEN = "s3cret-ü"


async def test_somebody_logs_in_and_out(serve_book: ServeBook, page: Page, complaints: list[str]) -> None:
    """A link into the pages survives the login and a wrong token before it; after the logout it leads there again."""
    url = await serve_book([a_call(), a_call(model="other")], token=Secret(TOKEN))
    wanted = f"{url}/logs?model=gpt-*"
    await page.goto(wanted)
    await expect(page).to_have_title("Log in - Tollbook")
    await expect(page.get_by_label("Dashboard token")).to_be_focused()
    await page.keyboard.type("wrong")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("alert")).to_be_visible()
    await page.get_by_label("Dashboard token").fill(TOKEN)
    await page.get_by_role("button", name="Log in").click()
    await expect(page).to_have_url(wanted)
    await expect(page.locator("tbody tr").first).to_contain_text("gpt-4o-mini")
    assert "tollbook_session" not in await page.evaluate("document.cookie")
    await page.get_by_role("button", name="Log out").click()
    await expect(page).to_have_url(f"{url}/login")
    await page.goto(wanted)
    await expect(page).to_have_title("Log in - Tollbook")
    complaints[:] = [one for one in complaints if "403" not in one]


async def test_a_form_on_another_port_logs_nobody_out(serve_book: ServeBook, page: Page, complaints: list[str]) -> None:
    """A page under the same host name and another port cannot end the session, although its cookie goes along."""
    url = await serve_book([a_call()], token=Secret(TOKEN))
    other = await serve_book([])
    await page.goto(f"{url}/login")
    await page.get_by_label("Dashboard token").fill(TOKEN)
    await page.get_by_role("button", name="Log in").click()
    await expect(page.get_by_role("button", name="Log out")).to_be_visible()

    async def forged(route: object) -> None:
        form = f"<form method=post action='{url}/logout'><button>Go</button></form>"
        await route.fulfill(body=form, content_type="text/html")  # type: ignore[attr-defined]

    await page.route(f"{other}/forged", forged)
    await page.goto(f"{other}/forged")
    async with page.expect_response(f"{url}/logout") as answer:
        await page.get_by_role("button", name="Go").click()
    assert (await answer.value).status == 403
    await page.wait_for_url(f"{url}/logout")
    await page.goto(f"{url}/logs")
    await expect(page).to_have_url(f"{url}/logs")
    complaints[:] = [one for one in complaints if "403" not in one]
