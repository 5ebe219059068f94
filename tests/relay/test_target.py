"""The request target reaches the upstream byte for byte, or is refused; nothing in it can choose another origin."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from proxy.target import Target, read_target
from tests.conftest import OpenHouse
from tests.relay.conftest import Dial, OpenUpstream
from tests.relay.neighbours import sized

OK = sized(b"{}", b"Content-Type: application/json")
PASSED = [
    "/v1/models?",
    "/v1/files/a%2Fb",
    "/v1/models/ft:gpt-4o:org::id",
    "/v1beta/models/gemini-2.0-flash:generateContent",
    "/v1/x?q=a+b&c=%20&d=%2B",
    "/v1/x?pipe=a|b&braces={}&quote=\"'",
    "/v1/x?next=http://evil.example/&at=@evil.example",
    "/v1//double",
    "//double",
    "/v1/@evil.example/",
    "/v1/;semi=colon",
    "/v1/x??a=b?c",
    "/v1/...three/..four/a..b",
    "/v1/x?dots=/../y",
    "/",
    "/v1/" + "long" * 5000,
]
REFUSED = [
    "/groq/v1/../../secret",
    "/groq/v1/..",
    "/groq/v1/.",
    "/groq/./v1",
    "/groq/v1/%2e%2e/x",
    "/groq/v1/%2E./x",
    "/groq/v1/.%2e",
    "/groq/v1/%2e?x=1",
    "/groq/../openai/v1",
    "/groq/v1\\..\\x",
    "/groq/v1/x#fragment",
    "http://evil.example/groq/v1/models",
    "*",
]


@pytest.mark.parametrize("rest", PASSED, ids=lambda rest: rest[:40])
async def test_target_passes(house: OpenHouse, raw_upstream: OpenUpstream, dial: Dial, rest: str) -> None:
    """The upstream receives the path and query with exactly the bytes the client sent."""
    upstream = await raw_upstream(OK)
    client = await dial((await house(upstream.url)).proxy)
    await client.ask(f"/groq{rest}")
    assert (await client.answer()).status == 200
    (visit,) = upstream.visits
    assert visit.head.line.decode("latin-1") == f"GET {rest} HTTP/1.1"
    assert visit.head.values(b"host") == [upstream.url.removeprefix("http://").encode()]


async def test_base_path_comes_first(house: OpenHouse, raw_upstream: OpenUpstream, dial: Dial) -> None:
    """A path in base_url stands before the client's path."""
    upstream = await raw_upstream(OK)
    client = await dial((await house(f"{upstream.url}/base/v9")).proxy)
    await client.ask("/groq/models?a=1")
    assert (await client.answer()).status == 200
    assert upstream.visits[0].head.line == b"GET /base/v9/models?a=1 HTTP/1.1"


@pytest.mark.parametrize("target", REFUSED)
async def test_ambiguous_target_is_refused(
    house: OpenHouse, raw_upstream: OpenUpstream, dial: Dial, target: str
) -> None:
    """A target that two readers may understand differently is a 400, a rejected row, and no call upstream."""
    upstream = await raw_upstream(OK)
    home = await house(upstream.url)
    client = await dial(home.proxy)
    await client.ask(target, "OPTIONS" if target == "*" else "GET")
    got = await client.answer()
    assert (got.status, got.value(b"x-tollbook-error")) == (400, b"bad_target")
    row = await home.row()
    assert (row["outcome"], row["status"]) == ("rejected", 400)
    assert upstream.connections == 0


async def test_connect_is_refused(house: OpenHouse, raw_upstream: OpenUpstream, dial: Dial) -> None:
    """CONNECT is refused: this is no tunnel."""
    upstream = await raw_upstream(OK)
    home = await house(upstream.url)
    client = await dial(home.proxy)
    await client.say(b"CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example:443\r\n\r\n")
    assert (await client.head()).status in (400, 405)
    assert upstream.connections == 0


@pytest.mark.parametrize("target", ["/groq/a\x01b", "/groq/a\x7fb", "/groq/a\tb", "/groq/caf\u00e9"])
async def test_bytes_no_target_holds_are_refused(
    house: OpenHouse, raw_upstream: OpenUpstream, dial: Dial, target: str
) -> None:
    """A control or non-ASCII byte in the target is a 400, whoever finds it."""
    upstream = await raw_upstream(OK)
    home = await house(upstream.url)
    client = await dial(home.proxy)
    await client.ask(target)
    got = await client.answer()
    assert got.status == 400
    assert upstream.connections == 0


@given(
    st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), max_size=60),
    st.sampled_from(["", "/", "//", "?", "/v1", "@", ":", ":80@", "\\", "/%2e", "%00"]),
)
def test_no_target_changes_the_origin(text: str, infix: str) -> None:
    """Whatever the target, the URL that is asked keeps the configured scheme, host and port."""
    target = read_target(f"/groq{infix}{text}")
    if isinstance(target, Target):
        assert target.rest.startswith("/")
        asked = URL("http://127.0.0.1:9" + target.rest, encoded=True)
        assert asked.origin() == URL("http://127.0.0.1:9")
        assert asked.user is None


async def test_random_targets_arrive_or_are_refused(house: OpenHouse, raw_upstream: OpenUpstream, dial: Dial) -> None:
    """Of random targets, each is refused or arrives unchanged at the one configured upstream."""
    upstream = await raw_upstream(OK)
    client = await dial((await house(upstream.url)).proxy)
    letters = "/.%2eF?&=+|;:@~!$'()*,-_[]^`{}<>\"aZ0"
    dice = random.Random(20260101)
    arrived = 0
    for _ in range(300):
        rest = "/" + "".join(dice.choices(letters, k=dice.randrange(24)))
        await client.ask(f"/groq{rest}")
        got = await client.answer()
        if got.status == 200:
            assert upstream.visits[-1].head.line.decode() == f"GET {rest} HTTP/1.1"
            assert len(upstream.visits) == arrived + 1
            arrived += 1
        else:
            assert got.status == 400
    assert arrived > 150
