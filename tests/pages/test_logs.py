"""Usage Logs as HTML: what a page without scripts shows, and that its addresses are its whole state."""

import re
from html import unescape
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit
from uuid import UUID

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient
from pytest_aiohttp.plugin import AiohttpClient

from store.call import Call, CallError, Cost, Tokens
from store.filters import parse
from store.moments import at
from store.pages.state import State
from store.pages.totals import totals
from tests.api.listener import an_app
from tests.books import NOON_US, a_call
from tests.search.test_indexing import indexed

NOW_US = NOON_US + 10**12
HOUR_US = 3_600_000_000

Client = TestClient[web.Request, web.Application]


def text_id(call: Call) -> str:
    return str(UUID(bytes=call.call_id))


async def html(client: Client, address: str, status: int = 200) -> str:
    answer = await client.get(address)
    assert answer.status == status, await answer.text()
    return await answer.text()


def ids(text: str) -> list[str]:
    return re.findall(r'<tr id="call-([0-9a-f-]+)"', text)


def link(text: str, id_: str) -> str | None:
    found = re.search(rf'<a [^>]*id="{id_}"[^>]* href="([^"]+)"', text)
    return None if found is None else unescape(found[1])


def plain(text: str) -> str:
    """What is read, without the markup."""
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]*>", " ", text)))


async def test_the_columns_are_the_seven(tmp_path: Path, aiohttp_client: AiohttpClient) -> None:
    """The table has the columns Time, Usage, Model, Duration, Tokens, Cost, Details and no other."""
    client = await aiohttp_client(an_app(tmp_path, [a_call()]))
    heads = re.findall(r"<th scope=\"col\".*?</th>", await html(client, "/logs"), re.DOTALL)
    assert [plain(head).strip(" ↓") for head in heads] == [
        "Time", "Usage", "Model", "Duration", "Tokens", "Cost", "Details",
    ]  # fmt: skip


async def test_a_row_tells_the_call(tmp_path: Path, aiohttp_client: AiohttpClient) -> None:
    """Time in the zone of the address, usage, model, duration, tokens with their kinds and cost stand in the row."""
    tokens = Tokens(source="reported", input_uncached=100, cache_read=900, output_text=50)
    client = await aiohttp_client(an_app(tmp_path, [a_call(tokens=tokens, started_at_us=NOON_US)]))
    row = plain((await html(client, "/logs?tz=Asia/Kathmandu")).split("<tbody")[1])
    assert "2026-11-21 17:45:00" in row
    for told in ("0.0450", "gpt-4o-mini-2024-07-18", "1.23", "1,050", "1,000", "50", "900 cached", "$0.0000450"):
        assert told in row


@pytest.mark.parametrize(
    ("changes", "word", "edge"),
    [
        ({"status": 429, "error": CallError("rate_limit", None, "Slow down")}, "error 429", "bad"),
        ({"outcome": "rejected", "status": 401, "fault": "policy"}, "refused 401", "refused"),
        ({"outcome": "interrupted", "status": None}, "interrupted", "bad"),
        ({"outcome": "client_left"}, "client left", "warn"),
        ({"outcome": "upstream_timed_out", "status": 504}, "timed out 504", "bad"),
        ({"error": CallError("overloaded", None, "Too busy")}, "error in stream", "bad"),
    ],
)
async def test_what_went_wrong_is_a_word(
    tmp_path: Path, aiohttp_client: AiohttpClient, changes: dict[str, object], word: str, edge: str
) -> None:
    """A call that failed, was refused or broke off says so in its row in a word, beside its colour."""
    client = await aiohttp_client(an_app(tmp_path, [a_call(**changes)]))
    text = await html(client, "/logs")
    assert f'class="call {edge}"' in text
    assert word in plain(text.split("<tbody")[1])


async def test_unknown_is_a_word_and_never_zero(tmp_path: Path, aiohttp_client: AiohttpClient) -> None:
    """A call without counts and price shows no number for them; the totals say of how many calls they do not know."""
    call = a_call(tokens=None, cost=Cost(state="unknown"), usage_micro=None)
    client = await aiohttp_client(an_app(tmp_path, [call]))
    text = await html(client, "/logs")
    row = text.split("<tbody")[1]
    assert ">unknown</span>" in row
    assert not re.search(r"\$0|>0<", row)
    sums = plain(await html(client, "/logs/totals"))
    assert "Cost unknown of 1 call" in sums
    assert "Tokens unknown of 1 call" in sums


