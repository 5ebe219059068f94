"""Nobody changes keys but who may: not without the token, not from another page, and by nothing but a form."""

from pathlib import Path

import pytest
from pytest_aiohttp.plugin import AiohttpClient

from tests.api.listener import TOKEN, an_app, guarded
from tests.pages.test_keys_register import FINGERPRINT, post, register

WRITES = ("new", "credential", "disable", "enable", "rotate", "rename", "move", "limit", "delete")
FIELDS = {"key": "laptop", "name": "phone", "fingerprint": FINGERPRINT, "new": "phone", "group": "x", "sure": "yes"}
OF_FORM = {
    "new": ("name", "group"), "credential": ("fingerprint", "name", "group"), "rename": ("key", "new"),
    "move": ("key", "group"), "delete": ("key", "sure"),
}  # fmt: skip


def filled_in(path: str) -> dict[str, str]:
    """The form of this path."""
    return {name: FIELDS[name] for name in OF_FORM.get(path, ("key",))}


@pytest.mark.parametrize("path", WRITES)
@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Host": "evil.example"},
    ],
)
async def test_no_other_page_changes_a_key(
    tmp_path: Path, aiohttp_client: AiohttpClient, path: str, headers: dict[str, str]
) -> None:
    """A form of somebody else's page, of another port or under another host name is refused, and changes nothing."""
    client = await aiohttp_client(an_app(tmp_path))
    register(tmp_path).create("laptop", "lab")
    before = register(tmp_path).keys()
    assert (await post(client, f"/keys/{path}", headers, **filled_in(path))).status == 403
    assert register(tmp_path).keys() == before


@pytest.mark.parametrize("path", WRITES)
async def test_changes_need_the_token_where_there_is_one(
    tmp_path: Path, aiohttp_client: AiohttpClient, path: str
) -> None:
    """Without it nothing is changed; with it, by a session or as a bearer, the same form is acted on."""
    client = await aiohttp_client(guarded(tmp_path))
    register(tmp_path).create("laptop", "lab")
    before = register(tmp_path).keys()
    assert (await post(client, f"/keys/{path}", **filled_in(path))).status == 401
    assert register(tmp_path).keys() == before
    answer = await post(client, f"/keys/{path}", {"Authorization": f"Bearer {TOKEN}"}, **filled_in(path))
    assert answer.status in (200, 303)
    await post(client, "/login", token=TOKEN)
    assert (await client.get("/keys")).status == 200
    answer = await post(client, "/keys/credential", fingerprint="aaaaaaaa", name="by-session")
    assert answer.status == 303


async def test_only_forms_are_read(tmp_path: Path, aiohttp_client: AiohttpClient) -> None:
    """JSON, multipart and plain text, which other pages can send more easily, are refused, and so is too much."""
    client = await aiohttp_client(an_app(tmp_path))
    for kind in ("application/json", "text/plain", "multipart/form-data; boundary=a", ""):
        answer = await client.post("/keys/new", data=b"name=x", headers={"Content-Type": kind})
        assert answer.status == 415
    assert (await post(client, "/keys/new", name="x" * 100_000)).status == 413
    wrong = await client.post(
        "/keys/new", data="name=%ff", headers={"Content-Type": "application/x-www-form-urlencoded"}
    )
    assert wrong.status == 400
    assert register(tmp_path).keys() == ()
