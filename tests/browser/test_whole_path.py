"""The whole path of a newcomer: the running demo, from the list of calls to one of them, live, on a phone."""

import asyncio
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit
from uuid import uuid4

import pytest
from playwright.async_api import Locator, Page, expect

from tests.demo import Demo

pytestmark = pytest.mark.asyncio(loop_scope="session")

Params = list[tuple[str, str]]

KINDS = {
    "chat": "type=chat&stream=false&outcome=completed&status=2xx&min_tokens=1",
    "tool call": "type=chat&outcome=completed&status=2xx&upstream=anthropic&tag.repository=calendar",
    "thinking": "type=chat&outcome=completed&status=2xx&upstream=anthropic&tag.team=research",
    "stream": "type=chat&stream=true&outcome=completed&status=2xx&min_tokens=1&model=claude-*",
    "embedding": "type=embedding&outcome=completed&status=2xx&upstream=openai",
    "image": "type=image&outcome=completed&status=2xx",
    "error": "type=chat&status=4xx&outcome=completed&upstream=openai",
    "refused": "outcome=rejected",
    "interrupted": "type=chat&outcome=interrupted",
}
SAYING = {"tool call": "[tool call] ", "thinking": "[thinking]\n"}
LABEL = re.compile(r"^\[(tool call|thinking|answer)\]\s", re.MULTILINE)
HOSTILE = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(2)>",
    "![x](https://evil.example/x.png)",
    "\x1b[31mred\x1b[0m \u202etxet\u202c",
)


async def told(page: Page, url: str) -> Any:
    """What the query endpoint answers, asked beside the page."""
    answer = await page.request.get(url)
    assert answer.ok, await answer.text()
    return await answer.json()


async def newest(page: Page, running: Demo, kind: str) -> Any:
    """Everything about the newest call of this kind that was there when the demo began: none of what tests make."""
    rows = (await told(page, f"{running.dashboard}/api/logs?limit=100&to=5m&{KINDS[kind]}"))["logs"]
    for row in rows:
        call = await told(page, f"{running.dashboard}/api/logs/{row['id']}")
        if (call["response"]["text"] or "").startswith(SAYING.get(kind, "")):
            return call
    pytest.fail(f"none of {len(rows)} calls is of this kind: {KINDS[kind]}")


def rows(page: Page) -> Locator:
    return page.locator("tr.call")


def params(page: Page) -> Params:
    return parse_qsl(urlsplit(page.url).query)


async def every(page: Page, column: str) -> set[str]:
    """The different words of a column."""
    cells = page.locator(".model .name" if column == "model" else f"td[data-column={column}]")
    return {text.strip() for text in await cells.all_inner_texts()}


async def some_combination(page: Page, running: Demo) -> tuple[str, str, str]:
    """A model, one of its keys, and the group of that: model and key each narrow the chats of a week."""
    asked = {"by": "model,key", "type": "chat", "from": "7d"}
    groups = (await told(page, f"{running.dashboard}/api/stats?{urlencode(asked)}"))["stats"]
    for one in groups:
        if sum(other["model"] == one["model"] for other in groups) > 1:
            only = urlencode({"key": one["key"], "from": "7d"})
            (group,) = (await told(page, f"{running.dashboard}/api/facets?{only}"))["group"]
            return one["model"], one["key"], group["value"]
    pytest.fail("no model of the demo is used by two keys")


async def choose(page: Page, param: str, value: str, *, exclude: bool = False) -> None:
    """Tick a value of one of the menus, or the "not" beside it."""
    menu = page.locator(f"#filter-{param}")
    await menu.locator("summary").click()
    option = menu.locator(f'.option[data-value="{value}"]')
    await option.hover()
    await (option.locator(".not") if exclude else option.locator("input")).click()
    await page.wait_for_url(
        lambda address: (param, f"{'!' if exclude else ''}{value}") in parse_qsl(urlsplit(address).query)
    )
    await expect(page.locator("main[aria-busy=true]")).to_have_count(0)
    await page.keyboard.press("Escape")


