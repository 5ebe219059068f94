"""/keys tells of every key there is, used or not, and each of its forms does what it says, or names what is wrong."""

import html
import re
from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientResponse
from aiohttp.test_utils import TestClient
from aiohttp.web import Application, Request
from pytest_aiohttp.plugin import AiohttpClient

from proxy.config.budget import Budget
from proxy.config.model import Config, Group, Store, Upstream
from proxy.keys.key import Key
from proxy.keys.register import Register
from proxy.keys.secret import ANYWHERE, digest
from store.api import make_app
from store.book import Book
from store.budgets import Budgets, BudgetState
from store.moments import at
from store.reader import Reader
from tests.api.listener import LIVE, an_app
from tests.books import a_book, a_call
from tests.pages.reading import Element, read
from tests.pages.test_keys_page import NOW_US

Client = TestClient[Request, Application]
NOW = at(NOW_US)
FINGERPRINT = "1a2b3c4d-wxyz"


def register(tmp_path: Path) -> Register:
    return Register(tmp_path, lambda: NOW)


def all_keys(tmp_path: Path) -> tuple[Key, ...]:
    return register(tmp_path).keys()


def the_key(tmp_path: Path, name: str = "laptop") -> Key:
    (found,) = (key for key in all_keys(tmp_path) if key.name == name)
    return found


async def shown(answer: ClientResponse) -> Element:
    return read(await answer.text())


async def post(client: Client, path: str, headers: Mapping[str, str] | None = None, /, **fields: Any) -> ClientResponse:
    """As a form does."""
    pairs = [(name, one) for name, value in fields.items() for one in ([value] if isinstance(value, str) else value)]
    return await client.post(path, data=pairs or {"": ""}, headers=headers, allow_redirects=False)


async def test_keys_that_were_never_used_are_told(tmp_path: Path, aiohttp_client: AiohttpClient) -> None:
    """Every key of the register is a line, with its state, group and bounds; deleted ones come last."""
    client = await aiohttp_client(an_app(tmp_path, [a_call(key="laptop", started_at_us=NOW_US - 1000)]))
    keys = register(tmp_path)
    keys.create("laptop", "lab", models=("gpt-*",), upstreams=("openai",), per_minute=60, concurrent=2)
    keys.create("gone", "lab")
    keys.delete("gone")
    keys.create("phone", "lab", expires_at=NOW + timedelta(days=1))
    keys.create("old", "lab", expires_at=NOW - timedelta(days=1))
    keys.create("off", "default")
    keys.disable("off")
    keys.name(FINGERPRINT, "tablet", "family")
    page = await shown(await client.get("/keys"))
    table = page.one(id="keys")
    lines = {row.one("th", scope="row").all("bdi")[0].text: row for row in table.one("tbody").all("tr")}
    assert set(lines) == {"laptop", "gone", "phone", "old", "off", "tablet"}
    assert list(lines)[-1] == "gone"
    heads = {name: row.one("th", scope="row").text for name, row in lines.items()}
    states = {name: next(word for word in ("active", "disabled", "expired", "deleted") if word in head.split())
              for name, head in heads.items()}  # fmt: skip
    assert states == {
        "laptop": "active", "gone": "deleted", "phone": "active", "old": "expired", "off": "disabled",
        "tablet": "active",
    }  # fmt: skip
    assert "gpt-*, only openai, 60 a minute, 2 at a time" in heads["laptop"]
    assert f"credential {FINGERPRINT}" in heads["tablet"]
    assert "no calls under this name yet" in lines["phone"].text


async def test_the_line_is_of_the_last_thirty_days(tmp_path: Path, aiohttp_client: AiohttpClient) -> None:
    """The line of a key has a point for each day, the highest where it called most; one without calls has no line."""
    day = 86_400_000_000
    calls = [a_call(key="laptop", started_at_us=NOW_US - 3 * day), *(a_call(key="laptop", started_at_us=NOW_US - 1)
             for _ in range(4)), a_call(key="old", started_at_us=NOW_US - 40 * day)]  # fmt: skip
    client = await aiohttp_client(an_app(tmp_path, calls))
    page = await shown(await client.get("/keys"))
    (drawn,) = page.one(id="keys").all("polyline")
    heights = [float(point.split(",")[1]) for point in drawn.attributes["points"].split()]
    assert len(heights) == 30
    assert (heights[29], heights[26], heights[0]) == (2, 17, 22)
    assert "at most 4, today 4" in page.one(id="keys").one("svg", class_="spark").attributes["aria-label"]


