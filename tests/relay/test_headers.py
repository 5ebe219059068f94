"""Headers travel as they came, in both directions, but for those of one hop and those that are Tollbook's own."""

import pytest

from proxy.config.model import Secret
from proxy.credential import own_header
from tests.conftest import OpenHouse
from tests.relay.conftest import Dial, OpenUpstream
from tests.relay.neighbours import Headers, sized

OK = sized(b"{}", b"Content-Type: application/json")
MADE_ANEW = {b"host", b"content-length"}


def told(headers: Headers) -> Headers:
    """Headers without those that each hop makes for itself."""
    return [(name, value) for name, value in headers if name.lower() not in MADE_ANEW]


async def test_request_headers_arrive_in_order(house: OpenHouse, raw_upstream: OpenUpstream, dial: Dial) -> None:
    """Names in their case, duplicates, empty values and order reach the upstream unchanged, and nothing is added."""
    upstream = await raw_upstream(OK)
    client = await dial((await house(upstream.url)).proxy)
    sent = [
        "X-Zebra: 1", "x-alpha: 2", "X-Zebra: 3", "Empty:", "Cookie: a=1", "Cookie: b=2", "X_Under: y",
        "User-Agent: Own/1.0", "accept: application/json", "Accept-Encoding: gzip, br", "X-Utf8: caf\u00c3\u00a9",
        "X-Latin: caf\u00e9",
        "Authorization: Bearer sk-secret", "Content-Type: application/json", "OpenAI-Organization: org",
        "Via: 1.1 edge", "X-Comma: a, b,,c", "Cache-Control: no-cache",
    ]  # fmt: skip
    await client.ask("/groq/v1/models", "GET", *sent)
    assert (await client.answer()).status == 200
    expected = [(name.encode(), value.strip().encode("latin-1")) for name, _, value in (h.partition(":") for h in sent)]
    assert told(upstream.visits[0].head.headers) == expected


async def test_repeated_headers_in_two_cases_arrive(house: OpenHouse, raw_upstream: OpenUpstream, dial: Dial) -> None:
    """A header that comes twice, spelled differently, reaches the upstream twice."""
    upstream = await raw_upstream(OK)
    client = await dial((await house(upstream.url)).proxy)
    await client.ask("/groq/v1/models", "GET", "X-Zebra: 1", "x-alpha: 2", "x-zebra: 3")
    assert (await client.answer()).status == 200
    head = upstream.visits[0].head
    assert head.values(b"x-zebra") == [b"1", b"3"]
    assert head.values(b"x-alpha") == [b"2"]


async def test_nothing_is_added_to_a_bare_request(house: OpenHouse, raw_upstream: OpenUpstream, dial: Dial) -> None:
    """A request with no header but Host reaches the upstream with no header but Host."""
    upstream = await raw_upstream(OK)
    client = await dial((await house(upstream.url)).proxy)
    await client.ask()
    assert (await client.answer()).status == 200
    assert [name.lower() for name, _ in upstream.visits[0].head.headers] == [b"host"]


async def test_hop_headers_stay_here(house: OpenHouse, raw_upstream: OpenUpstream, dial: Dial) -> None:
    """Hop-by-hop headers, those that Connection names, and those about other hops are not forwarded."""
    upstream = await raw_upstream(OK)
    home = await house(upstream.url)
    client = await dial(home.proxy)
    await client.ask(
        "/groq/v1/models", "GET",
        "Connection: keep-alive, X-Named", "x-named: gone", "Keep-Alive: timeout=5", "Proxy-Connection: keep-alive",
        "Proxy-Authorization: Basic eA==", "TE: trailers", "Trailer: X-T", "Upgrade: h2c", "X-Forwarded-For: 1.2.3.4",
        "X-Forwarded-Host: evil", "X-Real-IP: 1.2.3.4", "Forwarded: for=1.2.3.4", "x-tollbook-user: ada",
        "X-Tollbook-Tag-Team: blue", "X-Stays: yes",
    )  # fmt: skip
    assert (await client.answer()).status == 200
    assert told(upstream.visits[0].head.headers) == [(b"X-Stays", b"yes")]