async def test_five_filters_one_after_another(page: Page, running_demo: Demo) -> None:
    """Each filter leaves fewer calls, its own; all are in the address, survive a reload, and going back undoes them."""
    model, key, group = await some_combination(page, running_demo)
    await page.goto(f"{running_demo.dashboard}/logs?columns=key,group,type")
    wanted: Params = [("columns", "key,group,type")]
    seen = [(list(wanted), await calls_told(page))]
    await page.locator("#filter-time summary").click()
    await page.get_by_role("link", name="Last 7 days").click()
    wanted.append(("from", "7d"))
    await _settled(page, wanted)
    seen.append((list(wanted), await calls_told(page)))
    for param, value in (("type", "chat"), ("model", model), ("key", key)):
        await choose(page, param, value)
        wanted.append((param, value))
        await _settled(page, wanted)
        assert await every(page, param) == {value}
        seen.append((list(wanted), await calls_told(page)))
    await choose(page, "group", group, exclude=True)
    wanted.append(("group", f"!{group}"))
    await _settled(page, wanted)
    await expect(rows(page)).to_have_count(0)
    await expect(page.locator("#nothing")).to_be_visible()
    seen.append((list(wanted), await calls_told(page)))
    counts = [calls for _, calls in seen]
    assert counts == sorted(set(counts), reverse=True)
    assert counts[-1] == 0
    await page.reload()
    await expect(page.locator("#nothing")).to_be_visible()
    assert sorted(params(page)) == sorted(wanted)
    for before, _ in reversed(seen[:-1]):
        await page.go_back()
        await _settled(page, before)
        await expect(rows(page).first).to_be_visible()
        for param, value in before:
            if param in ("model", "key", "type"):
                assert await every(page, param) == {value}


async def _settled(page: Page, wanted: Params) -> None:
    await page.wait_for_url(lambda address: sorted(parse_qsl(urlsplit(address).query)) == sorted(wanted))
    await expect(page.locator("main[aria-busy=true]")).to_have_count(0)


async def calls_told(page: Page) -> int:
    """How many calls there are, as the totals say once they are all added up."""
    told = page.locator("#totals dd").first
    while (said := (await told.inner_text()).strip()).startswith("at least"):
        await page.reload()  # the machine was too busy to count them in time
    found = re.match(r"[\d,]+", said)
    assert found, said
    return int(found[0].replace(",", ""))


@pytest.mark.parametrize("kind", KINDS)
async def test_details_tell_everything(page: Page, running_demo: Demo, kind: str) -> None:
    """What the endpoint knows of a call is on its page in words, and no credential is."""
    call = await newest(page, running_demo, kind)
    await page.goto(f"{running_demo.dashboard}/logs/{call['id']}")
    article = page.locator("article.call")
    await _facts(article, call)
    await _talk(article, call, kind)
    await _tokens_and_cost(article, call)
    await _time(article, call)
    for body in await article.locator("details").all():
        await body.evaluate("(one) => { one.open = true }")
    for side in ("request", "response"):
        kept = article.locator(f"#raw-{side}-{call['id']}")
        await expect(kept).to_have_count(1 if call[side]["body"] is not None else 0)
    command = await article.locator(f"#curl-{call['id']}").inner_text()
    assert f"{running_demo.proxy}/" in command
    assert "API_KEY" in command
    assert "sk-sandbox" not in await page.content()


async def _facts(article: Locator, call: Any) -> None:
    nobody = "none" if call["status"] is None or call["status"] >= 400 else call["model"]
    told_as = {
        "Model that answered": nobody,
        "Model asked for": call["requested_model"] or "unknown",
        "Key": call["key"] or "none presented",
        "Group": call["group"],
        "Call type": call["type"],
        "Stream": "streamed" if call["stream"] else "not streamed",
        "HTTP status": str(call["status"]) if call["status"] is not None else "none",
        "Outcome": call["outcome"],
        "Upstream": call["upstream"] or "none",
        "Upstream's request id": call["upstream_request_id"] or "none told",
        "Client": call["client"],
        "Finish reason": call["finish_reason"] or "none told",
        "Request": call["target"],
    }
    facts = article.get_by_role("region", name="Facts")
    for name, value in told_as.items():
        fact = facts.locator(".fact").filter(
            has=article.page.locator("dt", has_text=re.compile(f"^{re.escape(name)}$"))
        )
        await expect(fact.locator("dd")).to_contain_text(value)
    if call["error"]:
        for value in call["error"].values():
            if value:
                await expect(facts).to_contain_text(value)
        await expect(article.locator(".ending")).to_contain_text(call["error"]["message"])
    for anomaly in call["anomalies"]:
        await expect(facts).to_contain_text(anomaly)
    await expect(article.locator(".ending .sentence")).not_to_be_empty()


