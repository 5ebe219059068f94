"""Nobody asks without the token, and no web page asks through its visitor's browser."""

import asyncio
from pathlib import Path

import pytest
from aiohttp import web
from pytest_aiohttp.plugin import AiohttpClient
from yarl import URL

from tests.api.listener import TOKEN, an_app, guarded

CALL = "0193a5f0-c0de-7000-8000-000000000001"
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND")


def paths(app: web.Application) -> list[str]:
    return [resource.canonical.replace("{id}", CALL) for resource in app.router.resources()]


PUBLIC = {
    *((path, method) for path in ("/healthz", "/login", "/me") for method in ("GET", "HEAD")),
    *((path, "POST") for path in ("/login", "/me")),
}


async def test_every_route_and_method_needs_the_token(tmp_path: Path, aiohttp_client: AiohttpClient) -> None:
    """Without the token every route, known or not, is a 401 by every method, but liveness, login and static files."""
    app = guarded(tmp_path)
    client = await aiohttp_client(app)
    asked, open_ones = 0, set()
    strange = ["/nothing", "/healthz/", "/healthz/x", "/api//healthz", "/HEALTHZ", "/login/", "/login/x", "//login"]
    for path in [*paths(app), *strange, "/static", "/static/../api/logs", "/static/%2e%2e/api/logs"]:
        for method in METHODS:
            url = URL(str(client.make_url("/")).rstrip("/") + path, encoded=True)
            answer = await client.session.request(method, url, allow_redirects=False)
            if answer.status != 401:
                open_ones.add((path, method))
                continue
            asked += 1
            assert answer.headers["WWW-Authenticate"] == "Bearer"
            if method != "HEAD":
                assert (await answer.json())["error"]["param"] is None
    static = {(path, method) for path, method in open_ones if path.startswith("/static/{")}
    assert {method for _, method in static} <= {"GET", "HEAD"}
    assert open_ones - static == PUBLIC
    assert asked > 100


async def test_a_person_is_led_to_the_login(tmp_path: Path, aiohttp_client: AiohttpClient) -> None:
    """A browser that opens a page without a session is sent to the login, and tells there what it wanted."""
    app = guarded(tmp_path)
    client = await aiohttp_client(app)
    browser = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
    pages = [path for path in paths(app) if not path.startswith(("/api/", "/static/", "/healthz", "/log", "/me"))]
    for path in [*pages, "/logs?model=gpt-*&user=a%20b", "/nothing", "//evil.example/x"]:
        url = URL(str(client.make_url("/")).rstrip("/") + path, encoded=True)
        answer = await client.session.get(url, headers=browser, allow_redirects=False)
        assert answer.status == 303, path
        target = URL(answer.headers["Location"])
        assert (target.host, target.path) == (None, "/login")
        assert target.query.get("next", "/") == ("/" if path.startswith("//") else path)


@pytest.mark.parametrize(
    ("method", "path", "headers"),
    [
        ("GET", "/api/logs", {}),
        ("POST", "/logs", {}),
        ("GET", "/logs", {"Sec-Fetch-Mode": "cors"}),
        ("GET", "/logs", {"Accept": "*/*"}),
        ("GET", "/logs", {"Authorization": "Bearer wrong"}),
    ],
)
async def test_a_program_is_told(
    tmp_path: Path, aiohttp_client: AiohttpClient, method: str, path: str, headers: dict[str, str]
) -> None:
    """The query endpoint, other methods, scripts of a page and whoever shows a wrong token get a 401 in JSON."""
    client = await aiohttp_client(guarded(tmp_path))
    answer = await client.request(method, path, headers={"Accept": "text/html", **headers}, allow_redirects=False)
    assert answer.status == 401
    assert (await answer.json())["error"]["message"]


async def test_wrong_tokens_run_out(tmp_path: Path, aiohttp_client: AiohttpClient) -> None:
    """After some wrong tokens an address is refused unheard, with the time to wait; without one it is still a 401."""
    client = await aiohttp_client(guarded(tmp_path))
    told = [(await client.get("/api/logs", headers={"Authorization": f"Bearer {n}"})).status for n in range(30)]
    assert told == sorted(told)
    assert set(told) == {401, 429}
    refused = await client.get("/api/logs", headers={"Authorization": f"Bearer {TOKEN}"})
    assert (refused.status, refused.headers["Retry-After"]) == (429, "2")
    assert (await client.get("/api/logs")).status == 401
    assert (await client.get("/healthz")).status == 200