async def test_estimates_are_marked(tmp_path: Path, aiohttp_client: AiohttpClient) -> None:
    """Estimated tokens and the cost made from them carry a ~."""
    tokens = Tokens(source="estimated", input_uncached=100, output_text=50)
    client = await aiohttp_client(
        an_app(tmp_path, [a_call(tokens=tokens, cost=Cost(state="estimated", nano_usd=45_000))])
    )
    row = (await html(client, "/logs")).split("<tbody")[1]
    assert "~150" in row
    assert "~$0.0000450" in row


async def test_slowness_is_measured_by_the_model(tmp_path: Path, aiohttp_client: AiohttpClient) -> None:
    """A duration usual for one model is marked as very slow for a quicker one."""
    recent = NOW_US - HOUR_US
    quick = [a_call(model="quick", duration_us=100_000, started_at_us=recent + number) for number in range(60)]
    steady = [a_call(model="steady", duration_us=3_000_000, started_at_us=recent + number) for number in range(60)]
    odd = a_call(model="quick", duration_us=3_000_000, started_at_us=NOW_US - 1)
    client = await aiohttp_client(an_app(tmp_path, [*quick, *steady, odd]))
    text = await html(client, "/logs?limit=200")
    while 'title="slower' not in text and "very_slow" not in text:  # a page does not wait for its colours
        text = await html(client, "/logs?limit=200")
    slow = re.findall(r'<tr id="call-([0-9a-f-]+)"(?:(?!</tr>).)*?duration very_slow', text, re.DOTALL)
    assert slow == [text_id(odd)]


async def test_filters_combine_and_come_back_as_chips(tmp_path: Path, aiohttp_client: AiohttpClient) -> None:
    """Filters of the address narrow the rows together; each is a chip whose link is the address without it."""
    calls = [a_call(model=model, key=key) for model in ("gpt-4o", "gpt-5", "claude") for key in ("a", "b")]
    client = await aiohttp_client(an_app(tmp_path, calls))
    text = await html(client, "/logs?model=gpt-*&key=!b&columns=key")
    assert set(ids(text)) == {text_id(calls[0]), text_id(calls[2])}
    chips = [(unescape(href), plain(shown)) for href, shown in re.findall(r'<a class="chip[^"]*" href="([^"]+)".*?>(.*?)</a>', text, re.DOTALL)]  # fmt: skip  # noqa: E501
    assert [href for href, _ in chips] == ["/logs?key=!b&columns=key", "/logs?model=gpt-*&columns=key", "/logs?columns=key"]  # fmt: skip  # noqa: E501
    assert "gpt-*" in chips[0][1]
    assert "not b" in chips[1][1]


async def test_menus_list_what_exists_with_counts_and_keep_what_is_chosen(
    tmp_path: Path, aiohttp_client: AiohttpClient
) -> None:
    """A menu lists every value with its calls, whatever it has chosen itself; what is chosen stays listed."""
    calls = [*(a_call(model="big") for _ in range(3)), a_call(model="small")]
    client = await aiohttp_client(an_app(tmp_path, calls))
    menu = await html(client, "/logs/values?of=model&model=big&model=gone")
    options = re.findall(r'name="model" value="([^"!]+)"( checked)?>.*?</label>', menu, re.DOTALL)
    assert options == [("gone", " checked"), ("big", " checked"), ("small", "")]
    assert re.findall(r'title="(\d+) calls"', menu) == ["3", "1"]
    narrowed = await html(client, "/logs/values?of=model&typed=SM&model=big")
    assert re.findall(r'name="model" value="([^"!]+)"', narrowed) == ["big", "small"]


async def test_totals_obey_every_filter(tmp_path: Path, aiohttp_client: AiohttpClient) -> None:
    """The totals line counts the calls of the filter, not those of the page."""
    calls = [*(a_call(user="ana") for _ in range(7)), *(a_call(user="bo", status=500) for _ in range(5))]
    client = await aiohttp_client(an_app(tmp_path, calls))
    text = await html(client, "/logs/totals?user=bo")
    assert re.search(r"Calls 5 ", plain(text))
    assert re.search(r"Errors 5 100", plain(text))
    assert "Calls 12" in plain(await html(client, "/logs/totals"))


