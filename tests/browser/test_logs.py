"""Usage Logs in a real browser: filters, address, reload and back; rows, columns, order, pages, keyboard, live."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from itertools import count, pairwise
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit
from uuid import UUID

import pytest
import pytest_asyncio
from aiohttp.test_utils import TestServer
from playwright.async_api import Locator, Page, Route, expect

from store.api.parts import PARTS
from store.call import Call, CallError
from tests.api.listener import an_app, write_more
from tests.api.slow_book import SlowBook
from tests.books import NOON_US, a_call
from tests.browser.conftest import ServeBook, copied, stop_timers

pytestmark = pytest.mark.asyncio(loop_scope="session")

NOW_US = NOON_US + 10**12
HOUR_US = 3_600_000_000
SEVEN = ("Time", "Usage", "Model", "Duration", "Tokens", "Cost", "Details")
HOSTILE = '<script>alert(1)</script><img src="https://evil.example/x" onerror="alert(2)"> \x1b[31m \u202eevil'


def text_id(call: Call) -> str:
    return str(UUID(bytes=call.call_id))


def mixed() -> list[Call]:
    """Forty-eight calls: three models, two keys, two groups, two types, one each hour back from now; six failed."""
    return [
        a_call(
            model=("gpt-4o", "gpt-5", "claude")[number % 3],
            key=("ana", "bo")[number % 2],
            group=("default", "lab")[number // 2 % 2],
            type="embedding" if number % 4 == 3 else "chat",
            status=500 if number % 8 == 5 else 200,
            duration_us=(number + 1) * 10_000,
            started_at_us=NOW_US - number * HOUR_US - HOUR_US // 2,
        )
        for number in range(48)
    ]


def rows(page: Page) -> Locator:
    return page.locator("tr.call")


def params(page: Page) -> list[tuple[str, str]]:
    return parse_qsl(urlsplit(page.url).query)


async def tick(page: Page, param: str, value: str) -> None:
    menu = page.locator(f"#filter-{param}")
    if await menu.get_attribute("open") is None:
        await menu.locator("summary").click()
    await menu.locator(f'input[type=checkbox][value="{value}"]').click()


async def holds(page: Page, expected: int, wanted: list[tuple[str, str]]) -> None:
    """So many rows and these parameters; the same after a reload."""
    await expect(rows(page)).to_have_count(expected)
    assert params(page) == wanted
    await page.reload()
    await expect(rows(page)).to_have_count(expected)
    assert params(page) == wanted


@pytest.mark.parametrize(
    ("param", "value", "expected"),
    [("model", "gpt-4o", 16), ("key", "ana", 24), ("group", "lab", 24), ("type", "embedding", 12)],
)
async def test_a_menu_narrows(page: Page, serve_book: ServeBook, param: str, value: str, expected: int) -> None:
    """Ticking a value leaves its calls, stands in the address, survives a reload, and is gone after going back."""
    await page.goto(f"{await serve_book(mixed())}/logs")
    await expect(rows(page)).to_have_count(48)
    await tick(page, param, value)
    await holds(page, expected, [(param, value)])
    await expect(page.locator(f"#filter-{param} .shown")).to_have_text(value)
    await expect(page.locator("#totals dd").first).to_contain_text(str(expected))
    await page.go_back()
    await expect(rows(page)).to_have_count(48)
    assert params(page) == []
    await page.go_forward()
    await expect(rows(page)).to_have_count(expected)


async def test_the_time_range_narrows(page: Page, serve_book: ServeBook) -> None:
    """A preset and a typed range leave the calls of that time and stand in the address; All time takes them away."""
    await page.goto(f"{await serve_book(mixed())}/logs")
    await page.locator("#filter-time summary").click()
    await page.get_by_role("link", name="Last 24 hours").click()
    await holds(page, 24, [("from", "24h")])
    await expect(page.locator("#filter-time .shown")).to_have_text("Last 24 hours")
    await page.locator("#filter-time summary").click()
    await page.locator("#filter-time input[name=from]").fill("30h")
    await page.locator("#filter-time input[name=to]").fill("20h")
    await page.locator("#filter-time button.primary").click()
    await holds(page, 10, [("from", "30h"), ("to", "20h")])
    await page.locator("#filter-time summary").click()
    await page.get_by_role("link", name="All time").click()
    await expect(rows(page)).to_have_count(48)
    await page.go_back()
    await expect(rows(page)).to_have_count(10)


async def test_menus_combine_stay_open_and_their_chips_take_away(page: Page, serve_book: ServeBook) -> None:
    """Several ticks in one open menu add up, two menus narrow together, a chip takes one away, Clear all everything."""
    await page.goto(f"{await serve_book(mixed())}/logs")
    await tick(page, "model", "gpt-4o")
    await expect(rows(page)).to_have_count(16)
    await expect(page.locator("#filter-model .panel")).to_be_visible()
    await tick(page, "model", "claude")
    await expect(rows(page)).to_have_count(32)
    await tick(page, "key", "ana")
    await expect(rows(page)).to_have_count(16)
    await page.keyboard.press("Escape")
    await page.locator(".chip", has_text="gpt-4o").click()
    await expect(rows(page)).to_have_count(8)
    assert params(page) == [("model", "claude"), ("key", "ana")]
    await page.locator(".chip.clear").click()
    await expect(rows(page)).to_have_count(48)
    assert params(page) == []


async def test_values_that_come_late_are_fetched_for_an_open_menu(
    page: Page, tmp_path: Path, servers: AsyncExitStack
) -> None:
    """A menu that stays open over a change has its values again, also where the page did not wait for them."""
    app = an_app(tmp_path, mixed())
    app[PARTS].source = SlowBook(app[PARTS].source, 0.04)
    server = TestServer(app, host="127.0.0.1")
    await server.start_server(access_log=None)
    servers.push_async_callback(server.close)
    await page.goto(str(server.make_url("/logs")))
    for value, expected in (("gpt-4o", 16), ("claude", 32), ("gpt-5", 48)):
        await tick(page, "model", value)
        await expect(rows(page)).to_have_count(expected)


async def test_typing_narrows_a_menu_and_adds_wildcards(page: Page, serve_book: ServeBook) -> None:
    """Typing hides values that do not fit; Enter ticks the one left, adds a wildcard, or an exclusion."""
    await page.goto(f"{await serve_book(mixed())}/logs")
    menu = page.locator("#filter-model")
    await menu.locator("summary").click()
    typed = menu.locator("input[data-typed]")
    await expect(typed).to_be_focused()
    await typed.press_sequentially("cla")
    await expect(menu.locator(".option:visible")).to_have_count(1)
    await typed.press("Enter")
    await expect(rows(page)).to_have_count(16)
    assert params(page) == [("model", "claude")]
    await typed.fill("gpt-*")
    await typed.press("Enter")
    await holds(page, 48, [("model", "claude"), ("model", "gpt-*")])
    await page.locator(".chip", has_text="claude").click()
    await expect(rows(page)).to_have_count(32)
    await menu.locator("summary").click()
    await typed.fill("!gpt-5")
    await typed.press("Enter")
    await expect(rows(page)).to_have_count(16)
    await expect(page.locator(".chip.excluded")).to_contain_text("not gpt-5")


async def test_rare_values_are_found_by_typing(page: Page, serve_book: ServeBook) -> None:
    """Of many values a menu lists the most used; typing finds any other, and what is ticked stays ticked."""
    calls = [a_call(model=f"model-{number:03}") for number in range(100) for _ in range(2 if number < 80 else 1)]
    await page.goto(f"{await serve_book(calls)}/logs?model=model-001")
    menu = page.locator("#filter-model")
    await menu.locator("summary").click()
    await expect(menu.locator(".unlisted")).to_be_visible()
    await expect(menu.locator('.option[data-value="model-099"]')).to_have_count(0)
    await menu.locator("input[data-typed]").press_sequentially("99")
    await menu.locator('.option[data-value="model-099"] input').click()
    await expect(rows(page)).to_have_count(3)
    assert params(page) == [("model", "model-001"), ("model", "model-099")]


async def test_a_wrong_filter_says_so_and_back_undoes_it(
    page: Page, serve_book: ServeBook, complaints: list[str]
) -> None:
    """A number that is none leads to a sentence that names it, and back leads to the calls again."""
    await page.goto(f"{await serve_book(mixed())}/logs")
    await page.locator("#filter-more > summary").click()
    await page.locator("input[name=min_tokens]").fill("many")
    await page.locator("input[name=min_tokens]").press("Enter")
    await expect(page.get_by_role("alert")).to_contain_text("min_tokens")
    await page.go_back()
    await expect(rows(page)).to_have_count(48)
    assert all("400" in complaint for complaint in complaints)  # the browser tells of the answer's status
    complaints.clear()


async def test_a_value_is_excluded_with_one_click(page: Page, serve_book: ServeBook) -> None:
    """The "not" beside a value leaves every call but its own."""
    await page.goto(f"{await serve_book(mixed())}/logs")
    await page.locator("#filter-key summary").click()
    await page.locator('#filter-key .option[data-value="bo"]').hover()
    await page.locator('#filter-key .option[data-value="bo"] .not').click()
    await holds(page, 24, [("key", "!bo")])


async def test_the_click_that_closes_a_menu_opens_no_call(page: Page, serve_book: ServeBook) -> None:
    """A click on a row beside an open menu only closes the menu; the next one opens the call."""
    await page.goto(f"{await serve_book(mixed())}/logs")
    await page.locator("#filter-time summary").click()
    cell = rows(page).nth(3).locator(".duration")
    await cell.click()
    await expect(page.locator("#filter-time")).not_to_have_attribute("open", "")
    await expect(page.locator("tr.inside")).to_have_count(0)
    await cell.click()
    await expect(page.locator("tr.inside article.call")).to_be_visible()


async def test_the_filters_behind_more_narrow(page: Page, serve_book: ServeBook) -> None:
    """Status, a range and a tag apply as they are chosen, and the panel is open again after a reload."""
    calls = [*mixed(), a_call(tags={"team": "red"}, started_at_us=NOW_US - 1)]
    await page.goto(f"{await serve_book(calls)}/logs")
    await page.locator("#filter-more > summary").click()
    await tick(page, "status", "error")
    await holds(page, 6, [("status", "error")])
    await page.locator("input[name=min_duration_ms]").fill("300")
    await page.locator("input[name=min_duration_ms]").press("Enter")
    await holds(page, 3, [("status", "error"), ("min_duration_ms", "300")])
    await page.locator(".chip.clear").click()
    await expect(rows(page)).to_have_count(49)
    await page.locator("input[name=tag]").fill("team=red")
    await page.locator("input[name=tag]").press("Enter")
    await holds(page, 1, [("tag.team", "red")])


async def test_columns_are_chosen_and_kept(page: Page, serve_book: ServeBook) -> None:
    """A column ticked in the chooser appears before Details, stands in the address, and goes when unticked."""
    await page.goto(f"{await serve_book(mixed())}/logs?model=claude")
    heads = page.locator("#calls thead th")
    await expect(heads).to_have_count(7)
    await page.locator("#columns summary").click()
    await page.locator("#columns input[value=key]").click()
    await expect(heads).to_have_count(8)
    await page.locator("#columns input[value=rate]").click()
    await expect(heads).to_have_count(9)
    await page.reload()
    await expect(heads).to_have_text([re.compile(f"^{name}") for name in (*SEVEN[:-1], "Key", "Tokens/s", SEVEN[-1])])
    assert params(page)[0] == ("model", "claude")
    await page.locator("#columns summary").click()
    await page.locator("#columns input[value=key]").click()
    await expect(heads).to_have_count(8)


async def test_heads_sort(page: Page, serve_book: ServeBook) -> None:
    """A click on Duration puts the longest call first, another the shortest."""
    calls = mixed()
    await page.goto(f"{await serve_book(calls)}/logs")
    await page.get_by_role("link", name="Duration").click()
    await expect(rows(page).first).to_have_attribute("data-id", text_id(calls[-1]))
    await expect(page.locator("th[aria-sort=descending]")).to_contain_text("Duration")
    await page.get_by_role("link", name="Duration").click()
    await expect(rows(page).first).to_have_attribute("data-id", text_id(calls[0]))


async def test_pages_go_there_and_back(page: Page, serve_book: ServeBook) -> None:
    """Older and Newer lead through all calls; the browser's own back does too, and a reload stays on the page."""
    calls = mixed()
    await page.goto(f"{await serve_book(calls)}/logs?limit=20")
    first = rows(page).first
    for start in (20, 40):
        await page.locator("#older").click()
        await expect(first).to_have_attribute("data-id", text_id(calls[start]))
    await expect(page.locator("#older")).to_have_count(0)
    await page.reload()
    await expect(first).to_have_attribute("data-id", text_id(calls[40]))
    await page.locator("#newer").click()
    await expect(first).to_have_attribute("data-id", text_id(calls[20]))
    await page.go_back()
    await expect(first).to_have_attribute("data-id", text_id(calls[40]))
    await page.locator("#newest").click()
    await expect(first).to_have_attribute("data-id", text_id(calls[0]))


