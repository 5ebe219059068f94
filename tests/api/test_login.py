"""Logging in: the token once, then a session that only this server could have made, and a way back to our own pages."""

import asyncio
from datetime import UTC, datetime, timedelta
from http.cookies import Morsel, SimpleCookie
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from aiohttp import ClientResponse, DummyCookieJar
from pytest_aiohttp.plugin import AiohttpClient

from proxy.keys.attempts import Attempts
from store.api.login import local, login_address
from store.api.session import COOKIE, LIFETIME, Sessions
from tests.api.listener import TOKEN, an_app, guarded

NOW = datetime(2026, 11, 22, tzinfo=UTC)
ELSEWHERE = [
    "//evil.example", "/\\evil.example", "\\/evil.example", "https://evil.example", "https:evil.example", "https:",
    "javascript:alert(1)", "evil.example", "/\t/evil.example", "/\n/evil.example", "\t//evil.example",
    " //evil.example", "///evil.example", "/a\r\nSet-Cookie: x=y", "/ü", "", "http:/evil",
    "/x" * 2500, "/login?next=/login", "/logout",
]  # fmt: skip
OURS = ["/", "/logs", "/logs?model=gpt-*&from=7d", "/logs/0193a5f0", "/stats?by=day,model#x", "/a//b", "/?next=//evil"]


async def log_in(client: Any, token: str = TOKEN, after: str = "/logs", **headers: str) -> ClientResponse:
    answer: ClientResponse = await client.post(
        "/login", data={"token": token, "next": after}, headers=headers, allow_redirects=False
    )
    return answer


def session_of(answer: ClientResponse) -> Morsel[str]:
    cookies = SimpleCookie(answer.headers["Set-Cookie"])
    assert list(cookies) == [COOKIE]
    return cookies[COOKIE]


async def test_a_session_opens_what_the_token_opens(tmp_path: Path, aiohttp_client: AiohttpClient) -> None:
    """After the login the cookie alone opens pages and the query endpoint; after the logout nothing does."""
    client = await aiohttp_client(guarded(tmp_path))
    assert (await client.get("/api/logs")).status == 401
    answer = await log_in(client)
    assert (answer.status, answer.headers["Location"]) == (303, "/logs")
    assert (await client.get("/api/logs")).status == 200
    assert (await client.get("/login?next=/stats", allow_redirects=False)).headers["Location"] == "/stats"
    out = await client.post("/logout", allow_redirects=False)
    assert (out.status, out.headers["Location"]) == (303, "/login")
    assert (await client.get("/api/logs")).status == 401


async def test_the_cookie_is_kept_from_scripts_and_other_sites(tmp_path: Path, aiohttp_client: AiohttpClient) -> None:
    """HttpOnly, SameSite=Strict, for all paths, and without the token in it; not Secure over plain HTTP."""
    client = await aiohttp_client(guarded(tmp_path))
    cookie = session_of(await log_in(client, **{"X-Forwarded-Proto": "https", "Forwarded": "proto=https"}))
    assert (cookie["httponly"], cookie["samesite"], cookie["path"], cookie["secure"]) == (True, "Strict", "/", "")
    assert cookie["domain"] == ""
    assert int(cookie["max-age"]) == LIFETIME.total_seconds()
    assert TOKEN not in cookie.value


@pytest.mark.parametrize("token", ["", "hunter2", TOKEN + "x", TOKEN[:-1], TOKEN.upper(), "\udcff", "x" * 10_000])
async def test_a_wrong_token_opens_nothing(tmp_path: Path, aiohttp_client: AiohttpClient, token: str) -> None:
    """The form comes again, says that it was wrong, repeats nothing of it and sets no cookie."""
    client = await aiohttp_client(guarded(tmp_path))
    body = f"next=%2Fstats&token={quote(token, errors='surrogateescape')}"
    answer = await client.post("/login", data=body, headers={"Content-Type": "application/x-www-form-urlencoded"})
    text = await answer.text()
    assert answer.status == 403
    assert 'role="alert"' in text
    assert 'value="/stats"' in text
    assert not token or token not in text
    assert "Set-Cookie" not in answer.headers


