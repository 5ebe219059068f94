"""`/api/me`: who shows a key is told about that key, and about no other."""

import asyncio
import os
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
import pytest

from proxy.config.budget import Budget
from proxy.config.model import Group
from proxy.keys import desk
from proxy.keys.fingerprint import fingerprint
from proxy.keys.secret import new_secret
from tests.keys.conftest import ClientOf, Keyed, OpenKeyed
from tests.relay.neighbours import Received

CHAT = b'{"model":"gpt-4o-mini","messages":[{"role":"user","content":"Hi"}]}'


async def me(client_of: ClientOf, keyed: Keyed, *lines: str, target: str = "/api/me", method: str = "GET") -> Received:
    client = await client_of(keyed)
    await client.ask(target, method, *lines)
    return await client.answer()


def bearer(secret: str) -> str:
    return f"Authorization: Bearer {secret}"


def told(got: Received) -> dict[str, Any]:
    assert got.status == 200, got.body
    read: dict[str, Any] = orjson.loads(got.body)
    return read


async def call(client_of: ClientOf, keyed: Keyed, secret: str) -> None:
    client = await client_of(keyed)
    await client.ask("/openai/v1/chat/completions", "POST", bearer(secret), body=CHAT)
    assert (await client.answer()).status == 200


async def test_a_holder_is_told_about_the_key(keyed: OpenKeyed, client_of: ClientOf) -> None:
    """Usage and cost are those of the key's rows, what is left is budget less usage, and no other key's calls show."""
    lab = Group("lab", Decimal(2), (Budget(Decimal(100), "total"),))
    home = await keyed(groups={"lab": lab})
    bounds = {"budgets": (Budget(Decimal(10), "month"),), "models": ("gpt-*",), "per_minute": 60}
    mine, other = home.issue("laptop", "lab", **bounds), home.issue("desktop", "lab")
    for secret in (mine, mine, other):
        await call(client_of, home, secret)
    rows = [row for row in await home.house.rows(3) if row["key"] == "laptop"]
    used = sum(Decimal(str(row["usage"])) for row in rows)
    of_group = used / 2 * 3
    got = told(await me(client_of, home, bearer(mine)))
    assert (got["key"], got["group"], got["state"], got["expires"]) == ("laptop", "lab", "active", None)
    assert got["calls"] == {"today": 2, "month": 2, "total": 2}
    assert {Decimal(str(one)) for one in got["usage"].values()} == {used}
    assert {Decimal(one) for one in got["cost"].values()} == {sum(Decimal(row["cost"]["usd"]) for row in rows)}
    assert (got["models"], got["upstreams"]) == (["gpt-*"], [])
    assert got["limits"] == {"per_minute": 60, "concurrent": None}
    assert got["logs"] == rows
    left = {(one["of"], one["period"]): Decimal(str(one["left"])) for one in got["budgets"]}
    assert left == {("key", "month"): 10 - used, ("group", "total"): 100 - of_group}
    assert got["complete"] is True
    assert len(await home.house.rows(3)) == 3  # asking is no call


@pytest.mark.parametrize(
    ("target", "line"),
    [
        ("/api/me", "Authorization: Bearer {}"),
        ("/api/me", "x-api-key: {}"),
        ("/api/me", "api-key: {}"),
        ("/api/me", "x-goog-api-key: {}"),
        ("/api/me?key={}", "X-A: b"),
    ],
)
async def test_the_key_is_shown_as_for_a_call(keyed: OpenKeyed, client_of: ClientOf, target: str, line: str) -> None:
    """Wherever a client puts its key for a call, it may put it here."""
    home = await keyed()
    secret = home.issue()
    got = await me(client_of, home, line.format(secret), target=target.format(secret))
    assert told(got)["key"] == "laptop"
    assert got.values(b"cache-control") == [b"no-store"]


async def test_a_named_credential_has_a_holder_too(keyed: OpenKeyed, client_of: ClientOf) -> None:
    """Where credentials pass through, one that was given a name is told about itself; one without a name is not."""
    home = await keyed(access="open")
    theirs = "sk-theirs-0123456789"
    home.register.name(fingerprint(theirs), "phone", "family")
    home.refresh()
    got = told(await me(client_of, home, bearer(theirs)))
    assert (got["key"], got["group"]) == ("phone", "family")
    assert (await me(client_of, home, bearer("sk-nobodys-0123456789"))).status == 401