async def test_a_call_opens_beneath_its_row(page: Page, serve_book: ServeBook) -> None:
    """Details opens the call in place, the address remembers it through a reload, and a second click closes it."""
    calls = mixed()
    await page.goto(f"{await serve_book(calls)}/logs")
    await rows(page).nth(2).locator("a.opens").click()
    await expect(page.locator("tr.inside article.call")).to_have_count(1)
    assert ("open", text_id(calls[2])) in params(page)
    await page.reload()
    await expect(page.locator("tr.inside article.call")).to_be_visible()
    await expect(rows(page).nth(2).locator("a.opens")).to_have_attribute("aria-expanded", "true")
    await rows(page).nth(2).locator("a.opens").click()
    await expect(page.locator("tr.inside")).to_have_count(0)
    assert params(page) == []


async def test_an_open_row_stands_out_to_its_end(page: Page, serve_book: ServeBook) -> None:
    """The column that stays in sight while the others scroll has the colour of its row."""
    await page.goto(f"{await serve_book(mixed())}/logs")
    await rows(page).nth(2).locator("a.opens").click()
    await expect(page.locator("tr.opened")).to_have_count(1)
    colours = await page.locator("tr.opened > td").evaluate_all(
        "all => all.map(one => getComputedStyle(one).backgroundColor)"
    )
    assert len(set(colours)) == 1


