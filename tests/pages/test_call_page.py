"""The page of one call, and the piece of it that opens beneath a row, over a real book."""

import re
from collections.abc import Callable
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import msgspec
import pytest
from aiohttp.test_utils import TestClient
from pytest_aiohttp.plugin import AiohttpClient

from proxy.config.model import Capture
from store.api.parts import PARTS
from store.book import Entry, KeptBody
from store.call import Tokens
from tests.api.listener import an_app
from tests.books import NOON_US, a_call
from tests.pages.sample_calls import (
    HOSTILE,
    JSON_TYPE,
    SENT,
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

TIMES = "\N{MULTIPLICATION SIGN}"
SAID = [
    (a_chat, ["gpt-4o-mini-2024-07-18", "You are a clerk.", "What is on this picture?", "image/png", "300 bytes",
              "Tool call look", "a wheelbarrow", "It has one wheel.", "A wheelbarrow.", "Tool call note",
              "Looks at it.",
              "temperature", "0.25", "200 OK", "The answer was complete.", "of which reasoning", "Read from a cache",
              f"{TIMES} $0.15", "= $0.000015", "openai/gpt-4o-mini*", "since 2024-07-18",
              f"ratio 1 {TIMES} 1000 per USD", "laptop",
              "default", "req_1", "stop", "127.0.0.1", "tests/1", "Tag team", "shop", "s-1", "ada"]),
    (a_stream, ["Thinking", "Count to three.", "One, two, three.", "Tool call ring", '"bell": 1',
                "put together from the stream",
                "~16", "Estimated from the text", "rounded to whole nano-dollars", "= $0.0000119997", "= $0.000012",
                "The stream ended without telling its usage", "brand_new", "x-api-key: $ANTHROPIC_API_KEY",
                "anthropic-version: 2023-06-01"]),
    (an_embedding, ["8 numbers: 0.125, -0.5", "wheel", "dimensions",
                    "Unknown, because no price is known for text-embedding-3-small"]),
    (an_image, ["image/*", "3000 bytes", "a wheelbarrow at dawn", "1024x1024", f"{TIMES} $0.04 per image",
                "Input by painter", "Price of painter", "prices[7] */p*"]),
    (an_error, ["429 Too Many Requests", "The upstream answered 429 Too Many Requests: Rate limit reached for requests",
                "rate_limit_exceeded", "the client", "providers bill nothing for a call they refuse"]),
    (a_refusal, ["404 Not Found", "Tollbook refused this call: There is no upstream 'opnai'.", "/opnai/v1/models",
                 "none: the path names no upstream", "The request had no body.",
                 "To the upstream's headers never", "No upstream was asked."]),
    (an_interruption, ["no status", "Tollbook itself was stopped, or died, while this call was under way.",
                       "Still there?", "Tollbook itself", "Unknown, because the call ended before its usage was told"]),
]  # fmt: skip


OURS = frozenset((
    "html", "head", "meta", "title", "link", "script", "body", "a", "header", "img", "nav", "button", "main", "p", "h1",
    "h2", "h3", "time", "article", "div", "section", "svg", "rect", "table", "caption", "thead", "tbody", "tfoot", "tr",
    "th", "td", "dl", "dt", "dd", "ol", "ul", "li", "details", "summary", "span", "bdi", "code", "pre",
))  # fmt: skip


class Elements(HTMLParser):
    """The elements of a page with their attributes, as a browser finds them."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, list[tuple[str, str | None]]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, attrs))


def words(html: str) -> str:
    """What a person reads."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())


async def opened(aiohttp_client: AiohttpClient, data_dir: Path, *entries: Entry) -> TestClient:  # type: ignore[type-arg]
    return await aiohttp_client(an_app(data_dir, entries))


@pytest.mark.parametrize(("make", "said"), SAID, ids=[make.__name__ for make, _ in SAID])
async def test_everything_is_told(
    tmp_path: Path, aiohttp_client: AiohttpClient, make: Callable[[], Entry], said: list[str]
) -> None:
    """The page and the piece both tell all there is about a call of this kind."""
    entry = make()
    client = await opened(aiohttp_client, tmp_path, a_chat(), entry)
    for address in (f"/logs/{text_id(entry)}", f"/logs/{text_id(entry)}/details"):
        answer = await client.get(address)
        assert answer.status == 200
        told = words(await answer.text())
        assert [part for part in said if part not in told] == []
        assert text_id(entry) in told


async def test_the_piece_is_an_article_alone(tmp_path: Path, aiohttp_client: AiohttpClient) -> None:
    """What opens beneath a row is one article without the page around it."""
    entry = a_chat()
    client = await opened(aiohttp_client, tmp_path, entry)
    piece = (await (await client.get(f"/logs/{text_id(entry)}/details")).text()).strip()
    assert piece.startswith('<article class="call')
    assert piece.endswith("</article>")
    assert "<html" not in piece
    assert piece.count("<article") == 1


async def test_nothing_hostile_is_markup(tmp_path: Path, aiohttp_client: AiohttpClient) -> None:
    """Whatever a stranger wrote is text: no element, no attribute, no address to load, no character that acts."""
    entry = a_hostile_call()
    client = await opened(aiohttp_client, tmp_path, entry)
    page = await (await client.get(f"/logs/{text_id(entry)}")).text()
    assert "alert(1)" in page
    elements = Elements()
    elements.feed(page)
    assert {name for name, _ in elements.found} <= OURS
    attributes = [(name, value or "") for _, given in elements.found for name, value in given]
    assert [name for name, _ in attributes if name.startswith("on") or name == "style"] == []
    sources = [value for name, value in attributes if name in ("src", "href", "action", "data", "poster", "srcset")]
    assert [one for one in sources if not one.startswith(("/", "#content"))] == []
    assert [one for one in sources if one.startswith("//")] == []
    assert not set(page) & {"\x00", "\x07", "\x1b", "\u202e", "\u202c"}
    assert len(page) < 200_000


async def test_large_bodies_are_cut_on_the_page_alone(tmp_path: Path, aiohttp_client: AiohttpClient) -> None:
    """A page says how much it leaves out and links to all of it, which is there byte for byte."""
    entry = a_hostile_call()
    assert entry.request is not None
    client = await opened(aiohttp_client, tmp_path, entry)
    page = await (await client.get(f"/logs/{text_id(entry)}/details")).text()
    assert "970,000 more characters are not shown here" in words(page)
    assert f'href="/logs/{text_id(entry)}/request"' in page
    assert await (await client.get(f"/logs/{text_id(entry)}/request")).read() == entry.request.data


async def test_raw_bodies_run_nothing(tmp_path: Path, aiohttp_client: AiohttpClient) -> None:
    """A body is plain text in a sandbox whatever it claims to be; bytes that are no text are a file to save."""
    html = Entry(a_call(), (), KeptBody(b"<script>alert(1)</script>"), (("content-type", "text/html"),),
                 KeptBody(b"\x89PNG\r\n\x00"))  # fmt: skip
    client = await opened(aiohttp_client, tmp_path, html)
    asked = await client.get(f"/logs/{text_id(html)}/request")
    answered = await client.get(f"/logs/{text_id(html)}/response")
    assert asked.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert answered.headers["Content-Type"] == "application/octet-stream"
    assert answered.headers["Content-Disposition"].startswith("attachment; ")
    for answer in (asked, answered):
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "sandbox;" in policy
        assert "allow-" not in policy


async def test_bodies_with_a_hole_say_so(tmp_path: Path, aiohttp_client: AiohttpClient) -> None:
    """A body whose middle was not kept is told as such on the page, in the raw body and in the command."""
    body = b'{"model":"m","messages":[{"role":"user","content":"first"},{"role":"us' + b'r","content":"last"}]}'
    entry = Entry(a_call(request_bytes=10**6), SENT, KeptBody(body, cut=70), JSON_TYPE, KeptBody(b"{}"))
    client = await opened(aiohttp_client, tmp_path, entry)
    told = words(await (await client.get(f"/logs/{text_id(entry)}")).text())
    assert "passed; the middle was not kept" in told
    assert "Here the middle of this body was not kept." in told
    assert "first" in told
    assert "its request body is not kept whole" in told
    assert b"the middle of this body was not kept" in await (await client.get(f"/logs/{text_id(entry)}/request")).read()


async def test_bodies_that_are_not_kept_say_why(tmp_path: Path, aiohttp_client: AiohttpClient) -> None:
    """Without bodies the page names the setting, or that they are gone; there is no raw body to open."""
    call = a_call()
    app = an_app(tmp_path, [call])
    client = await aiohttp_client(app)
    address = f"/logs/{text_id(call)}"
    assert "or it has been pruned since" in words(await (await client.get(address)).text())
    config = app[PARTS].config
    object.__setattr__(config, "capture", Capture(bodies="none"))
    assert '[capture] bodies = "none"' in words(await (await client.get(address)).text())
    assert (await client.get(f"{address}/request")).status == 404


@pytest.mark.parametrize(("id_", "heading"), [
    ("0193a5f0-c0de-7000-8000-ffffffffffff", "There is no such call"), ("nonsense", "There is no such call"),
    ("0193a5f0", "Several calls have an id that begins so"),
])  # fmt: skip
async def test_an_id_of_no_call(tmp_path: Path, aiohttp_client: AiohttpClient, id_: str, heading: str) -> None:
    """No call, or no single one, is a page that says so, and a 404."""
    client = await opened(aiohttp_client, tmp_path, a_chat(), a_stream())
    for rest in ("", "/details", "/request", "/earlier"):
        answer = await client.get(f"/logs/{id_}{rest}")
        assert answer.status == 404
        assert answer.content_type == "text/html"
        if rest != "/details":
            assert heading in words(await answer.text())


async def test_the_beginning_of_an_id_is_enough(tmp_path: Path, aiohttp_client: AiohttpClient) -> None:
    """The only call whose id begins so is where one is led."""
    entry = a_chat()
    client = await opened(aiohttp_client, tmp_path, entry)
    answer = await client.get("/logs/0193a5f0?tz=UTC", allow_redirects=False)
    assert (answer.status, answer.headers["Location"]) == (303, f"/logs/{text_id(entry)}?tz=UTC")


async def test_from_call_to_call(tmp_path: Path, aiohttp_client: AiohttpClient) -> None:
    """Earlier and later lead through the calls of the list somebody came from; its ends are said."""
    calls = [Entry(a_call(key=key, started_at_us=NOON_US + at)) for at, key in enumerate(["a", "b", "a", "b"])]
    client = await opened(aiohttp_client, tmp_path, *calls)

    async def led(entry: Entry, direction: str, back: str) -> str | None:
        answer = await client.get(
            f"/logs/{text_id(entry)}/{direction}", params={"back": back} if back else {}, allow_redirects=False
        )
        return answer.headers.get("Location", "").partition("?")[0].rpartition("/")[2] or None

    assert await led(calls[2], "earlier", "") == text_id(calls[1])
    assert await led(calls[2], "later", "") == text_id(calls[3])
    assert await led(calls[2], "earlier", "/logs?key=a") == text_id(calls[0])
    assert await led(calls[2], "later", "/logs?key=a") is None
    assert await led(calls[3], "earlier", "/logs?key=b&sort=cost&limit=7") == text_id(calls[1])


@pytest.mark.parametrize(("back", "leads"), [
    ("/logs?model=gpt-*&status=error", "/logs?model=gpt-*&amp;status=error"), ("", "/logs"),
    ("https://evil.example/?a=b", None), ("//evil.example/logs?a=b", None), ("javascript:alert(1)//?a=b", None),
    ("?" + "&".join(["key=a"] * 300), "/logs?" + "&amp;".join(["key=a"] * 300)),
])  # fmt: skip
async def test_the_way_back_keeps_its_filters(
    tmp_path: Path, aiohttp_client: AiohttpClient, back: str, leads: str | None
) -> None:
    """The link back has the filters of the list, and never leads anywhere but to the list."""
    entry = a_chat()
    client = await opened(aiohttp_client, tmp_path, entry)
    page = await (await client.get(f"/logs/{text_id(entry)}", params={"back": back} if back else {})).text()
    (found,) = re.findall(r'<a href="([^"]*)">Back to the list', page)
    assert found == leads if leads is not None else re.match(r"/logs(\?|$)", found)


async def test_a_wrong_parameter_is_said(tmp_path: Path, aiohttp_client: AiohttpClient) -> None:
    """Unknown parameters and zones are a page that names them."""
    entry = a_chat()
    client = await opened(aiohttp_client, tmp_path, entry)
    for query, name in (("x=1", "x"), ("tz=Mars/Base", "tz")):
        answer = await client.get(f"/logs/{text_id(entry)}?{query}")
        assert answer.status == 400
        assert f"The parameter is {name}" in words(await answer.text())


async def test_values_lead_to_their_calls(tmp_path: Path, aiohttp_client: AiohttpClient) -> None:
    """Key, group, model, session, user and tags are links to the list of the calls that have them."""
    entry = a_chat()
    client = await opened(aiohttp_client, tmp_path, entry)
    page = unescape(await (await client.get(f"/logs/{text_id(entry)}")).text())
    for query in (
        "key=laptop",
        "group=default",
        "model=gpt-4o-mini-2024-07-18",
        "session=s-1",
        "user=ada",
        "tag.team=shop",
    ):
        assert f'href="/logs?{query}"' in page
        listed = await client.get(f"/api/logs?{query}")
        assert len((await listed.json())["logs"]) == 1


@pytest.mark.parametrize("key", ["laptop", None])
async def test_what_the_same_key_called_around_it_is_a_click_away(
    tmp_path: Path, aiohttp_client: AiohttpClient, key: str | None
) -> None:
    """The attempts before and after a call are in a list of the calls of its key, two minutes before it and after."""
    second = 1_000_000
    there = [(key, 0), (key, -100), (key, 150)]  # it takes a minute
    elsewhere = [(key, -130), (key, 190), ("phone", -5)]
    calls = [
        a_call(key=whose, started_at_us=NOON_US + at * second, duration_us=60 * second)
        for whose, at in there + elsewhere
    ]
    client = await aiohttp_client(an_app(tmp_path, calls))
    text = await (await client.get(f"/logs/{text_id(calls[0])}")).text()
    found = re.search(r'href="(/logs[^"]*)"[^>]*>Calls of the same key', text)
    assert found is not None
    listed = await (await client.get(unescape(found[1]))).text()
    assert [text_id(call) in listed for call in calls] == [True, True, True, False, False, False]


async def test_unknown_is_a_word(tmp_path: Path, aiohttp_client: AiohttpClient) -> None:
    """What nobody told is unknown, never 0: tokens, cost, usage, duration."""
    entry = an_interruption()
    client = await opened(aiohttp_client, tmp_path, entry)
    told = words(await (await client.get(f"/logs/{text_id(entry)}/details")).text())
    for name in ("Input unknown", "Output unknown", "Cost unknown", "Usage unknown", "To the complete answer unknown"):
        assert name in told
    assert "$0" not in told


async def test_long_conversations_keep_both_ends(tmp_path: Path, aiohttp_client: AiohttpClient) -> None:
    """Of very many turns the first and the last are shown, and how many are left out."""
    turns = [{"role": "user", "content": f"turn-{number};"} for number in range(500)]
    entry = a_chat()
    body = KeptBody(b'{"messages":' + str(turns).replace("'", '"').encode() + b"}")
    client = await opened(aiohttp_client, tmp_path, Entry(entry.call, SENT, body, (), KeptBody(b"{}")))
    told = words(await (await client.get(f"/logs/{text_id(entry)}/details")).text())
    assert "turn-0;" in told
    assert "turn-499;" in told
    assert "452 turns in between are not shown here" in told


async def test_caching_that_cost_more_than_it_saved(tmp_path: Path, aiohttp_client: AiohttpClient) -> None:
    """What caching saved is told with its sign."""
    call = a_call(tokens=Tokens("reported", input_uncached=1, cache_write_5m=1000, output_text=1))
    saved = call.cost.__class__(**{name: getattr(call.cost, name) for name in call.cost.__struct_fields__} | {
        "cache_saved": -1_250_000})  # fmt: skip
    client = await aiohttp_client(
        an_app(tmp_path, [a_call(call_id=call.call_id, tokens=call.reading.tokens, cost=saved)])
    )
    told = words(await (await client.get(f"/logs/{text_id(call)}/details")).text())
    assert "Caching saved -$0.00125 (writing to the cache cost more than reading spared)" in told


def test_the_hostile_text_is_hostile() -> None:
    """The sample has one of everything that could do harm."""
    for danger in ("<script>", "onerror", "![", "javascript:", "\x1b[", "\u202e", "\x00"):
        assert danger in HOSTILE


async def test_a_model_that_did_not_answer_is_not_said_to_have(tmp_path: Path, aiohttp_client: AiohttpClient) -> None:
    """A call that failed has no model that answered; the one it is listed under is told as that."""
    entry = an_error()
    client = await opened(aiohttp_client, tmp_path, entry)
    told = words(await (await client.get(f"/logs/{text_id(entry)}/details")).text())
    assert "Model that answered none ; listed under gpt-4o-mini-2024-07-18" in told


DEEP = b"[" * 50_000 + b"]" * 50_000


ODD = [
    DEEP,
    b'{"messages":' + DEEP + b"}",
    b'{"messages":[{"role":"user","content":' + b"[" * 900 + b"]" * 900 + b"}]}",
    b'{"messages":[' + b"{}," * 60_000 + b"{}]}",
    b'{"tools":[' + b"{}," * 60_000 + b"{}]}",
    b'{"input":[' + b"1," * 100_000 + b"1]}",
    b'{"data":[' + b"[1]," * 50_000 + b"[1]]}",
    b'{"a":"\\ud800"}',
    b"{" * 1000,
    b"data: {\n\n" * 1000,
    b"\xff\xfe" * 100,
]


@pytest.mark.parametrize("body", ODD, ids=range(len(ODD)))
async def test_odd_bodies_are_shown(tmp_path: Path, aiohttp_client: AiohttpClient, body: bytes) -> None:
    """Deep, wide and broken bodies are a page of bounded size all the same."""
    entry = Entry(a_call(request_bytes=len(body)), SENT, KeptBody(body), JSON_TYPE, KeptBody(body))
    client = await opened(aiohttp_client, tmp_path, entry)
    answer = await client.get(f"/logs/{text_id(entry)}")
    assert answer.status == 200
    assert len(await answer.text()) < 300_000


@pytest.mark.parametrize("header", [("content-length", "77"), ("transfer-encoding", "chunked")])
async def test_a_body_that_nobody_took_is_not_said_to_be_none(
    tmp_path: Path, aiohttp_client: AiohttpClient, header: tuple[str, str]
) -> None:
    """A call that was refused before its body was kept had one all the same, of unknown size, which curl would lack."""
    entry = a_refusal()
    entry = msgspec.structs.replace(entry, request_headers=(*entry.request_headers, header))
    client = await opened(aiohttp_client, tmp_path, entry)
    told = words(await (await client.get(f"/logs/{text_id(entry)}")).text())
    assert "The request had a body. Tollbook refused the call before any of it was kept." in told
    assert "had no body" not in told
    assert "unknown asked, 0 B answered" in " ".join(told.split()).replace("\N{NARROW NO-BREAK SPACE}", " ")
    assert "This is not the whole call: its request body is not kept." in told


async def test_a_fast_answer_has_a_pace_in_plain_digits(tmp_path: Path, aiohttp_client: AiohttpClient) -> None:
    """Thousands of tokens in a second are written as such, not as a power of ten."""
    entry = a_chat()
    call = msgspec.structs.replace(
        entry.call, first_token_us=100_000, duration_us=1_100_000,
        reading=msgspec.structs.replace(
            entry.call.reading, stream=True, tokens=Tokens("reported", 10, output_text=2_345)
        ),
    )  # fmt: skip
    client = await opened(aiohttp_client, tmp_path, msgspec.structs.replace(entry, call=call))
    told = words(await (await client.get(f"/logs/{text_id(entry)}")).text())
    assert "e+0" not in told
    assert "Tokens per second 2,3" in told


async def test_pauses_and_waiting_for_the_client_are_told(tmp_path: Path, aiohttp_client: AiohttpClient) -> None:
    """The page has both where there was any, and says that it was slow for it."""
    slow, quick = a_call(pause_us=1_000_000, held_us=250_000), a_call(pause_us=400, held_us=0)
    client = await aiohttp_client(an_app(tmp_path, [slow, quick]))
    told = words(await (await client.get(f"/logs/{text_id(slow)}")).text())
    assert "Longest pause 1.00 s" in told
    assert "Waited for the client 250 ms" in told
    assert "The upstream fell silent amid its answer, once for 1.0 s" in told
    told = words(await (await client.get(f"/logs/{text_id(quick)}")).text())
    assert "Longest pause" not in told
    assert "Waited for the client" not in told
