"""/stats in a real browser: charts are drawn, choices and zoom are kept in the address, a click opens a call."""

import re
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.async_api import Page, expect

from store.call import Call, Cost
from tests.books import NOON_US, a_call
from tests.browser.conftest import ServeBook

pytestmark = pytest.mark.asyncio(loop_scope="session")

DAY_US = 86_400_000_000
HOSTILE = '<a href="https://evil.example">x</a><img src=x onerror=alert(1)>\x1b[31m\u202e'
BARS = "#chart .bars .point path"
POINTS = "#scatter .scatterlayer path.point"
DRAWN = "#chart .plot[data-drawn]"


async def stands(page: Page) -> None:
    """Wait until both charts are drawn and nothing is fetched that could move them."""
    await page.wait_for_selector(DRAWN)
    await page.wait_for_selector("#scatter .plot[data-drawn]")
    await expect(page.locator(".waiting")).to_have_count(0)


def some_calls() -> list[Call]:
    return [
        a_call(
            started_at_us=NOON_US - day * DAY_US + number * 60_000_000,
            model=("m0", "m1", HOSTILE)[number % 3],
            key=f"key{number % 4}",
            cost=Cost("priced", 10_000_000 * (number + 1)),
            status=500 if number % 6 == 0 else 200,
            duration_us=300_000 + 40_000 * number,
        )
        for day in range(4)
        for number in range(30)
    ]


async def test_bars_are_drawn_for_every_group_and_day(page: Page, serve_book: ServeBook) -> None:
    """Three models on four days are twelve bars, the points of the calls are drawn, and the console stays empty."""
    url = await serve_book(some_calls())
    await page.goto(f"{url}/stats")
    await page.wait_for_selector(DRAWN)
    await expect(page.locator(BARS)).to_have_count(12)
    await expect(page.locator(POINTS)).to_have_count(100)
    await expect(page.locator("#scatter-words")).to_contain_text("100 calls are shown")


async def test_hovering_tells_the_exact_value(page: Page, serve_book: ServeBook) -> None:
    """The label of a bar has the cost with every decimal; a name of markup in it is text and makes no link."""
    calls = [a_call(model=HOSTILE, cost=Cost("priced", 1_234_567_891))]
    await page.goto(f"{await serve_book(calls)}/stats?from=30d&per=day")
    await stands(page)
    box = await page.locator(BARS).first.bounding_box()
    assert box
    await page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    label = page.locator("#chart .hoverlayer")
    await expect(label).to_contain_text("$1.234567891")
    await expect(label).to_contain_text("<a href=")
    assert await page.locator("#chart a[href*=evil], #chart image").count() == 0
    assert await page.locator("main img").count() == 0


@pytest.mark.parametrize(
    ("group", "choice", "name", "value"),
    [
        ("Measure", "Errors", "metric", "errors"),
        ("Divided by", "Key", "by", "key"),
        ("Unit of time", "Hour", "per", "hour"),
    ],
)
async def test_choices_are_kept_in_the_address(
    page: Page, serve_book: ServeBook, group: str, choice: str, name: str, value: str
) -> None:
    """A choice changes the address and the chart, survives a reload, and is undone by going back."""
    await page.goto(f"{await serve_book(some_calls())}/stats?from=30d")
    await page.wait_for_selector(DRAWN)
    before = await page.locator("#chart").get_attribute("data-chart")
    tabs = page.get_by_role("navigation", name=group)
    await tabs.get_by_role("link", name=choice, exact=True).click()
    await expect(page).to_have_url(re.compile(f"[?&]{name}={value}"))
    await expect(page.locator("#chart")).not_to_have_attribute("data-chart", before or "")
    after = await page.locator("#chart").get_attribute("data-chart")
    await expect(tabs.locator("[aria-current]")).to_have_text(choice)
    await page.reload()
    await page.wait_for_selector(DRAWN)
    await expect(page.locator("#chart")).to_have_attribute("data-chart", after or "")
    await page.go_back()
    await expect(page.locator("#chart")).to_have_attribute("data-chart", before or "")
    await expect(page.locator(BARS)).to_have_count(12)


@pytest.mark.parametrize("metric", ["usage", "tokens", "calls", "errors", "latency"])
async def test_every_measure_is_drawn(page: Page, serve_book: ServeBook, metric: str) -> None:
    """Each measure draws something, and its figures are a table with a row for each day."""
    await page.goto(f"{await serve_book(some_calls())}/stats?metric={metric}&from=30d&per=day")
    await page.wait_for_selector(DRAWN)
    marks = "#chart .scatterlayer path.point" if metric == "latency" else BARS
    await expect(page.locator(marks).nth(3)).to_be_attached()
    await page.get_by_text("The figures of this chart").click()
    await expect(page.locator("#chart-figures tbody tr")).to_have_count(4)