async def _talk(article: Locator, call: Any, kind: str) -> None:
    request = article.get_by_role("region", name="Request")
    answer = article.get_by_role("region", name="Answer")
    for name in call["parameters"]:
        await expect(request.locator(".parameters")).to_contain_text(name)
    if kind != "refused":
        await expect(request.locator(".turn").first).to_be_visible()
    for part in _parts(call["response"]["text"] or ""):
        await expect(answer).to_contain_text(part)
    words = {
        "stream": "put together from the stream",
        "embedding": "embedding",
        "image": "bytes",
        "refused": "Tollbook answered the client itself",
        "error": "error",
    }
    if kind == "interrupted" and not call["response"]["text"]:
        words[kind] = "Raw response"  # cut before a word had come
    await expect(answer).to_contain_text(words.get(kind, "assistant"))


def _parts(text: str) -> Iterator[str]:
    """How each part of an answer's text begins on its page, where the labels are headings."""
    plain, *labelled = LABEL.split(text)
    if plain:
        yield " ".join(plain.split())[:60]
    for label, said in zip(labelled[::2], labelled[1::2], strict=True):
        words = " ".join(said.split())
        match label:
            case "tool call":
                yield f"Tool call {words.partition('(')[0]}"
            case "thinking":
                yield f"Thinking {words[:60]}"
            case "answer":
                yield words[:60]


async def _tokens_and_cost(article: Locator, call: Any) -> None:
    counts = article.get_by_role("region", name="Tokens").locator("tr.sum td")
    await expect(counts).to_have_text([_count(call["tokens"][side]) for side in ("input", "output")])
    lines = article.locator("table.cost tbody tr")
    await expect(lines).to_have_count(len(call["cost"]["lines"]))
    for place, line in enumerate(call["cost"]["lines"]):
        await expect(lines.nth(place)).to_contain_text(_count(line["count"]))
        await expect(lines.nth(place)).to_contain_text(f"= ${_plain(line['usd'])}")
    cost = article.get_by_role("region", name="Cost")
    await expect(cost).to_contain_text("unknown" if call["cost"]["usd"] is None else f"${_plain(call['cost']['usd'])}")


async def _time(article: Locator, call: Any) -> None:
    time = article.get_by_role("region", name="Time")
    parts = call["timings"].get("parts") or []
    await expect(time.locator("svg.timeline rect")).to_have_count(len(parts))
    await expect(time.locator("table.stretches tbody tr")).to_have_count(len(parts))
    reasons = time.locator(".reasons li")
    await expect(reasons).to_have_text([reason["sentence"] for reason in call["pace"]["reasons"]])


def _count(number: int | None) -> str:
    return "unknown" if number is None else f"{number:,}"


def _plain(usd: str) -> str:
    """Without the zeros at its end."""
    return usd.rstrip("0").rstrip(".") if "." in usd else usd


async def make_a_call(page: Page, running: Demo, text: str, *, stream: bool = False, **labels: str) -> None:
    """Call the sandbox through the proxy, as a client would; it answers with the beginning of what it was asked."""
    asked = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": text}], "stream": stream}
    # Asked for anything at all, the sandbox never fails by habit.
    headers = {"Authorization": "Bearer sk-sandbox-walker", "x-sandbox": "chunk=64"}
    headers |= {f"x-tollbook-{name}": value for name, value in labels.items()}
    answer = await page.request.post(f"{running.proxy}/openai/v1/chat/completions", data=asked, headers=headers)
    assert answer.ok, await answer.text()