async def test_the_id_is_copied(page: Page, serve_book: ServeBook) -> None:
    """The button beside Details puts the call's id on the clipboard."""
    calls = mixed()
    await page.goto(f"{await serve_book(calls)}/logs")
    await stop_timers(page)
    await rows(page).nth(1).locator(".copies").click()
    await expect(rows(page).nth(1).locator(".copies.done")).to_be_visible()
    await copied(page, text_id(calls[1]))


async def test_the_keyboard_does_it_all(page: Page, serve_book: ServeBook) -> None:
    """j and k move, Enter opens, Escape closes, / goes to the search, ? shows the help."""
    await page.goto(f"{await serve_book(mixed())}/logs")
    await expect(page.locator("[data-action=help]")).to_be_visible()
    for key in ("j", "j", "j", "k"):
        await page.keyboard.press(key)
    await expect(rows(page).nth(1)).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.locator("tr.inside article.call")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(page.locator("tr.inside")).to_have_count(0)
    await page.keyboard.press("?")
    await expect(page.locator("#shortcuts")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(page.locator("#shortcuts")).to_be_hidden()
    await page.keyboard.press("/")
    await expect(page.locator("#search")).to_be_focused()
    await page.keyboard.press("j")
    await expect(page.locator("#search")).to_have_value("j")


async def test_dragging_over_the_bars_zooms(page: Page, serve_book: ServeBook) -> None:
    """The bars are drawn; dragging over half of them leaves that time in the address, a double click undoes it."""
    await page.goto(f"{await serve_book(mixed())}/logs?from=48h")
    bars = page.locator("#histogram svg.bars")
    await expect(bars.locator("rect.calls").first).to_be_attached()
    await expect(bars.locator("rect.errors")).to_have_count(6)
    await expect(page.locator(".waiting")).to_have_count(0)  # nothing moves any more
    box = await bars.bounding_box()
    assert box is not None
    await page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + 40)
    await page.mouse.down()
    await page.mouse.move(box["x"] + box["width"] - 1, box["y"] + 40, steps=5)
    await page.mouse.up()
    await expect(rows(page)).not_to_have_count(48)
    found = await rows(page).count()
    assert 20 <= found <= 28
    assert {name for name, _ in params(page)} == {"from", "to"}
    await expect(page.locator("#totals dd").first).to_contain_text(str(found))
    await bars.dblclick()
    await expect(rows(page)).to_have_count(48)
    assert params(page) == [("from", "48h")]


