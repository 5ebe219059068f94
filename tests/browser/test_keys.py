"""Keys as a person hands them out: made on the page, used through the proxy, stopped on the page."""

import asyncio
import re
from contextlib import suppress
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from playwright.async_api import Error, Page, Request, expect

from proxy.config.model import Secret
from proxy.keys.secret import ANYWHERE
from tests.browser.conftest import ServeBook, copied
from tests.conftest import OpenHouse
from tests.house import House

pytestmark = pytest.mark.asyncio(loop_scope="session")
BODY = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hi"}]}
OURS = "sk-of-the-house-0123456789"


async def call(home: House, secret: str) -> int:
    """The status of one call with this key."""
    url = f"{home.proxy}/openai/v1/chat/completions"
    async with (
        aiohttp.ClientSession() as session,
        session.post(url, json=BODY, headers={"Authorization": f"Bearer {secret}"}) as answer,
    ):
        await answer.read()
        return answer.status


async def called_with(home: House, secret: str, status: int) -> None:
    """Call until it ends with this status; fails when it does not."""
    for _ in range(400):
        if await call(home, secret) == status:
            return
        await asyncio.sleep(0.1)
    raise AssertionError(f"no {status}")


async def make_and_use(page: Page, home: House) -> str:
    """The secret of a key made by the form, once its only call is in the book: none was refused before it."""
    secret = await make(page, home)
    async with asyncio.timeout(60):
        while home.worker.keyring.issued(secret) is None:  # noqa: ASYNC110 - no event tells
            await asyncio.sleep(0.02)
    assert await call(home, secret) == 200
    assert (await home.row())["status"] == 200
    return secret


async def make(page: Page, home: House, name: str = "laptop") -> str:
    """A key made by the form: its secret."""
    await page.goto(f"{home.dashboard}/keys")
    await page.get_by_role("link", name="New key").click()
    await page.get_by_label("Name", exact=True).fill(name)
    await page.get_by_label("Group", exact=True).fill("lab")
    await page.get_by_label("Models").fill("gpt-*")
    await page.get_by_label("A month").fill("50000")
    await page.get_by_role("button", name="Create the key").click()
    secret = await page.get_by_label("Secret", exact=True).input_value()
    assert ANYWHERE.fullmatch(secret)
    return secret


def files_with(data_dir: Path, secret: str) -> list[str]:
    """The files of the data directory that hold it."""
    files = [path for path in data_dir.rglob("*") if path.is_file()]
    assert any(path.name == "keys.json" for path in files)
    return [str(path) for path in files if secret.encode() in path.read_bytes()]


async def test_a_key_is_made_used_and_stopped(
    page: Page, house: OpenHouse, caplog: pytest.LogCaptureFixture, complaints: list[str]
) -> None:
    """A key made on the page works at once and its calls bear its name; disabled, it is refused; its secret is shown
    once, and is in no address, no later page, no log and no file."""
    home = await house(upstream={"access": "keys", "api_key": Secret(OURS)}, access="keys")
    addresses: list[str] = []

    def note(request: Request) -> None:
        addresses.append(request.url)

    page.on("request", note)
    secret = await make(page, home)
    await called_with(home, secret, 200)
    rows: list[dict[str, Any]] = [row for row in await _rows(home) if row["status"] == 200]
    assert [(row["key"], row["group"]) for row in rows] == [("laptop", "lab")]

    await page.get_by_role("button", name="Copy").click()
    await copied(page, secret)
    await page.get_by_role("link", name="To the keys").click()
    await expect(page.locator("#keys tbody tr").first).to_contain_text("laptop")
    with suppress(Error):  # the browser has nothing to go back to: it would have to send the form again
        await page.go_back()
    await expect(page.locator(f"[value='{secret}']")).to_have_count(0)
    await page.goto(f"{home.dashboard}/keys")
    # Asked for before the worker knew the key, it was a credential like any other, which has a line of its own.
    await expect(page.locator("#keys tbody tr", has_text="laptop").locator("polyline")).to_have_count(1)
    await expect(page.locator("#keys")).not_to_contain_text("0 calls")
    await expect(page.locator("#keys .budget")).to_contain_text("50,000 a month")

    await page.get_by_role("button", name="Disable laptop").click()
    await expect(page.get_by_role("status")).to_contain_text("The key laptop is disabled")
    await expect(page.locator("#keys tbody tr").first).to_contain_text("disabled")
    await called_with(home, secret, 401)
    await page.get_by_role("button", name="Enable laptop").click()
    await called_with(home, secret, 200)

    for path in ("/keys", "/keys/one?key=laptop", "/logs", "/health", "/api/keys", "/api/logs"):
        await page.goto(f"{home.dashboard}{path}")
        assert secret not in await page.content()
    assert not [url for url in addresses if secret in url]
    assert secret not in caplog.text
    assert files_with(home.config.store.data_dir, secret) == []
    assert OURS not in await page.content()


