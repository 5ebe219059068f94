"""/api/keys tells the register and the groups beside the keys that were used."""

from decimal import Decimal
from pathlib import Path

from pytest_aiohttp.plugin import AiohttpClient

from proxy.config.budget import Budget
from proxy.keys.fingerprint import fingerprint
from proxy.keys.register import Register
from proxy.keys.secret import digest
from store.api.openapi import DESCRIPTION
from tests.api.listener import an_app
from tests.api.test_openapi import differences
from tests.books import a_call


async def test_every_key_is_told_without_its_secret(tmp_path: Path, aiohttp_client: AiohttpClient) -> None:
    """Used or not, with its bounds and budgets, as it is described; nothing made of the secret is in it."""
    client = await aiohttp_client(an_app(tmp_path, [a_call(key="laptop")]))
    register = Register(tmp_path)
    _, secret = register.create("laptop", "lab", budgets=(Budget(Decimal("1.5"), "day"),), models=("gpt-*",))
    register.rotate("laptop")
    register.name(fingerprint("sk-theirs-0123456789"), "phone", "family")
    register.create("gone", "lab")
    register.delete("gone")
    answer = await client.get("/api/keys")
    told = await answer.json()
    assert differences(DESCRIPTION["components"]["schemas"]["Keys"], told) == []
    assert [one["key"] for one in told["keys"]] == ["laptop"]
    assert [(one["name"], one["state"]) for one in told["register"]] == [
        ("laptop", "active"), ("phone", "active"), ("gone", "deleted"),
    ]  # fmt: skip
    (budget,) = told["register"][0]["budgets"]
    assert (budget["credits"], budget["period"], budget["used"], budget["left"]) == (1.5, "day", None, None)
    assert [(one["name"], one["ratio"], one["keys"]) for one in told["groups"]] == [("family", "1", 1), ("lab", "1", 1)]
    text = await answer.text()
    assert secret not in text
    assert digest(secret) not in text
    assert register.keys()[0].digest not in text


async def test_a_register_that_cannot_be_read_is_null(tmp_path: Path, aiohttp_client: AiohttpClient) -> None:
    """What was used is told all the same; unknown is not an empty list."""
    client = await aiohttp_client(an_app(tmp_path, [a_call(key="laptop")]))
    (tmp_path / "keys.json").write_text("{")
    told = await (await client.get("/api/keys")).json()
    assert differences(DESCRIPTION["components"]["schemas"]["Keys"], told) == []
    assert (told["register"], len(told["keys"])) == (None, 1)