async def test_a_renamed_key_keeps_what_it_did(keyed: OpenKeyed, client_of: ClientOf) -> None:
    """Calls under a former name count, and are listed."""
    home = await keyed()
    secret = home.issue()
    await call(client_of, home, secret)
    await home.house.rows(1)
    home.register.rename("laptop", "notebook")
    home.refresh()
    got = told(await me(client_of, home, bearer(secret)))
    assert (got["key"], got["calls"]["total"], got["logs"][0]["key"]) == ("notebook", 1, "laptop")


async def test_what_is_not_valid_is_one_and_the_same(keyed: OpenKeyed, client_of: ClientOf) -> None:
    """Unknown, mistyped, disabled, deleted, expired and rotated keys get the same answer, byte for byte."""
    home = await keyed()
    expired = home.issue("a", expires_at=datetime.now(UTC) + timedelta(milliseconds=1))
    disabled, deleted, rotated = home.issue("b"), home.issue("c"), home.issue("d")
    home.register.disable("b")
    home.register.delete("c")
    home.register.rotate("d", timedelta(0))
    home.refresh()
    await asyncio.sleep(0.01)
    answers = [
        await me(client_of, home, bearer(secret))
        for secret in (expired, disabled, deleted, rotated, new_secret(), new_secret()[:-1], "sk-x", "tb-\xe4")
    ]
    assert {answer.status for answer in answers} == {401}
    assert len({answer.body for answer in answers}) == 1
    assert orjson.loads(answers[0].body)["error"]["code"] == "invalid_api_key"


async def test_wrong_keys_run_out(keyed: OpenKeyed, client_of: ClientOf) -> None:
    """After some wrong keys the address has to wait, and is told how long."""
    home = await keyed()
    client = await client_of(home)
    statuses = []
    for _ in range(30):
        await client.ask("/api/me", "GET", bearer(new_secret()))
        statuses.append((got := await client.answer()).status)
    assert statuses == sorted(statuses)
    assert set(statuses) == {401, 429}
    assert got.values(b"retry-after") == [b"2"]


async def test_what_is_no_question_is_refused(keyed: OpenKeyed, client_of: ClientOf) -> None:
    """Without a key it is a 401, by another method a 405, with a key in two places a 400; none of them is a row."""
    home = await keyed()
    secret = home.issue()
    assert (await me(client_of, home)).status == 401
    assert (await me(client_of, home, bearer(secret), method="POST")).status == 405
    assert (await me(client_of, home, bearer(secret), "x-api-key: sk-another-0123")).status == 400
    assert (await me(client_of, home, bearer(secret), bearer(secret))).status == 400
    assert await home.house.rows(0) == []


@pytest.mark.parametrize(("query", "named"), [("x=1", "x"), ("from=1h&key={}", "from"), ("{}", "parameter")])
async def test_what_it_does_not_know_is_named(keyed: OpenKeyed, client_of: ClientOf, query: str, named: str) -> None:
    """A parameter that means nothing is a 400 that names it, and never repeats a key."""
    home = await keyed()
    secret = home.issue()
    got = await me(client_of, home, bearer(secret), target="/api/me?" + query.format(secret))
    assert got.status == 400
    assert orjson.loads(got.body)["error"]["message"] == f"{named}: this takes no parameters."
    assert secret.encode() not in got.body


async def test_a_store_that_is_away_is_said(keyed: OpenKeyed, client_of: ClientOf) -> None:
    """When nobody is at the desk the answer is a 503 in JSON, and calls go on."""
    home = await keyed()
    secret = home.issue()
    socket = home.house.config.store.data_dir / desk.FILE
    socket.unlink()
    got = await me(client_of, home, bearer(secret))
    assert (got.status, got.values(b"retry-after")) == (503, [b"1"])
    assert orjson.loads(got.body)["error"]["message"] == "The book cannot be asked just now."
    await call(client_of, home, secret)


async def test_the_desk_is_its_owners_alone(keyed: OpenKeyed) -> None:
    """Nobody else on the machine may connect to the socket."""
    home = await keyed()
    mode = (home.house.config.store.data_dir / desk.FILE).stat().st_mode
    assert oct(mode & 0o777) == "0o600"


def test_a_long_directory_is_no_hindrance(tmp_path: Path) -> None:
    """The name of the socket stays short, however long that of its directory."""
    deep = tmp_path.joinpath(*["x" * 40] * 5)
    deep.mkdir(parents=True)
    with desk.address(deep) as path:
        assert len(path) < 100
        Path(path).touch()
    assert (deep / desk.FILE).exists()
    assert os.listdir(deep) == [desk.FILE]