def configured(tmp_path: Path, **settings: Any) -> Config:
    lab = Group("lab", Decimal("1.5"), (Budget(Decimal(1), "month"), Budget(Decimal(40), "total")))
    upstreams = {name: Upstream(name, "http://127.0.0.1:1", "openai", name) for name in ("openai", "groq")}
    return Config(store=Store(tmp_path), groups={"lab": lab}, upstreams=upstreams, **settings)


async def test_budgets_are_told_as_they_stand(tmp_path: Path, aiohttp_client: AiohttpClient) -> None:
    """A budget shows what was used, what is left, when it begins anew; one made just now, that nothing is counted."""
    config = configured(tmp_path)
    register(tmp_path).create("laptop", "lab", budgets=(Budget(Decimal(4), "month"),))
    a_book(tmp_path, [a_call(key="laptop", group="lab", started_at_us=NOW_US - 1, usage_micro=1_000_000)])
    budgets = Budgets(config, now_us=lambda: NOW_US)
    with Book(tmp_path) as book:
        budgets.count(book)
    states: tuple[BudgetState, ...] = budgets.states()
    register(tmp_path).create("phone", "lab", budgets=(Budget(Decimal(5), "day"),))
    async with Reader.open(tmp_path) as reader:
        app = make_app(config, reader, lambda: LIVE, budgets=lambda: states, now=lambda: NOW)
        client = await aiohttp_client(app)
        page = await shown(await client.get("/keys"))
        rows = page.one(id="keys").one("tbody").all("tr")
        lines = {row.one("th", scope="row").all("bdi")[0].text: row for row in rows}
        bar = lines["laptop"].one("div", class_="budget ok")
        assert "4 a month" in bar.text
        assert "1.00 used" in bar.text
        assert "3.00 left" in bar.text
        assert "anew 2027-01-01 00:00" in bar.text
        assert bar.one("rect", class_="used").attributes["width"] == "25%"
        assert "not counted yet" in lines["phone"].one("div", class_="budget uncounted").text
        group = next(row for row in page.one(id="groups").one("tbody").all("tr") if row.one("bdi").text == "lab")
        assert (group.all("td")[0].text, group.all("td")[1].text) == ("1.5", "2")
        used_up = group.one("div", class_="budget used_up")
        assert "used up" in used_up.text
        assert used_up.one("rect", class_="used").attributes["width"] == "100%"


async def test_a_key_is_made_and_its_secret_shown_once(tmp_path: Path, aiohttp_client: AiohttpClient) -> None:
    """The form makes the key it describes; the answer has the secret, is kept by nobody, and no later page has it."""
    config = configured(tmp_path)
    async with Reader.open(tmp_path) as reader:
        client = await aiohttp_client(make_app(config, reader, lambda: LIVE, now=lambda: NOW))
        form = (await shown(await client.get("/keys/new"))).one("input", name_="form").attributes["value"]
        fields: dict[str, Any] = {
            "form": form, "name": "laptop", "group": "lab", "expires": "90d", "models": "gpt-*, claude-*  o3",
            "upstreams": ["openai", "groq"], "budget_month": "50,000", "budget_total": "", "budget_day": "0.5",
            "per_minute": "60", "concurrent": "2",
        }  # fmt: skip
        answer = await post(client, "/keys/new", **fields)
        assert (answer.status, answer.headers["Cache-Control"]) == (200, "no-store")
        text = await answer.text()
        (secret,) = set(ANYWHERE.findall(text))
        assert read(text).one("input", id="secret").attributes["autocomplete"] == "off"
        key = the_key(tmp_path)
        assert key.digest == digest(secret)
        assert (key.group, key.models, key.upstreams) == ("lab", ("gpt-*", "claude-*", "o3"), ("openai", "groq"))
        assert key.budgets == (Budget(Decimal("0.5"), "day"), Budget(Decimal(50000), "month"))
        assert (key.per_minute, key.concurrent, key.expires_at) == (60, 2, NOW + timedelta(days=90))
        again = await post(client, "/keys/new", **fields)  # what a reload sends
        assert (again.status, again.headers["Location"]) == (303, "/keys?done=again&key=laptop")
        for path in ("/keys", "/keys/one?key=laptop", "/keys?done=again&key=laptop", "/api/keys"):
            assert secret not in await (await client.get(path)).text()
        assert len(register(tmp_path).keys()) == 1