Live = tuple[str, Callable[..., None]]


@pytest_asyncio.fixture(loop_scope="session")
async def growing(page: Page, tmp_path: Path) -> AsyncIterator[Live]:
    """A served book, and a way to write more calls into it. The page leaves before it closes."""
    server = TestServer(an_app(tmp_path, mixed()), host="127.0.0.1")
    await server.start_server(access_log=None)
    yield str(server.make_url("/")).rstrip("/"), lambda *calls: write_more(tmp_path, *calls)
    await page.goto("about:blank")
    await server.close()


async def test_live_shows_a_call_made_meanwhile(page: Page, growing: Live) -> None:
    """With Live on, a new call of the filter appears at the top as its row, others do not; a reload leaves it on."""
    address, write = growing
    await page.goto(f"{address}/logs?model=gpt-*")
    await expect(rows(page)).to_have_count(32)
    async with page.expect_response(re.compile("/api/tail")):
        await page.locator("#live").click()
    await expect(page.locator("#live")).to_have_attribute("aria-pressed", "true")
    await page.mouse.move(1, 1)
    new = a_call(model="gpt-6", started_at_us=NOW_US + 5)
    write(a_call(model="claude", started_at_us=NOW_US + 4), new)
    await expect(rows(page)).to_have_count(33)
    await expect(rows(page).first).to_have_attribute("data-id", text_id(new))
    await expect(rows(page).first).to_contain_text("gpt-6")
    await expect(page.locator("#totals dd").first).to_contain_text("33")
    assert ("live", "1") in params(page)
    await page.reload()
    await expect(page.locator("#live")).to_have_attribute("aria-pressed", "true")