async def _rows(home: House) -> list[dict[str, Any]]:
    """All rows, once one call went through."""
    async with aiohttp.ClientSession() as session:
        for _ in range(800):
            async with session.get(f"{home.dashboard}/api/logs") as answer:
                rows: list[dict[str, Any]] = (await answer.json())["logs"]
            if any(row["status"] == 200 for row in rows):
                return rows
            await asyncio.sleep(0.05)
    raise AssertionError("no row came")


async def test_a_reload_makes_no_second_key(page: Page, house: OpenHouse) -> None:
    """Sending the form again, as a reload does, leads to the list, which says that it was done."""
    home = await house()
    secret = await make(page, home)
    await page.reload()
    await expect(page).to_have_url(f"{home.dashboard}/keys?done=again&key=laptop")
    await expect(page.get_by_role("status")).to_contain_text("done already")
    assert secret not in await page.content()
    await expect(page.locator("#keys tbody tr")).to_have_count(1)


async def test_a_rotated_key_overlaps(page: Page, house: OpenHouse) -> None:
    """The new secret works at once, the old one for as long as was said; with none, it ends."""
    home = await house(upstream={"access": "keys", "api_key": Secret(OURS)}, access="keys")
    first = await make(page, home)

    async def rotate(overlap: str) -> str:
        await page.goto(f"{home.dashboard}/keys/one?key=laptop")
        await page.get_by_label("The old one stays valid for").fill(overlap)
        await page.get_by_role("button", name="Rotate").click()
        return await page.get_by_label("Secret", exact=True).input_value()

    second = await rotate("1h")
    await called_with(home, second, 200)
    assert await call(home, first) == 200
    third = await rotate("0")
    await called_with(home, third, 200)
    assert [await call(home, one) for one in (first, second)] == [401, 401]


async def test_mistakes_keep_what_was_typed(page: Page, house: OpenHouse, complaints: list[str]) -> None:
    """Wrong fields are marked and told; the others, and they too, hold what was typed."""
    home = await house()
    await page.goto(f"{home.dashboard}/keys/new")
    await page.get_by_label("Name", exact=True).fill("laptop")
    await page.get_by_label("Valid until").fill("soon")
    await page.get_by_label("A day").fill("many")
    await page.get_by_label("openai").check()
    await page.get_by_role("button", name="Create the key").click()
    await expect(page.get_by_label("Valid until")).to_have_accessible_description(re.compile("length of time"))
    await expect(page.get_by_label("Valid until")).to_have_value("soon")
    await expect(page.get_by_label("A day")).to_have_attribute("aria-invalid", "true")
    await expect(page.get_by_label("Name", exact=True)).to_have_value("laptop")
    await expect(page.get_by_label("openai")).to_be_checked()
    await page.goto(f"{home.dashboard}/keys")
    complaints[:] = [one for one in complaints if "400" not in one]


async def test_a_key_is_deleted_by_who_is_sure(page: Page, house: OpenHouse) -> None:
    """The browser asks for the tick; then the key is deleted, and its page offers nothing more."""
    home = await house()
    await make(page, home)
    await page.goto(f"{home.dashboard}/keys/one?key=laptop")
    await page.get_by_role("button", name="Delete for ever").click()
    await expect(page).to_have_url(f"{home.dashboard}/keys/one?key=laptop")
    await page.get_by_label("I am sure").check()
    await page.get_by_role("button", name="Delete for ever").click()
    await expect(page.get_by_role("status")).to_contain_text("The key laptop is deleted")
    await page.get_by_role("link", name="laptop", exact=True).click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("laptop deleted")
    await expect(page.get_by_role("main").get_by_role("button")).to_have_count(0)