@pytest.mark.parametrize(
    ("field", "typed", "told"),
    [
        ("name", "a b", "1 to 64 letters"),
        ("name", "", "1 to 64 letters"),
        ("name", "taken", "already"),
        ("name", "<script>", "1 to 64 letters"),
        ("name", "1a2b3c4d", "fingerprint"),
        ("group", "a/b", "1 to 64 letters"),
        ("expires", "soon", "Must be a length of time"),
        ("expires", "2020-01-01", "Must be in the future"),
        ("models", "gpt-4 mädel", "name of a model"),
        ("upstreams", "nothing", "no such upstream"),
        ("budget_month", "many", "number of credits"),
        ("budget_day", "1/month", "number of credits"),
        ("budget_total", "0", "more than 0"),
        ("budget_total", "1,5", "number of credits"),
        ("per_minute", "0", "whole number"),
        ("concurrent", "-1", "whole number"),
        ("concurrent", "9" * 500, "whole number"),
    ],
)
async def test_a_mistake_is_named_at_its_field(
    tmp_path: Path, aiohttp_client: AiohttpClient, field: str, typed: str, told: str
) -> None:
    """Nothing is made, the mistake stands beside its field, and what was typed is still there, in every field."""
    config = configured(tmp_path)
    register(tmp_path).create("taken", "lab")
    good = {
        "name": "laptop",
        "group": "lab",
        "expires": "90d",
        "models": "gpt-*",
        "budget_week": "7",
        "concurrent": "2",
    }
    async with Reader.open(tmp_path) as reader:
        client = await aiohttp_client(make_app(config, reader, lambda: LIVE, now=lambda: NOW))
        answer = await post(client, "/keys/new", **{**good, field: typed})
        assert answer.status == 400
        page = await shown(answer)
        (mistaken,) = [one for one in page.all() if "mistaken" in one.attributes.get("class", "").split()]
        assert told in mistaken.text
        if field != "upstreams":
            inputs = {name: page.one("input", name_=name).attributes["value"] for name in {*good, field}}
            assert inputs == {**good, field: typed}
            assert page.one("input", name_=field).attributes["aria-invalid"] == "true"
        assert len(register(tmp_path).keys()) == 1


async def test_what_looks_like_a_secret_is_not_repeated(tmp_path: Path, aiohttp_client: AiohttpClient) -> None:
    """Somebody who pastes a key into the wrong field gets a mistake, and the key is not in the answer."""
    client = await aiohttp_client(an_app(tmp_path))
    _, secret = register(tmp_path).create("laptop", "lab")
    for field in ("name", "group", "models", "expires", "budget_day", "per_minute"):
        answer = await post(client, "/keys/new", **{"name": "phone", field: secret})
        if field != "models":
            assert answer.status == 400
            assert secret not in await answer.text()
    for path, field in (("/keys/credential", "fingerprint"), ("/keys/one", "key"), ("/keys/rename", "new")):
        answer = await (client.get(path, params={field: secret}) if path == "/keys/one" else post(
            client, path, key="laptop", **{field: secret}
        ))  # fmt: skip
        assert secret not in await answer.text()


async def test_a_field_that_there_is_not_is_named(tmp_path: Path, aiohttp_client: AiohttpClient) -> None:
    """Whoever sends one that no form has is told which, and nothing is done."""
    client = await aiohttp_client(an_app(tmp_path))
    _, secret = register(tmp_path).create("laptop", "lab")
    for path, field in (
        ("new", "budget"), ("limit", "group"), ("move", "name"), ("disable", "sure"), ("delete", "form"),
        ("new", secret),
    ):  # fmt: skip
        more = {"name": "phone"} if path == "new" else {"key": "laptop"}
        answer = await post(client, f"/keys/{path}", **more, **{field: "5"})
        page = await shown(answer)
        assert answer.status == 400
        assert field == secret or page.one("code").text == field
        assert secret not in await answer.text()
    assert [(key.name, key.group, key.disabled) for key in all_keys(tmp_path)] == [("laptop", "lab", False)]