async def test_live_does_not_move_what_is_read(page: Page, growing: Live) -> None:
    """While a call is open, new ones are counted on a button instead of pushed in; the button shows them."""
    address, write = growing
    await page.goto(f"{address}/logs")
    await rows(page).first.locator("a.opens").click()
    await expect(page.locator("tr.inside article.call")).to_be_visible()
    async with page.expect_response(re.compile("/api/tail")):
        await page.locator("#live").click()
    await rows(page).first.locator("a.opens").click()
    await expect(page.locator("tr.inside article.call")).to_be_visible()
    write(a_call(started_at_us=NOW_US + 6), a_call(started_at_us=NOW_US + 7))
    await expect(page.locator("#arrived")).to_have_text("2 new calls")
    await expect(rows(page)).to_have_count(48)
    await page.locator("#arrived").click()
    await expect(rows(page)).to_have_count(50)


async def test_bars_follow_what_comes_live(page: Page, growing: Live) -> None:
    """The bars show a call that came just after they were drawn, although no other call comes."""
    address, write = growing
    drawn = count(1)  # once with the page, and again when it follows
    await page.clock.install()
    async with page.expect_request(lambda asked: "/logs/histogram" in asked.url and next(drawn) == 2):
        await page.goto(f"{address}/logs?live=1")
    bars = page.locator("#histogram svg.bars")
    await expect(bars).to_have_attribute("aria-label", re.compile(": 48 calls"))
    await page.mouse.move(1, 1)
    write(a_call(started_at_us=NOW_US + 9))
    await expect(page.locator("#arrived")).to_have_text("1 new call")
    await page.clock.run_for(1_100)
    await expect(rows(page)).to_have_count(49)
    await page.clock.run_for(15_000)
    await expect(bars).to_have_attribute("aria-label", re.compile(": 49 calls"))


