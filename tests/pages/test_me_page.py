"""/me shows the holder of a key that key's own, needs no token for it, and gives nothing away to anybody else."""

import logging
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from aiohttp import ClientResponse
from pytest_aiohttp.plugin import AiohttpClient

from proxy.config.budget import Budget
from proxy.keys.fingerprint import fingerprint
from proxy.keys.register import Register
from proxy.keys.secret import new_secret
from store.call import Cost
from tests.api.listener import TOKEN, an_app, guarded
from tests.books import a_call
from tests.pages.reading import Element, read
from tests.pages.test_keys_page import NOW_US
from tests.pages.test_keys_register import NOW, Client, register

DAY_US = 86_400_000_000


async def show(client: Client, secret: str, **headers: str) -> ClientResponse:
    return await client.post("/me", data={"key": secret}, headers=headers, allow_redirects=False)


async def content(answer: ClientResponse) -> Element:
    return read(await answer.text()).one(id="content")


async def test_a_holder_sees_only_their_own(tmp_path: Path, aiohttp_client: AiohttpClient) -> None:
    """Usage of today, the month and in all, what is left, and the last calls are those of the key shown."""
    calls = [
        a_call(key="laptop", model="mine", started_at_us=NOW_US - 1, cost=Cost("priced", 10**9), usage_micro=10**9),
        a_call(
            key="laptop", model="mine", started_at_us=NOW_US - DAY_US, cost=Cost("priced", 10**9), usage_micro=10**9
        ),
        a_call(key="laptop", model="older", started_at_us=NOW_US - 60 * DAY_US, cost=Cost("unknown", None),
               usage_micro=None),
        a_call(key="desktop", model="theirs", started_at_us=NOW_US - 2, user="canary-user"),
    ]  # fmt: skip
    client = await aiohttp_client(guarded(tmp_path, calls))
    bounds = {"budgets": (Budget(Decimal(5000), "month"),), "models": ("m*",), "expires_at": NOW + timedelta(days=3)}
    _, secret = register(tmp_path).create("laptop", "lab", **bounds)  # type: ignore[arg-type]
    answer = await show(client, secret)
    assert (answer.status, answer.headers["Cache-Control"]) == (200, "no-store")
    assert "Set-Cookie" not in answer.headers
    text = await answer.text()
    page = read(text)
    figures = [page.one("div", data_period=period).text for period in ("today", "month", "total")]
    assert figures == [
        "Today 1,000 credits $1.000 · 1 call",
        "This month 2,000 credits $2.000 · 2 calls",
        "In all 2,000 + ? credits $2.000 + ? · 3 calls",
    ]
    assert "5,000 a month for this key" in page.one("div", class_="budget uncounted").text
    rows = page.one(id="calls").rows()
    assert [row[1] for row in rows] == ["mine", "mine", "older"]
    assert rows[2][3:5] == ["unknown", "unknown"]
    for hidden in (secret, "desktop", "theirs", "canary-user", "/logs", "/stats", "/keys", "/health"):
        assert hidden not in text


async def test_the_page_needs_no_token_and_opens_nothing_else(tmp_path: Path, aiohttp_client: AiohttpClient) -> None:
    """A key, valid as it is, is no token: nothing but /me answers to it, and no session comes of it."""
    client = await aiohttp_client(guarded(tmp_path, [a_call(key="laptop")]))
    _, secret = register(tmp_path).create("laptop", "lab")
    assert (await client.get("/me")).status == 200
    assert (await show(client, secret)).status == 200
    for path in ("/api/logs", "/keys", "/api/keys", "/me/", "/me/x"):
        assert (await client.get(path, headers={"Authorization": f"Bearer {secret}"})).status == 401
        assert (await client.get(path)).status == 401
    assert (await client.get("/api/logs", headers={"Authorization": f"Bearer {TOKEN}"})).status == 200