async def test_pages_lead_through_every_call_and_back(tmp_path: Path, aiohttp_client: AiohttpClient) -> None:
    """Following Older shows every call once; following Newer from the end shows the same pages again."""
    calls = [a_call() for _ in range(25)]
    client = await aiohttp_client(an_app(tmp_path, calls))
    pages: list[list[str]] = []
    address: str | None = "/logs?limit=10"
    text = ""
    while address:
        text = await html(client, address)
        pages.append(ids(text))
        address = link(text, "older")
    assert [one for page in pages for one in page] == [text_id(call) for call in reversed(calls)]
    back = [pages.pop()]
    while address := link(text, "newer"):
        text = await html(client, address)
        back.append(ids(text))
        assert back[-1] == pages.pop()
    assert pages == []
    assert "cursor" not in dict(parse_qsl(urlsplit(link(await html(client, "/logs?limit=10"), "newest") or "").query))


async def test_heads_sort_and_turn_round(tmp_path: Path, aiohttp_client: AiohttpClient) -> None:
    """The head of a column leads to its order, marked for screen readers, and then to the opposite one."""
    calls = [a_call(duration_us=us) for us in (2_000, 3_000, 1_000)]
    client = await aiohttp_client(an_app(tmp_path, calls))
    seen = []
    address = "/logs"
    for expected in ("descending", "ascending"):
        found = re.search(r'href="([^"]+)" data-go>Duration', await html(client, address))
        assert found is not None
        address = unescape(found[1])
        text = await html(client, address)
        assert re.search(rf'aria-sort="{expected}"><a href="[^"]+" data-go>Duration', text)
        seen.append(ids(text))
    assert seen[0] == [text_id(calls[number]) for number in (1, 0, 2)]
    assert seen[1] == seen[0][::-1]


async def test_columns_are_added_by_the_address(tmp_path: Path, aiohttp_client: AiohttpClient) -> None:
    """`columns` adds columns before Details, however several are written; an unknown one is a 400 that names it."""
    client = await aiohttp_client(an_app(tmp_path, [a_call(user="ana")]))
    for address in ("/logs?columns=user,key", "/logs?columns=user&columns=key"):
        text = await html(client, address)
        assert re.findall(r'data-column="([a-z]+)"', text) == ["key", "user"]
        assert "ana" in text.split("<tbody")[1]
    assert "columns" in plain(await html(client, "/logs?columns=weather", 400))


async def test_empty_fields_and_new_tags_become_a_plain_address(tmp_path: Path, aiohttp_client: AiohttpClient) -> None:
    """A form sent without scripts leads to the address without empty fields, and a new tag to its own parameter."""
    client = await aiohttp_client(an_app(tmp_path, [a_call(tags={"team": "x"}), a_call()]))
    answer = await client.get("/logs?model=&key=laptop&min_tokens=", allow_redirects=False)
    assert (answer.status, answer.headers["Location"]) == (303, "/logs?key=laptop")
    answer = await client.get("/logs?tag=team=x")
    assert answer.url.query_string == "tag.team=x"
    assert len(ids(await answer.text())) == 1


async def test_wrong_filters_are_named(tmp_path: Path, aiohttp_client: AiohttpClient) -> None:
    """A parameter that means nothing is a 400 page that names it, also on the pieces of the page."""
    client = await aiohttp_client(an_app(tmp_path))
    for address in ("/logs?modell=x", "/logs/totals?modell=x", "/logs/histogram?modell=x"):
        assert "<code>modell</code>" in await html(client, address, 400)


async def test_exports_ask_for_the_same_calls(tmp_path: Path, aiohttp_client: AiohttpClient) -> None:
    """The links of the export menu carry every filter, the zone and the order, and none of the page's own state."""
    client = await aiohttp_client(an_app(tmp_path, [a_call()]))
    text = await html(client, "/logs?model=gpt-*&from=2026-11-01&sort=cost&columns=key&live=1")
    links = [unescape(href) for href in re.findall(r'href="(/api/export[^"]+)"', text)]
    assert [dict(parse_qsl(urlsplit(href).query))["format"] for href in links] == ["csv", "jsonl", "parquet"]
    for href in links:
        assert dict(parse_qsl(urlsplit(href).query)).keys() == {"format", "model", "from", "sort", "tz"}
        assert (await client.get(href)).status == 200


async def test_an_empty_book_tells_how_to_begin_and_an_empty_answer_how_to_widen(
    tmp_path: Path, aiohttp_client: AiohttpClient
) -> None:
    """Without calls the page says where to point a client; under a filter that nothing matches, how to clear it."""
    client = await aiohttp_client(an_app(tmp_path))
    assert "OPENAI_BASE_URL" in await html(client, "/logs")
    text = await html(client, "/logs?model=nobody")
    assert "OPENAI_BASE_URL" not in text
    assert 'href="/logs" data-go>Clear all filters' in text