@pytest.mark.parametrize("named", ["authorization", "X-Api-Key", "host"])
async def test_connection_cannot_strip_what_matters(
    house: OpenHouse, raw_upstream: OpenUpstream, dial: Dial, named: str
) -> None:
    """A Connection header that names a credential or Host is refused."""
    upstream = await raw_upstream(OK)
    client = await dial((await house(upstream.url)).proxy)
    await client.ask("/groq/v1/models", "GET", f"Connection: {named}", "Authorization: Bearer sk-1")
    assert (await client.answer()).status == 400
    assert upstream.connections == 0


@pytest.mark.parametrize(
    "line",
    ["Authorization: Bearer sk-1", "x-api-key: sk-2", "api-key: sk-3", "X-Goog-Api-Key: sk-4"],
)
async def test_credentials_pass(house: OpenHouse, raw_upstream: OpenUpstream, dial: Dial, line: str) -> None:
    """In open mode the client's own credential reaches the upstream, and no other is added to it."""
    upstream = await raw_upstream(OK)
    home = await house(upstream.url, upstream={"api_key": Secret("sk-configured")})
    client = await dial(home.proxy)
    await client.ask("/anthropic/v1/messages", "GET", line)
    assert (await client.answer()).status == 200
    name, _, value = line.partition(": ")
    assert told(upstream.visits[0].head.headers) == [(name.encode(), value.encode())]


@pytest.mark.parametrize(
    ("name", "header"),
    [
        ("groq", (b"Authorization", b"Bearer sk-configured")),
        ("anthropic", (b"x-api-key", b"sk-configured")),
        ("gemini", (b"x-goog-api-key", b"sk-configured")),
    ],
)
async def test_configured_credential_is_put_in(
    house: OpenHouse, raw_upstream: OpenUpstream, dial: Dial, name: str, header: tuple[bytes, bytes]
) -> None:
    """A client without a credential gets the configured one, where that dialect expects it."""
    upstream = await raw_upstream(OK)
    home = await house(upstream.url, upstream={"api_key": Secret("sk-configured")})
    client = await dial(home.proxy)
    await client.ask(f"/{name}/v1/models")
    assert (await client.answer()).status == 200
    assert told(upstream.visits[0].head.headers) == [header]


async def test_signed_requests_pass_as_they_are(house: OpenHouse, raw_upstream: OpenUpstream, dial: Dial) -> None:
    """A request that AWS's clients signed reaches the upstream with every header unchanged, but for Host."""
    lines = [
        "X-Amz-Date: 20261128T120000Z",
        "X-Amz-Security-Token: IQoJb3JpZ2luX2VjEA==",
        "Authorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261128/us-east-1/bedrock/aws4_request, "
        "SignedHeaders=content-type;host;x-amz-date;x-amz-security-token, Signature=" + "0f" * 32,
        "amz-sdk-invocation-id: 7f3a",
        "amz-sdk-request: attempt=1",
    ]
    upstream = await raw_upstream(OK)
    home = await house(upstream.url)
    client = await dial(home.proxy)
    target = "/model/us.anthropic.claude-sonnet-4-20250514-v1%3A0/converse"
    await client.ask(f"/openai{target}", "POST", *lines, body=b"{}")
    assert (await client.answer()).status == 200
    asked = upstream.visits[0].head
    assert asked.line == f"POST {target} HTTP/1.1".encode()
    sent = [(name.encode(), value.encode()) for name, _, value in (line.partition(": ") for line in lines)]
    assert [pair for pair in asked.headers if pair in sent] == sent
    assert asked.values(b"host") == [upstream.url.removeprefix("http://").encode()]
    kept = (await home.details((await home.row())["id"]))["request"]["headers"]
    assert "x-amz-security-token" not in kept
    assert "authorization" not in kept