async def test_what_is_not_valid_is_one_and_the_same(tmp_path: Path, aiohttp_client: AiohttpClient) -> None:
    """Unknown, disabled, deleted, expired and rotated keys, tokens and nothing at all get the same page."""
    client = await aiohttp_client(guarded(tmp_path))
    keys = register(tmp_path)
    _, expired = keys.create("a", "lab", expires_at=NOW)
    _, disabled = keys.create("b", "lab")
    _, deleted = keys.create("c", "lab")
    _, rotated = keys.create("d", "lab")
    keys.disable("b")
    keys.delete("c")
    keys.rotate("d", timedelta(0))
    answers = [
        await show(client, secret)
        for secret in (expired, disabled, deleted, rotated, new_secret(), "", "sk-nobodys-0123456789", TOKEN, "tb-x")
    ]
    assert {answer.status for answer in answers} == {403}
    assert len({await answer.text() for answer in answers}) == 1
    assert "unknown, has expired, or was withdrawn" in (await content(answers[0])).text


async def test_the_old_secret_is_valid_for_its_overlap(tmp_path: Path, aiohttp_client: AiohttpClient) -> None:
    """After a rotation both secrets show the key; a renamed one shows what it did before."""
    client = await aiohttp_client(an_app(tmp_path, [a_call(key="laptop", started_at_us=NOW_US - 1)]))
    _, old = register(tmp_path).create("laptop", "lab")
    _, new = register(tmp_path).rotate("laptop", timedelta(hours=1))
    register(tmp_path).rename("laptop", "notebook")
    for secret in (old, new):
        page = read(await (await show(client, secret)).text())
        assert page.one("h1").text == "notebook active"
        assert len(page.one(id="calls").rows()) == 1


async def test_the_holder_of_a_named_credential_sees_it(tmp_path: Path, aiohttp_client: AiohttpClient) -> None:
    """A credential that is passed through shows its own under the name it was given."""
    client = await aiohttp_client(an_app(tmp_path))
    register(tmp_path).name(fingerprint("sk-theirs-0123456789"), "phone", "family")
    page = read(await (await show(client, "sk-theirs-0123456789")).text())
    assert page.one("h1").text == "phone active"
    assert page.one("p", class_="empty").text == "No calls yet."


async def test_wrong_keys_run_out(tmp_path: Path, aiohttp_client: AiohttpClient) -> None:
    """After some wrong keys the address has to wait; who only opens the page, or logs in, need not."""
    client = await aiohttp_client(guarded(tmp_path))
    statuses = [(await show(client, new_secret())).status for _ in range(30)]
    assert statuses == sorted(statuses)
    assert set(statuses) == {403, 429}
    _, secret = register(tmp_path).create("laptop", "lab")
    refused = await show(client, secret)
    assert (refused.status, refused.headers["Retry-After"]) == (429, "2")
    assert (await client.get("/me")).status == 200
    login = await client.post("/login", data={"token": TOKEN}, allow_redirects=False)
    assert login.status == 303


@pytest.mark.parametrize("headers", [{"Sec-Fetch-Site": "cross-site"}, {"Origin": "http://evil.example"}])
async def test_no_other_page_asks(tmp_path: Path, aiohttp_client: AiohttpClient, headers: dict[str, str]) -> None:
    """A form on another site cannot try out keys in a visitor's name."""
    client = await aiohttp_client(an_app(tmp_path))
    _, secret = register(tmp_path).create("laptop", "lab")
    assert (await show(client, secret, **headers)).status == 403
    assert (await client.get("/me", params={"key": "x"})).status == 400


async def test_a_key_is_not_repeated(
    tmp_path: Path, aiohttp_client: AiohttpClient, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither the page nor a log has the key, right or wrong, even where the book cannot be read."""
    client = await aiohttp_client(an_app(tmp_path, [a_call()]))
    _, secret = Register(tmp_path).create("laptop", "lab")
    wrong = new_secret()
    (tmp_path / "book.db").write_bytes(b"no book" * 1000)
    with caplog.at_level(logging.DEBUG):
        answers = [await show(client, one) for one in (secret, wrong)]
    assert [answer.status for answer in answers] == [503, 403]
    for one in (secret, wrong):
        assert one not in caplog.text
        assert all([one not in await answer.text() for answer in answers])