async def test_each_form_does_what_it_says(tmp_path: Path, aiohttp_client: AiohttpClient) -> None:
    """Disable, enable, move, rename, limit and delete change the key, and lead to the list, which says so."""
    client = await aiohttp_client(an_app(tmp_path))
    register(tmp_path).create("laptop", "lab", expires_at=NOW - timedelta(days=1), per_minute=5)

    async def does(path: str, done: str, name: str = "laptop", **fields: Any) -> Key:
        answer = await post(client, f"/keys/{path}", key="laptop", **fields)
        assert answer.status == 303, read(await answer.text()).one(id="content").text
        assert answer.headers["Location"] == f"/keys?done={done}&key={name}"
        said = (await shown(await client.get(answer.headers["Location"]))).one("p", role="status").text
        assert said.startswith(f"The key {name} ")
        return the_key(tmp_path, name)

    assert (await does("disable", "disabled")).disabled
    assert not (await does("enable", "enabled")).disabled
    assert (await does("move", "moved", group="family")).group == "family"
    page = await shown(await client.get("/keys/one?key=laptop"))
    before = page.one("input", name_="expires").attributes["value"]
    changed = await does("limit", "changed", expires=before, budget_month="9", models="o3 o4", upstreams="")
    assert changed.expires_at == NOW - timedelta(days=1)
    assert (changed.per_minute, changed.models, changed.budgets) == (
        None, ("o3", "o4"), (Budget(Decimal(9), "month"),)
    )  # fmt: skip
    assert (await does("rename", "renamed", "notebook", new="notebook")).former_names == ("laptop",)
    assert (await post(client, "/keys/delete", key="notebook")).status == 400
    assert not the_key(tmp_path, "notebook").deleted
    answer = await post(client, "/keys/delete", key="notebook", sure="yes")
    assert answer.headers["Location"] == "/keys?done=deleted&key=notebook"
    assert the_key(tmp_path, "notebook").deleted
    assert not (await shown(await client.get("/keys/one?key=notebook"))).all("form", class_="card key-form")


async def test_a_rotated_key_has_a_new_secret_once(tmp_path: Path, aiohttp_client: AiohttpClient) -> None:
    """The old secret stays valid for the overlap; the same form sent again makes no third one."""
    client = await aiohttp_client(an_app(tmp_path))
    _, old = register(tmp_path).create("laptop", "lab")
    form = (await shown(await client.get("/keys/one?key=laptop"))).one("input", name_="form").attributes["value"]
    answer = await post(client, "/keys/rotate", key="laptop", overlap="2h", form=form)
    (new,) = set(ANYWHERE.findall(await answer.text()))
    key = the_key(tmp_path)
    assert (key.digest, key.previous_digest) == (digest(new), digest(old))
    assert key.previous_until == NOW + timedelta(hours=2)
    again = await post(client, "/keys/rotate", key="laptop", overlap="2h", form=form)
    assert (again.status, again.headers["Location"]) == (303, "/keys?done=again&key=laptop")
    assert the_key(tmp_path) == key
    wrong = await post(client, "/keys/rotate", key="laptop", overlap="a while")
    assert wrong.status == 400
    assert "length of time" in (await shown(wrong)).one(id="overlap-wrong").text