@pytest.mark.parametrize("dialect", ["bedrock", "vertex", "cohere", "ollama"])
@pytest.mark.parametrize("path", ["/v1/x", "/model/m/converse", "/publishers/anthropic/models/m:rawPredict"])
def test_clouds_take_a_bearer(dialect: str, path: str) -> None:
    """The configured credential of these upstreams is a bearer, whosever format is spoken on the path."""
    assert own_header(dialect, "secret", path) == ("Authorization", "Bearer secret")


async def test_large_request_header_arrives(house: OpenHouse, raw_upstream: OpenUpstream, dial: Dial) -> None:
    """A request header of 30 KB reaches the upstream whole."""
    upstream = await raw_upstream(OK)
    client = await dial((await house(upstream.url)).proxy)
    await client.ask("/groq/v1/models", "GET", "X-Large: " + "v" * 30_000)
    assert (await client.answer()).status == 200
    assert upstream.visits[0].head.values(b"x-large") == [b"v" * 30_000]


async def test_response_headers_are_identical(house: OpenHouse, raw_upstream: OpenUpstream, dial: Dial) -> None:
    """Status, reason and headers of the answer reach the client byte for byte; only the call's id is added."""
    lines = [
        b"X-Zebra: 1", b"x-alpha: 2", b"X-ZEBRA: 3", b"Empty:", b"Set-Cookie: a=1; Path=/", b"Set-Cookie: b=2",
        b"X-Latin: caf\xe9", b"X-Utf8: caf\xc3\xa9", b"Content-Type: text/plain; charset=x", b"Server: up/1",
        b"Date: Thu, 01 Jan 1970 00:00:00 GMT", b"Via: 1.1 far", b"X-Large: " + b"v" * 60_000,
    ]  # fmt: skip
    upstream = await raw_upstream(sized(b"teapot", *lines, status=b"418 I'm a t\xe9apot"))
    client = await dial((await house(upstream.url)).proxy)
    await client.ask()
    got = await client.answer()
    assert (got.status, got.reason, got.body) == (418, b"I'm a t\xe9apot", b"teapot")
    expected = [(name, value.strip()) for name, _, value in (line.partition(b":") for line in lines)]
    extra = [(b"x-tollbook-call-id", got.value(b"x-tollbook-call-id")), (b"Content-Length", b"6")]
    assert got.headers == [*expected, *extra]


async def test_response_hop_headers_stay_here(house: OpenHouse, raw_upstream: OpenUpstream, dial: Dial) -> None:
    """Hop-by-hop headers of the answer, and those its Connection names, do not reach the client."""
    lines = [
        b"Connection: keep-alive, X-Named", b"X-Named: gone", b"Keep-Alive: timeout=5", b"Proxy-Authenticate: Basic",
        b"Alt-Svc: h3", b"Trailer: X-T", b"Upgrade: h2c", b"x-tollbook-call-id: forged", b"X-Stays: yes",
    ]  # fmt: skip
    upstream = await raw_upstream(sized(b"{}", *lines))
    client = await dial((await house(upstream.url)).proxy)
    await client.ask()
    got = await client.answer()
    assert [name for name, _ in got.headers] == [b"X-Stays", b"x-tollbook-call-id", b"Content-Length"]
    assert got.value(b"x-tollbook-call-id") != b"forged"


async def test_call_id_is_the_rows(house: OpenHouse, raw_upstream: OpenUpstream, dial: Dial) -> None:
    """x-tollbook-call-id of an answer is the id of its row."""
    upstream = await raw_upstream(OK)
    home = await house(upstream.url)
    client = await dial(home.proxy)
    await client.ask()
    got = await client.answer()
    assert got.value(b"x-tollbook-call-id") == (await home.row())["id"].encode()