@pytest.mark.parametrize(
    "given",
    [
        [f"Bearer {TOKEN}x"], [f"Bearer {TOKEN[:-1]}"], [f"Basic {TOKEN}"], [TOKEN], ["Bearer"], ["Bearer "], [""],
        [f"Bearer {TOKEN}", f"Bearer {TOKEN}"], ["Bearer wrong", f"Bearer {TOKEN}"], ["Bearer ' or 1=1 --"],
        ["Bearer " + "x" * 7000], ["Bearer \udcff\udcfe"],
    ],
)  # fmt: skip
async def test_wrong_tokens_are_refused(tmp_path: Path, aiohttp_client: AiohttpClient, given: list[str]) -> None:
    """Anything but exactly one right token is a 401 that repeats nothing of it."""
    client = await aiohttp_client(guarded(tmp_path))
    answer = await client.get("/api/logs", headers=[("Authorization", value) for value in given])
    assert answer.status == 401
    assert TOKEN not in await answer.text()


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
async def test_the_token_opens(tmp_path: Path, aiohttp_client: AiohttpClient, scheme: str) -> None:
    """The right token, with the scheme in any case, is answered."""
    client = await aiohttp_client(guarded(tmp_path))
    answer = await client.get("/api/logs", headers={"Authorization": f"{scheme} {TOKEN}"})
    assert answer.status == 200


async def test_no_continue_is_said_before_the_token(tmp_path: Path, aiohttp_client: AiohttpClient) -> None:
    """A request that expects 100 Continue gets its 401 at once."""
    client = await aiohttp_client(guarded(tmp_path))
    reader, writer = await asyncio.open_connection("127.0.0.1", client.port)
    writer.write(b"GET /api/logs HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n")
    assert (await reader.readline()).startswith(b"HTTP/1.1 401 ")
    writer.close()
    await writer.wait_closed()


@pytest.mark.parametrize(
    "host",
    [
        "localhost", "localhost:8788", "LOCALHOST:1", "localhost.", "127.0.0.1", "127.8.8.8:80", "[::1]", "[::1]:8788",
        "books.lan:80",
    ],
)  # fmt: skip
async def test_our_own_names_are_answered(tmp_path: Path, aiohttp_client: AiohttpClient, host: str) -> None:
    """Loopback names and the configured ones are right with any port."""
    client = await aiohttp_client(an_app(tmp_path, allowed_hosts=("Books.lan",)))
    assert (await client.get("/api/logs", headers={"Host": host})).status == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example", "evil.example:80", "localhost.evil.example", "127.0.0.1.evil.example", "lan.evil", "[::2]",
        "10.0.0.1", "0.0.0.0", "", "localhost:x", "[::1", "[::1]x", "a@localhost", "localhost/#@evil", "lan", "::1",
    ],
)  # fmt: skip
@pytest.mark.parametrize("path", ["/", "/api/logs", "/nothing"])
async def test_other_names_are_refused(tmp_path: Path, aiohttp_client: AiohttpClient, host: str, path: str) -> None:
    """A page that points its own name at this machine learns nothing, on any route."""
    client = await aiohttp_client(an_app(tmp_path, allowed_hosts=("books.lan",)))
    answer = await client.get(path, headers={"Host": host})
    assert answer.status in (400, 403)
    assert "logs" not in await answer.text()


async def test_no_host_is_refused(tmp_path: Path, aiohttp_client: AiohttpClient) -> None:
    """An old request without a Host has no name that could be ours."""
    client = await aiohttp_client(an_app(tmp_path))
    reader, writer = await asyncio.open_connection("127.0.0.1", client.port)
    writer.write(b"GET /api/logs HTTP/1.0\r\n\r\n")
    assert b" 403 " in await reader.readline()
    writer.close()
    await writer.wait_closed()


async def test_liveness_answers_under_any_name(tmp_path: Path, aiohttp_client: AiohttpClient) -> None:
    """A container's probe, which comes by the container's address, is answered; it learns nothing else."""
    client = await aiohttp_client(an_app(tmp_path))
    answer = await client.get("/healthz", headers={"Host": "10.0.0.1:8788"})
    assert answer.status == 200
