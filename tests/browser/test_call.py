"""One call in a real browser: on its own page, and beneath its row."""

from collections.abc import Callable

import pytest
from playwright.async_api import Locator, Page, expect

from store.book import Entry
from tests.browser.conftest import ServeBook, copied, stop_timers
from tests.pages.sample_calls import (
    a_chat,
    a_hostile_call,
    a_refusal,
    a_stream,
    an_embedding,
    an_error,
    an_image,
    an_interruption,
    text_id,
)

pytestmark = pytest.mark.asyncio(loop_scope="session")

KINDS = [a_chat, a_stream, an_embedding, an_image, an_error, a_refusal, an_interruption]
SECTIONS = ["Time", "Tokens", "Cost", "Answer", "Request", "Facts"]


async def height_of(element: Locator) -> float:
    box = await element.bounding_box()
    return box["height"] if box else 0.0


async def fits(page: Page) -> bool:
    """Whether nothing sticks out to the right of the window."""
    return bool(await page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"))


@pytest.mark.parametrize("make", KINDS, ids=[make.__name__ for make in KINDS])
@pytest.mark.parametrize("width", [1280, 390])
async def test_a_call_of_every_kind(page: Page, serve_book: ServeBook, make: Callable[[], Entry], width: int) -> None:
    """Every section is there and seen, at any width, for a call of any kind."""
    entry = make()
    url = await serve_book([entry])
    await page.set_viewport_size({"width": width, "height": 844})
    await page.goto(f"{url}/logs/{text_id(entry)}")
    article = page.locator("article.call")
    for name in SECTIONS:
        await expect(article.get_by_role("region", name=name, exact=True)).to_be_visible()
    await expect(article.get_by_role("button", name="Copy id")).to_be_visible()
    await expect(article.locator(".ending .badge")).to_be_visible()
    assert await fits(page)


async def test_where_the_time_went(page: Page, serve_book: ServeBook) -> None:
    """The bar is drawn to scale, and a table beneath tells the same."""
    entry = a_chat()
    await page.goto(f"{await serve_book([entry])}/logs/{text_id(entry)}")
    widths = await page.locator(".timeline rect").evaluate_all(
        "all => all.map(one => one.getBoundingClientRect().width)"
    )
    rows = page.get_by_role("region", name="Time", exact=True).locator(".stretches tbody tr")
    await expect(rows).to_have_count(4)
    assert len(widths) == 4
    assert min(widths) >= 1
    assert max(range(4), key=widths.__getitem__) == 3  # the answer took longest
    await expect(rows.nth(1)).to_contain_text("Waiting for the upstream")


async def test_it_opens_beneath_its_row(page: Page, serve_book: ServeBook) -> None:
    """In the list the same article opens in place, its buttons work, and it closes again."""
    entry = a_stream()
    await page.goto(f"{await serve_book([a_chat(), entry])}/logs")
    link = page.locator(f'a.opens[data-id="{text_id(entry)}"]')
    await link.click()
    article = page.locator("article.call")
    await expect(article).to_contain_text("One, two, three.")
    await stop_timers(page)
    await article.get_by_role("button", name="Copy id").click()
    await expect(article.locator(".copied")).to_have_text("Copied")
    await copied(page, text_id(entry))
    assert await fits(page)
    await link.click()
    await expect(article).to_have_count(0)


async def test_copies(page: Page, serve_book: ServeBook) -> None:
    """The command and the answer are copied as they are shown, whether they are folded or not."""
    entry = a_stream()
    await page.goto(f"{await serve_book([entry])}/logs/{text_id(entry)}")
    await stop_timers(page)
    await page.get_by_role("button", name="Copy as curl").click()
    await expect(page.locator(".copied")).to_have_text("Copied")
    command = await page.locator(f"#curl-{text_id(entry)}").text_content() or ""
    await copied(page, command)
    assert command.startswith("curl -X POST -N http://127.0.0.1:8787/anthropic/v1/messages \\\n")
    assert '-H "x-api-key: $ANTHROPIC_API_KEY"' in command
    assert """--data-binary '{"model":"claude-x",""" in command
    await page.get_by_role("button", name="Copy answer").click()
    await copied(page, 'Count to three.\n\nOne, two, three.\n\n{\n  "bell": 1\n}')


async def test_copying_without_the_clipboard(page: Page, serve_book: ServeBook) -> None:
    """Where the browser has no clipboard for scripts, what is copied is selected and copied all the same."""
    entry = a_chat()
    await page.add_init_script("Object.defineProperty(navigator, 'clipboard', {value: undefined})")
    await page.goto(f"{await serve_book([entry])}/logs/{text_id(entry)}")
    await page.evaluate(
        """document.addEventListener("copy", () => { window.taken = String(document.activeElement.value) })"""
    )
    await stop_timers(page)
    await page.get_by_role("button", name="Copy id").click()
    await expect(page.locator(".copied")).to_have_text("Copied")
    assert await page.evaluate("window.taken") == text_id(entry)


@pytest.mark.parametrize("width", [1280, 390])
async def test_hostile_words_do_nothing(page: Page, serve_book: ServeBook, width: int) -> None:
    """No element of theirs, nothing sticking out, whatever is opened; the fixtures watch for the rest."""
    entry = a_hostile_call()
    await page.set_viewport_size({"width": width, "height": 844})
    await page.goto(f"{await serve_book([entry])}/logs/{text_id(entry)}")
    await page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")
    await page.wait_for_load_state("networkidle")
    await expect(page.locator("article.call")).to_contain_text("<script>alert(1)</script>")
    inside = page.locator("main")
    assert (
        await inside.locator("script, img, iframe, object, embed, video, audio, style, link, base, form").count() == 0
    )
    assert await inside.locator("[onerror], [style], a[href^='javascript'], a[href^='http']").count() == 0
    assert await fits(page)
    text = await page.locator("article.call").text_content() or ""
    assert not set(text) & {"\x00", "\x07", "\x1b", "\u202e", "\u202c"}


async def test_long_texts_unfold(page: Page, serve_book: ServeBook) -> None:
    """A long text is folded, unfolds by keyboard, and says what of it is elsewhere."""
    entry = a_hostile_call()
    await page.goto(f"{await serve_book([entry])}/logs/{text_id(entry)}")
    fold = page.locator("details.fold").first
    height = await height_of(fold)
    await fold.locator("summary").focus()
    await page.keyboard.press("Enter")
    await expect(fold).to_have_attribute("open", "")
    assert await height_of(fold) > 3 * height
    async with page.expect_popup() as opened:
        await page.get_by_role("link", name="open all of it").first.click()
    raw = await opened.value
    await raw.wait_for_load_state()
    assert len(await raw.locator("pre").text_content() or "") > 1_000_000


async def test_there_and_back(page: Page, serve_book: ServeBook) -> None:
    """From a call to the earlier one of the same list, and back to the list with its filters."""
    calls = [a_chat(), an_error(), a_chat(), an_error()]
    url = await serve_book(calls)
    await page.goto(f"{url}/logs/{text_id(calls[3])}?back=/logs?status=429")
    await page.get_by_role("link", name="Earlier").click()
    await page.wait_for_url(f"{url}/logs/{text_id(calls[1])}?**")
    await page.get_by_role("link", name="Back to the list").click()
    await page.wait_for_url(f"{url}/logs?status=429")


async def test_without_scripts(page: Page, serve_book: ServeBook) -> None:
    """The page tells everything without scripts; buttons that could do nothing are not shown."""
    entry = a_chat()
    await page.route("**/*.js", lambda route: route.fulfill(body="", content_type="text/javascript"))
    await page.goto(f"{await serve_book([entry])}/logs/{text_id(entry)}")
    await expect(page.locator("article.call")).to_contain_text("A wheelbarrow.")
    await expect(page.get_by_role("button", name="Copy id")).to_be_hidden()
    await page.get_by_text("The same call with curl").click()
    await expect(page.locator(f"#curl-{text_id(entry)}")).to_be_visible()