async def test_a_row_opened_while_live_reads_stays_open(page: Page, growing: Live) -> None:
    """A row that is opened while the newest calls are being fetched is still open, and in the address, afterwards."""
    address, write = growing
    asked, answering = asyncio.Event(), asyncio.Event()

    async def slowly(route: Route) -> None:
        asked.set()
        await answering.wait()
        await route.continue_()

    async with page.expect_response(re.compile("/api/tail")):
        await page.goto(f"{address}/logs?live=1")
    await page.mouse.move(1, 1)
    await page.route(re.compile(r"/logs\?live=1$"), slowly)
    new = a_call(started_at_us=NOW_US + 8)
    write(new)
    await asked.wait()
    await rows(page).nth(2).locator("a.opens").click()
    opened = await rows(page).nth(2).get_attribute("data-id") or ""
    await expect(page.locator("tr.inside article.call")).to_be_visible()
    answering.set()
    await expect(rows(page).first).to_have_attribute("data-id", text_id(new))
    await expect(page.locator("tr.inside article.call")).to_be_visible()
    await expect(page.locator(f'tr.call.opened[data-id="{opened}"]')).to_be_visible()
    assert ("open", opened) in params(page)


async def test_hostile_text_does_nothing(page: Page, serve_book: ServeBook) -> None:
    """Markup and control characters in names, labels and errors are text wherever the page shows them."""
    call = a_call(
        model=HOSTILE, user=HOSTILE, session=HOSTILE, status=500, error=CallError("x", HOSTILE, HOSTILE),
        started_at_us=NOW_US - 1,
    )  # fmt: skip
    await page.goto(f"{await serve_book([call])}/logs?columns=user,session")
    await expect(rows(page)).to_contain_text("<script>alert(1)</script>")
    await page.locator("#filter-model summary").click()
    await page.locator("#filter-model input[type=checkbox]").first.click()
    await expect(page.locator(".chip").first).to_contain_text("<script>")
    await expect(rows(page)).to_have_count(1)
    await rows(page).locator("a.opens").click()
    await expect(page.locator("tr.inside article.call")).to_be_visible()
    assert await page.locator("main img, main script").count() == 0


async def test_the_times_under_the_bars_stand_apart(page: Page, serve_book: ServeBook) -> None:
    """On a phone no time under the bars runs into the next, though each names its day."""
    await page.set_viewport_size({"width": 390, "height": 844})
    await page.goto(f"{await serve_book(mixed())}/logs?from=24h")
    texts = page.locator(".ticks text:visible")
    await expect(texts.first).to_be_visible()
    boxes = [box for one in await texts.all() if (box := await one.bounding_box())]
    assert len(boxes) >= 2
    assert all(one["x"] + one["width"] + 4 <= after["x"] for one, after in pairwise(boxes))
    assert boxes[-1]["x"] + boxes[-1]["width"] <= 390


async def test_a_phone_shows_it_all(page: Page, serve_book: ServeBook) -> None:
    """At 390 pixels nothing sticks out of the page, and menus and rows open within it."""
    await page.set_viewport_size({"width": 390, "height": 844})
    await page.goto(f"{await serve_book(mixed())}/logs?status=error")
    sticks_out = "document.documentElement.scrollWidth > innerWidth"
    assert not await page.evaluate(sticks_out)
    for menu in ("time", "model", "type", "status", "anomaly"):
        await page.locator(f"#filter-{menu} summary").first.click()
        box = await page.locator(f"#filter-{menu} .panel").bounding_box()
        assert box is not None
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 390
        await page.keyboard.press("Escape")
    await rows(page).first.locator(".time").click()
    await expect(page.locator("tr.inside article.call")).to_be_visible()
    assert not await page.evaluate(sticks_out)


async def test_it_works_without_scripts(page: Page, serve_book: ServeBook) -> None:
    """With scripts off the form filters by its button, links sort and page, and Details leads to the call's page."""
    address = await serve_book(mixed())
    browser = page.context.browser
    assert browser is not None
    context = await browser.new_context(java_script_enabled=False)
    still = await context.new_page()
    await still.goto(f"{address}/logs")
    claude = still.locator("#filter-model input[value=claude]")
    while not await claude.count():
        await still.reload()  # a page that does not wait for its menus leaves the rest to scripts
    await still.locator("#filter-model summary").click()
    await claude.check()
    await still.locator("#filter-model .apply").click()
    await expect(rows(still)).to_have_count(16)
    assert params(still) == [("model", "claude")]
    await still.get_by_role("link", name="Duration").click()
    await expect(still.locator("th[aria-sort=descending]")).to_contain_text("Duration")
    await rows(still).first.locator("a.opens").click()
    await expect(still.locator("article.call")).to_be_visible()
    await context.close()