async def test_what_is_no_form_is_refused(tmp_path: Path, aiohttp_client: AiohttpClient) -> None:
    """Other kinds of bodies, and large ones, are refused; files and repeated fields do no harm."""
    client = await aiohttp_client(guarded(tmp_path))
    assert (await client.post("/login", json={"token": TOKEN})).status == 415
    assert (await client.post("/login", data=b"token=" + b"x" * 20_000, headers=FORM)).status == 413
    assert (await client.post("/login", data=b"", headers=FORM)).status == 403
    assert (await client.post("/login", data=b"token=a&token=b&next=a&next=b", headers=FORM)).status == 403
    for body in (b"\xff\xfe=%ff%fe", b"token=\xff", b"token=%ff%00", b"&&==&"):
        assert (await client.post("/login", data=body, headers=FORM)).status == 403
    strange = {"Content-Type": FORM["Content-Type"] + "; charset=nonsense"}
    assert (await client.post("/login", data=b"token=x", headers=strange)).status == 403


FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.mark.parametrize("wanted", ELSEWHERE)
async def test_nobody_is_led_elsewhere(tmp_path: Path, aiohttp_client: AiohttpClient, wanted: str) -> None:
    """Where to go after the login is the front page, unless it is a path of ours."""
    client = await aiohttp_client(guarded(tmp_path))
    assert (await log_in(client, after=wanted)).headers["Location"] == "/"
    if len(wanted) < 2000:  # else no request line would hold it
        answer = await client.get("/login", params={"next": wanted}, allow_redirects=False)
        assert (answer.status, answer.headers["Location"]) == (303, "/")
    assert local(wanted) == "/"


@pytest.mark.parametrize("wanted", OURS)
def test_our_own_pages_are_come_back_to(wanted: str) -> None:
    """A path with its query is kept as it is."""
    assert local(wanted) == wanted
    assert login_address(wanted) == ("/login" if wanted == "/" else f"/login?next={quote(wanted, safe='')}")


async def test_the_form_is_inert(tmp_path: Path, aiohttp_client: AiohttpClient) -> None:
    """The page escapes where to go, runs nothing of it, and keeps the forms' origin known to us alone."""
    client = await aiohttp_client(guarded(tmp_path))
    answer = await client.get("/login", params={"next": "/logs?q=\"'><script>alert(1)</script>"})
    text = await answer.text()
    assert (answer.status, answer.content_type) == (200, "text/html")
    assert "<script>alert" not in text
    assert '<label for="token">' in text
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'; script-src 'self'")
    assert (answer.headers["Referrer-Policy"], answer.headers["Cache-Control"]) == ("same-origin", "no-store")
    head = await client.head("/login")
    assert (head.status, await head.read()) == (200, b"")


@pytest.mark.parametrize(
    ("headers", "allowed"),
    [
        ({"Sec-Fetch-Site": "same-origin"}, True), ({"Sec-Fetch-Site": "none"}, True), ({}, True),
        ({"Sec-Fetch-Site": "same-site"}, False), ({"Sec-Fetch-Site": "cross-site"}, False),
        ({"Sec-Fetch-Site": ""}, False), ({"Sec-Fetch-Site": "cross-site", "Origin": "{here}"}, False),
        ({"Sec-Fetch-Site": "same-origin", "Origin": "https://evil.example"}, True),
        ({"Origin": "{here}"}, True), ({"Origin": "null"}, False), ({"Origin": ""}, False),
        ({"Origin": "http://127.0.0.1:1"}, False), ({"Origin": "https://evil.example"}, False),
    ],
)  # fmt: skip
async def test_only_our_own_pages_change_something(
    tmp_path: Path, aiohttp_client: AiohttpClient, headers: dict[str, str], allowed: bool
) -> None:
    """A form of another site, or of another port here, logs nobody in or out, with a token or without one."""
    client = await aiohttp_client(guarded(tmp_path))
    here = str(client.make_url("/")).rstrip("/")
    sent = {name: value.format(here=here) for name, value in headers.items()}
    assert (await log_in(client, **sent)).status == (303 if allowed else 403)
    if not allowed:
        await log_in(client)
    out = await client.post("/logout", headers=sent, allow_redirects=False)
    assert out.status == (303 if allowed else 403)
    assert (await client.get("/api/logs")).status == (401 if allowed else 200)
    open_one = await aiohttp_client(an_app(tmp_path, book=False))
    sent = {name: value.format(here=str(open_one.make_url("/")).rstrip("/")) for name, value in headers.items()}
    assert (await open_one.post("/api/logs", headers=sent)).status == (405 if allowed else 403)