async def test_a_search_says_how_far_it_reaches(tmp_path: Path, aiohttp_client: AiohttpClient) -> None:
    """Under a text search the page says which calls it covers and how many it has not seen."""
    client = await aiohttp_client(an_app(tmp_path, [a_call()]))
    said = plain(await html(client, "/logs?q=hello"))
    assert "No text of requests and responses can be searched yet. 1 call is still to be read" in said
    assert "still to be read" not in plain(await html(client, "/logs"))
    indexed(tmp_path, 1)
    whole = plain(await html(client, "/logs?q=hello"))
    assert "up to 2026-11-21 12:00:00, as far as it was kept." in whole
    assert "removed" not in whole  # nothing was


def test_rates_are_of_the_time_that_was_counted() -> None:
    """Calls per minute of sums that go back to some time only are over the time since then."""
    asked = parse([("from", "2026-11-20T12:00:00Z")], at(NOON_US))
    sums = {"calls": 30, "errors": 3, "tokens": {"total": None, "unknown_calls": 30, "estimated_calls": 0}}
    told = {"total": sums, "complete": False, "read_back_to": "2026-11-21T11:30:00.000000Z"}
    found = totals(State("/logs", ()), asked, told, asked.from_us, NOON_US)
    assert (found.calls_per_minute, found.tokens_per_minute) == (1.0, None)
    whole = totals(State("/logs", ()), asked, {**told, "read_back_to": None}, asked.from_us, NOON_US)
    assert whole.calls_per_minute == 30 / (24 * 60)


async def test_bars_hold_every_call(tmp_path: Path, aiohttp_client: AiohttpClient) -> None:
    """The bars of the histogram add up to the calls and errors of the filter, for every range."""
    calls = [
        a_call(started_at_us=NOW_US - hours * HOUR_US - 1, status=500 if hours % 5 == 0 else 200)
        for hours in range(200)
    ]
    client = await aiohttp_client(an_app(tmp_path, calls))
    for since, hours in (("1h", 1), ("24h", 24), ("7d", 168), (None, 200)):
        address = f"/logs/histogram?tz=Asia/Kathmandu&{f'from={since}' if since else ''}".rstrip("&")
        told = re.findall(r"<title>.*?: ([\d,]+) calls?, ([\d,]+) errors?</title>", await html(client, address))
        assert sum(int(number) for number, _ in told) == hours
        assert sum(int(number) for _, number in told) == len(range(0, hours, 5))
        assert len(told) <= 121


async def test_hostile_names_are_text(tmp_path: Path, aiohttp_client: AiohttpClient) -> None:
    """Markup, terminal sequences and overrides of the writing direction in names and errors come out as signs."""
    hostile = '<img src=x onerror="alert(1)">\x1b[31m\u202eevil'
    call = a_call(model=hostile, key="k", user=hostile, tags={hostile: hostile}, status=500, error=CallError(None, None, hostile))  # fmt: skip  # noqa: E501
    client = await aiohttp_client(an_app(tmp_path, [call]))
    text = await html(client, "/logs?columns=user")
    assert "<img src=x" not in text
    shown = "\n".join(line for line in text.splitlines() if "value=" not in line)
    assert "\x1b" not in shown
    assert "\u202e" not in shown
    assert re.search(r"202E\W*evil", shown, re.IGNORECASE)


async def test_an_empty_book_says_how_calls_come_to_be_seen(tmp_path: Path, aiohttp_client: AiohttpClient) -> None:
    """The first page says what to point at Tollbook, and promises calls by themselves only where they come so."""
    client = await aiohttp_client(an_app(tmp_path, []))
    still, live = await html(client, "/logs"), await html(client, "/logs?live=1")
    for text in (still, live):
        assert "OPENAI_BASE_URL=http://127.0.0.1:" in plain(text)
        assert "0 calls" in plain(text)
    assert "appears here" not in plain(still)
    assert link(still, "watch") == link(still, "live") == "/logs?live=1"
    assert "Each call appears here when it ends." in plain(live)
    assert link(live, "watch") is None


async def test_one_call_is_not_calls(tmp_path: Path, aiohttp_client: AiohttpClient) -> None:
    """What is read to the blind counts as people do."""
    text = plain(await html(await aiohttp_client(an_app(tmp_path, [a_call()])), "/logs"))
    assert "1 call" in text
    assert "1 calls" not in text