async def test_what_cannot_be_done_is_said(tmp_path: Path, aiohttp_client: AiohttpClient) -> None:
    """A key that is not there, a name that is taken and a credential that cannot be rotated are told in a sentence."""
    client = await aiohttp_client(an_app(tmp_path))
    register(tmp_path).create("laptop", "lab")
    register(tmp_path).name(FINGERPRINT, "phone", "lab")
    more = {"rename": {"new": "x"}, "move": {"group": "y"}, "delete": {"sure": "yes"}}
    for path in ("disable", "enable", "rotate", "rename", "move", "limit", "delete"):
        answer = await post(client, f"/keys/{path}", key="nobody<i>", **more.get(path, {}))
        assert answer.status == 404
        assert "There is no key nobody<i>" in (await shown(answer)).text
    taken = await post(client, "/keys/rename", key="laptop", new="phone")
    assert "already" in (await shown(taken)).one(id="new-wrong").text
    answer = await post(client, "/keys/rotate", key="phone")
    assert "can only be changed there" in (await shown(answer)).all("p", role="alert")[0].text


async def test_a_credential_is_named_from_its_line(tmp_path: Path, aiohttp_client: AiohttpClient) -> None:
    """The line of an unnamed credential leads to a form that has its fingerprint; afterwards it says its name."""
    client = await aiohttp_client(an_app(tmp_path, [a_call(key=FINGERPRINT, started_at_us=NOW_US - 1)]))
    page = await shown(await client.get("/keys"))
    (link,) = [one for one in page.one(id="keys").all("a") if one.text == "Name this key"]
    form = await shown(await client.get(link.attributes["href"]))
    assert form.one("input", name_="fingerprint").attributes["value"] == FINGERPRINT
    answer = await post(client, "/keys/credential", fingerprint=FINGERPRINT, name="phone", group="family")
    assert answer.headers["Location"] == "/keys?done=named&key=phone"
    key = the_key(tmp_path, "phone")
    assert (key.kind, key.digest, key.group) == ("named", FINGERPRINT, "family")
    heads = [row[0] for row in (await shown(await client.get("/keys"))).one(id="keys").rows()]
    assert any(head.startswith(FINGERPRINT) and "now phone" in head for head in heads)
    wrong = await post(client, "/keys/credential", fingerprint="sk-abc", name="x")
    assert "1a2b3c4d-wxyz" in (await shown(wrong)).one(id="fingerprint-wrong").text


async def test_a_register_that_cannot_be_read_is_said(tmp_path: Path, aiohttp_client: AiohttpClient) -> None:
    """The list still tells who called, the page of a key says what is wrong, and nothing is written over."""
    client = await aiohttp_client(an_app(tmp_path, [a_call(key="laptop")]))
    (tmp_path / "keys.json").write_text("{")
    page = await shown(await client.get("/keys"))
    assert "keys.json is damaged" in page.all("p", role="alert")[0].text
    assert len(page.one(id="keys").rows()) == 1
    for answer in (await client.get("/keys/one?key=laptop"), await post(client, "/keys/limit", key="laptop")):
        assert answer.status == 503
        assert "is damaged" in await answer.text()
    answer = await post(client, "/keys/new", name="phone")
    assert (answer.status, (tmp_path / "keys.json").read_text()) == (400, "{")


async def test_names_of_strangers_stay_text(tmp_path: Path, aiohttp_client: AiohttpClient) -> None:
    """What is said in the address is escaped and bounded, and unknown words are a mistake."""
    client = await aiohttp_client(an_app(tmp_path))
    answer = await client.get("/keys", params={"done": "disabled", "key": "<img src=x onerror=alert(1)>\u202e"})
    assert "<img src=x" not in await answer.text()
    assert "\u202e" not in html.unescape(await answer.text())
    assert (await client.get("/keys?done=paid")).status == 400
    assert re.search("takes no filters", await (await client.get("/keys?model=x")).text())


async def test_pages_of_keys_load_nothing_inline(tmp_path: Path, aiohttp_client: AiohttpClient) -> None:
    """No page about keys has an inline script, a style attribute or a handler in an attribute."""
    client = await aiohttp_client(an_app(tmp_path, [a_call(key="laptop")]))
    register(tmp_path).create("laptop", "lab", budgets=(Budget(Decimal(1), "day"),))
    for path in ("/keys", "/keys/new", "/keys/credential", "/keys/one?key=laptop", "/me"):
        answer = await client.get(path)
        assert answer.status == 200
        for element in (await shown(answer)).all():
            assert not {"style", "onclick", "onload", "onerror"} & set(element.attributes)
            assert element.name != "style"
            assert element.name != "script" or (element.attributes["src"] and not element.text)