async def test_live_shows_a_call_made_meanwhile(page: Page, running_demo: Demo) -> None:
    """A call through the proxy appears in an empty live list by itself, with its totals, and opens beneath its row."""
    user = f"walker-{uuid4()}"
    async with page.expect_response(re.compile("/api/tail")):
        await page.goto(f"{running_demo.dashboard}/logs?user={user}&live=1")
    await expect(page.locator("#nothing")).to_be_visible()
    await make_a_call(page, running_demo, "How far is the sea?", user=user)
    await expect(rows(page)).to_have_count(1)
    await expect(page.locator("#totals dd").first).to_contain_text("1")
    await make_a_call(page, running_demo, "And the moon?", user=user, stream=True)
    await expect(rows(page)).to_have_count(2)
    await rows(page).first.locator("a.opens").click()
    await expect(page.locator("tr.inside article.call")).to_contain_text("And the moon?")


async def test_hostile_words_from_client_to_page(page: Page, running_demo: Demo) -> None:
    """Markup, a markdown image, ANSI and bidi of a prompt and its answer are text, and nothing asks another origin."""
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    user = f"<img src=x onerror=alert(3)>{uuid4()}"
    calls = (
        make_a_call(page, running_demo, text, stream=place % 2 == 0, user=user, session=f"session-{place}")
        for place, text in enumerate(HOSTILE)
    )
    await asyncio.gather(*calls)
    found = urlencode({"user": user})
    await page.goto(f"{running_demo.dashboard}/logs?{found}&columns=user,session&live=1")
    await expect(rows(page)).to_have_count(len(HOSTILE))
    await expect(rows(page).first.locator("td[data-column=user]")).to_contain_text("<img src=x")
    signs = {"\x1b": "\u241b", "\u202e": "⟨U+202E⟩", "\u202c": "⟨U+202C⟩"}
    for place, text in enumerate(HOSTILE):
        opens = rows(page).filter(has_text=f"session-{place}").locator("a.opens")
        await opens.click()
        article = page.locator("tr.inside article.call")
        shown = "".join(signs.get(letter, letter) for letter in text)
        await expect(article.get_by_role("region", name="Request")).to_contain_text(shown)
        await expect(article.get_by_role("region", name="Answer")).to_contain_text(shown)
        await page.evaluate("for (const one of document.querySelectorAll('article details')) one.open = true")
        strange = page.locator("main").locator("img, script, iframe, [onerror], a[href^='http']")
        await expect(strange).to_have_count(0)
        await opens.click()
        await expect(article).to_have_count(0)
    await page.goto(f"{running_demo.dashboard}/stats?{found}&by=user")
    await page.wait_for_selector("#chart .plot[data-drawn]")
    assert await page.locator("main img, main script").count() == 0
    assert {urlsplit(one).scheme for one in asked} <= {"http", "data", "blob"}
    strangers = [one for one in asked if one.startswith("http") and not one.startswith(f"{running_demo.dashboard}/")]
    assert strangers == []


async def test_charts_of_the_demo_are_drawn(page: Page, running_demo: Demo) -> None:
    """The bars above the calls, the stacked bars and the scatter have something in them."""
    await page.goto(f"{running_demo.dashboard}/logs")
    await expect(page.locator("#histogram svg.bars rect.calls").nth(10)).to_be_attached()
    await page.goto(f"{running_demo.dashboard}/stats")
    await page.wait_for_selector("#chart .plot[data-drawn]")
    await page.wait_for_selector("#scatter .plot[data-drawn]")
    await expect(page.locator("#chart .bars .point path").nth(20)).to_be_attached()
    await expect(page.locator("#scatter .scatterlayer path.point").nth(50)).to_be_attached()


@pytest.mark.parametrize("path", ["/logs", "/logs?status=error&q=the&columns=key,user", "/stats", "/keys", "/health"])
async def test_the_demo_fits_a_phone(page: Page, running_demo: Demo, path: str) -> None:
    """At 390 pixels no page of the demo is wider than the window."""
    await page.set_viewport_size({"width": 390, "height": 844})
    await page.goto(running_demo.dashboard + path)
    if path == "/stats":
        await page.wait_for_selector("#scatter .plot[data-drawn]")
    assert await page.evaluate("document.documentElement.scrollWidth") == 390