async def test_dragging_zooms_and_the_figures_follow(page: Page, serve_book: ServeBook) -> None:
    """A drag over a part of the chart puts its time into the address; table and cards are of that time alone."""
    await page.goto(f"{await serve_book(some_calls())}/stats?from=2026-11-18&to=2026-11-21&per=day")
    await stands(page)
    calls = page.locator("#totals .figure", has_text="Calls").locator("dd").first
    await expect(calls).to_have_text("120")
    box = await page.locator("#chart .nsewdrag").bounding_box()
    assert box
    await page.mouse.move(box["x"] + box["width"] * 0.55, box["y"] + 50)
    await page.mouse.down()
    await page.mouse.move(box["x"] + box["width"] * 0.95, box["y"] + 60, steps=5)
    await page.mouse.up()
    await expect(calls).to_have_text("60")
    given = parse_qs(urlsplit(page.url).query)
    assert given["from"][0].startswith("2026-11-20T")
    assert given["to"][0].startswith("2026-11-21T")
    await page.reload()
    await expect(calls).to_have_text("60")
    await page.go_back()
    await expect(calls).to_have_text("120")


async def test_a_model_has_one_colour(page: Page, serve_book: ServeBook) -> None:
    """A model has the same colour in the legend of the bars and in that of the points."""
    await page.goto(f"{await serve_book(some_calls())}/stats?metric=errors")
    await page.wait_for_selector("#scatter .plot[data-drawn]")
    colours = [
        await page.locator(f"{legend} button", has_text="m0").locator(".swatch").get_attribute("class")
        for legend in ("#legend", "#scatter-legend")
    ]
    assert colours[0] == colours[1]
    everyone = await page.locator("#scatter-legend .swatch").evaluate_all("all => all.map((one) => one.className)")
    assert len(set(everyone)) == len(everyone)


async def test_who_moved_is_fetched(page: Page, serve_book: ServeBook) -> None:
    """Top movers arrive after the page, and leave nothing waiting."""
    await page.goto(f"{await serve_book(some_calls())}/stats?from=2026-11-20&to=2026-11-21")
    await expect(page.locator("#moved .waiting")).to_have_count(0)
    await expect(page.locator("#moved")).not_to_be_empty()


async def test_the_legend_works_by_keyboard(page: Page, serve_book: ServeBook) -> None:
    """Enter on a name in the legend hides its bars and says so; again, and they are back."""
    await page.goto(f"{await serve_book(some_calls())}/stats")
    await page.wait_for_selector(DRAWN)
    button = page.locator("#legend").get_by_role("button", name="m1")
    await button.focus()
    await page.keyboard.press("Enter")
    await expect(button).to_have_attribute("aria-pressed", "false")
    await expect(page.locator(BARS)).to_have_count(8)
    await page.keyboard.press("Enter")
    await expect(page.locator(BARS)).to_have_count(12)


async def test_a_point_opens_its_call(page: Page, serve_book: ServeBook) -> None:
    """A click on the only point goes to the page of that call."""
    await page.goto(f"{await serve_book([a_call()])}/stats")
    await stands(page)
    point = page.locator(POINTS)
    await point.scroll_into_view_if_needed()
    box = await point.bounding_box()
    assert box
    await page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    await expect(page).to_have_url(re.compile(r"/logs/[0-9a-f-]{36}$"))


async def test_a_filter_narrows_everything(page: Page, serve_book: ServeBook) -> None:
    """Following a mover or typing a model into the address narrows cards, chart and table alike."""
    await page.goto(f"{await serve_book(some_calls())}/stats?model=m1")
    await page.wait_for_selector(DRAWN)
    await expect(page.locator(BARS)).to_have_count(4)
    await expect(page.locator("#breakdown tbody tr")).to_have_count(1)
    await expect(page.locator("#totals .figure", has_text="Calls").locator("dd").first).to_have_text("40")


async def test_charts_follow_the_theme(page: Page, serve_book: ServeBook) -> None:
    """After the theme is changed the axis is drawn in another colour, without a reload."""
    await page.goto(f"{await serve_book(some_calls())}/stats")
    await page.wait_for_selector(DRAWN)
    tick = page.locator("#chart .xtick text").first
    before = await tick.evaluate("node => getComputedStyle(node).fill")
    await page.locator("[data-action=theme]").click()
    await page.wait_for_function(
        "before => getComputedStyle(document.querySelector('#chart .xtick text')).fill !== before", arg=before
    )


async def test_a_phone_needs_no_sideways_scrolling(page: Page, serve_book: ServeBook) -> None:
    """At 390 pixels nothing but the tables in their own boxes is wider than the screen, and the chart is drawn."""
    await page.set_viewport_size({"width": 390, "height": 800})
    await page.goto(f"{await serve_book(some_calls())}/stats")
    await page.wait_for_selector(DRAWN)
    assert await page.evaluate("document.documentElement.scrollWidth") == 390
    assert await page.locator("#chart svg.main-svg").first.evaluate("node => node.getBoundingClientRect().width") <= 390