async def test_wrong_tokens_run_out_at_the_form(tmp_path: Path, aiohttp_client: AiohttpClient) -> None:
    """After some wrong tokens even the right one has to wait, by the form as by the header; a session goes on."""
    app = guarded(tmp_path)
    client = await aiohttp_client(app)
    other = await aiohttp_client(app, cookie_jar=DummyCookieJar())
    await log_in(client)
    told = [(await log_in(other, str(n))).status for n in range(25)]
    assert (told[0], told[-1], told) == (403, 429, sorted(told))
    answer = await log_in(other)
    assert (answer.status, answer.headers["Retry-After"]) == (429, "2")
    assert (await other.get("/api/logs", headers={"Authorization": f"Bearer {TOKEN}"})).status == 429
    assert (await client.get("/api/logs")).status == 200
    assert (await other.get("/login")).status == 200


async def test_cookies_of_others_open_nothing(tmp_path: Path, aiohttp_client: AiohttpClient) -> None:
    """The token itself, another token's session and any part of a right one are no session."""
    client = await aiohttp_client(guarded(tmp_path), cookie_jar=DummyCookieJar())
    right = session_of(await log_in(client)).value
    wrong = Sessions("another").begin(NOW + timedelta(days=300))
    assert (await client.get("/api/logs", headers={"Cookie": f"{COOKIE}={right}"})).status == 200
    for value in (wrong, "x", "", "..", right[:-1], right + "0", "9" + right, right.upper(), "0." + right, "a" * 9000):
        assert (await client.get("/api/logs", headers={"Cookie": f"{COOKIE}={value}"})).status in (400, 401)


async def test_without_a_token_there_is_no_login(tmp_path: Path, aiohttp_client: AiohttpClient) -> None:
    """Where everything is open nobody is asked for anything."""
    client = await aiohttp_client(an_app(tmp_path))
    assert (await client.get("/login")).status == 404
    assert (await client.get("/api/logs")).status == 200


async def test_the_login_is_under_our_names_only(tmp_path: Path, aiohttp_client: AiohttpClient) -> None:
    """A page that points its own name at this machine cannot try tokens either."""
    client = await aiohttp_client(guarded(tmp_path))
    assert (await log_in(client, Host="evil.example")).status == 403
    assert (await client.get("/login", headers={"Host": "evil.example"})).status == 403


async def test_no_continue_is_said_to_who_may_not_log_out(tmp_path: Path, aiohttp_client: AiohttpClient) -> None:
    """A logout without a session is a 401 at once."""
    client = await aiohttp_client(guarded(tmp_path))
    reader, writer = await asyncio.open_connection("127.0.0.1", client.port)
    writer.write(b"POST /logout HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n")
    assert (await reader.readline()).startswith(b"HTTP/1.1 401 ")
    writer.close()
    await writer.wait_closed()


def test_a_session_ends_by_itself() -> None:
    """A session holds until its end, survives a restart with the same token, and no other token."""
    value = Sessions(TOKEN).begin(NOW)
    again = Sessions(TOKEN)
    assert again.holds(value, NOW + LIFETIME - timedelta(seconds=1))
    assert not again.holds(value, NOW + LIFETIME)
    assert not Sessions(TOKEN + "x").holds(value, NOW)
    assert value != again.begin(NOW)
    later = str(int(value.partition(".")[0]) + 1) + value[value.index(".") :]
    assert not any(again.holds(one, NOW) for one in (None, "", later, value + "é"))


def test_attempts_come_back_with_time_and_are_bounded() -> None:
    """An address regains one attempt each two seconds, alone; however many addresses there are, memory stays."""
    clock = [0.0]
    attempts = Attempts(lambda: clock[0])
    for _ in range(20):
        assert not attempts.too_many("10.0.0.1")
        attempts.failed("10.0.0.1")
    assert attempts.too_many("10.0.0.1")
    assert not attempts.too_many("10.0.0.2")
    clock[0] += attempts.wait_s()
    assert not attempts.too_many("10.0.0.1")
    attempts.failed("10.0.0.1")
    assert attempts.too_many("10.0.0.1")
    for number in range(5000):
        attempts.failed(f"10.1.{number // 250}.{number % 250}")
    assert len(attempts) == 4096


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8::1", "2001:db8::ffff:2", True), ("2001:db8::1", "2001:db8:0:1::1", False),
        ("fe80::1%eth0", "fe80::2", True), ("::ffff:10.0.0.1", "::ffff:10.0.0.2", False), (None, "", True),
    ],
)  # fmt: skip
def test_a_host_has_one_count(one: str | None, other: str | None, same: bool) -> None:
    """Addresses that one IPv6 host may choose among share their attempts; others do not."""
    attempts = Attempts(lambda: 0.0)
    for _ in range(20):
        attempts.failed(one)
    assert attempts.too_many(other) == same