async def test_a_form_of_another_page_makes_no_key(
    page: Page, house: OpenHouse, serve_book: ServeBook, complaints: list[str]
) -> None:
    """A page on another port of this machine, which is same-site, cannot make, rotate, disable or delete a key."""
    home = await house()
    await make(page, home)
    before = (home.config.store.data_dir / "keys.json").read_bytes()
    other = await serve_book([])

    async def forged(route: Any) -> None:
        forms = "".join(
            f"<form method=post action='{home.dashboard}/keys/{path}'><input name=key value=laptop>"
            f"<input name=name value=mine><input name=sure value=yes><button>{path}</button></form>"
            for path in ("new", "rotate", "delete", "disable")
        )
        await route.fulfill(body=forms, content_type="text/html")

    await page.route(f"{other}/forged", forged)
    for path in ("new", "rotate", "delete", "disable"):
        await page.goto(f"{other}/forged")
        async with page.expect_response(f"{home.dashboard}/keys/{path}") as answer:
            await page.get_by_role("button", name=path, exact=True).click()
        assert (await answer.value).status == 403
        await page.wait_for_url(f"{home.dashboard}/keys/{path}")
    assert (home.config.store.data_dir / "keys.json").read_bytes() == before
    await page.goto(f"{home.dashboard}/keys")
    complaints[:] = [one for one in complaints if "403" not in one]


async def test_a_holder_looks_at_their_own(page: Page, house: OpenHouse, complaints: list[str]) -> None:
    """Who pastes the key sees its calls and what is left of its budget; a wrong one is refused, and neither is kept."""
    home = await house(upstream={"access": "keys", "api_key": Secret(OURS)}, access="keys")
    secret = await make_and_use(page, home)
    await page.goto(f"{home.dashboard}/me")
    await page.get_by_label("Paste it here").fill("tb-wrong")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("alert")).to_contain_text("not valid")
    await expect(page.get_by_label("Paste it here")).to_have_value("")
    await page.get_by_label("Paste it here").fill(secret)
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", level=1)).to_have_text("laptop active")
    await expect(page.locator("#calls tbody tr")).to_have_count(1)
    await expect(page.locator(".budget")).to_contain_text("left")
    await expect(page.locator("[data-period=total]")).to_contain_text("1 call")
    assert page.url == f"{home.dashboard}/me"
    assert secret not in await page.content()
    cookies = {cookie["name"] for cookie in await page.context.cookies()}
    assert cookies == {"tollbook_zone"}
    await page.set_viewport_size({"width": 390, "height": 800})
    assert await page.evaluate("document.documentElement.scrollWidth") <= 390
    complaints[:] = [one for one in complaints if "403" not in one]


async def test_a_budget_leaves_room_for_all_columns(page: Page, house: OpenHouse) -> None:
    """At 1280 pixels, the width of many a laptop, a key with a budget shows when it was last seen without scrolling."""
    home = await house(upstream={"access": "keys", "api_key": Secret(OURS)}, access="keys")
    await make_and_use(page, home)
    await page.set_viewport_size({"width": 1280, "height": 800})
    await page.goto(f"{home.dashboard}/keys")
    await page.evaluate(  # figures as wide as they often are
        "for (const cell of document.querySelectorAll('#keys td.number'))"
        " cell.textContent = cell.textContent.includes('$') ? '~$0.000735 + ?'"
        " : cell.title.includes('credits') ? '~0.735 + ?' : '1,435'"
    )
    await expect(page.locator("#keys .budget")).to_contain_text("anew")
    await expect(page.locator("#keys td.number", has_text="$0.000735")).to_have_count(2)
    await expect(page.locator("#keys td.number", has_text="~0.735 + ?")).to_have_count(2)
    assert await page.evaluate(
        "[...document.querySelectorAll('#keys .time .day')].map(one => one.getClientRects().length)"
    ) == [1, 1]  # no date is broken
    assert await page.evaluate(
        "(frame => frame.scrollWidth <= frame.clientWidth)(document.querySelector('#keys').parentElement)"
    )


@pytest.mark.parametrize("width", [390, 1280])
async def test_no_word_about_a_group_is_cut(page: Page, house: OpenHouse, width: int) -> None:
    """The name of a group, and that it is not configured, can be read whole on a phone too."""
    home = await house(upstream={"access": "keys", "api_key": Secret(OURS)}, access="keys")
    await make_and_use(page, home)
    await page.set_viewport_size({"width": width, "height": 844})
    await page.goto(f"{home.dashboard}/keys")
    head = page.locator("#groups tbody th", has_text="not configured").last
    await expect(head).to_be_visible()
    await head.locator("bdi").evaluate("name => { name.textContent = 'a-rather-long-name-of-a-group' }")
    assert await head.evaluate("one => one.scrollWidth <= one.clientWidth")
    lines = await head.locator("bdi").evaluate("name => name.getClientRects().length")
    assert lines <= 3  # not letter by letter
