"""A key or a group may be for some models only; the row of a refused call says which one it asked for."""

import pytest

from proxy.config.model import Group
from proxy.floods import ROWS
from tests.keys.asking import Spent, ask, bearer
from tests.keys.conftest import ClientOf, OpenKeyed
from tests.relay.neighbours import RawUpstream

MODELS: list[tuple[str, list[str], bytes, int]] = [
    ("/openai/v1/chat/completions", [], b'{"model":"gpt-4o-mini"}', 200),
    ("/openai/v1/chat/completions", [], b'{"model":"gpt-4o"}', 200),
    ("/openai/v1/chat/completions", [], b'{"model":"o3"}', 403),
    ("/openai/v1/chat/completions", [], b'{"model":"gpt-4o","model":"o3"}', 403),
    ("/openai/v1/chat/completions", [], b'{"messages":[]}', 403),
    ("/openai/v1/chat/completions", [], b"not json", 403),
    ("/openai/v1/chat/completions", ["Content-Encoding: gzip"], b'{"model":"gpt-4o"}', 403),
    ("/openrouter/api/v1/chat/completions", [], b'{"model":"gpt-4o","models":["o3"]}', 403),
    ("/openai/v1/chat/completions", [], b'{"pad":"' + b"x" * 200_000 + b'","model":"gpt-4o"}', 200),
    ("/openai/v1/chat/completions", [], b'{"pad":"' + b"x" * 200_000 + b'","model":"o3"}', 403),
    ("/openai/v1/chat/completions", [], b'{"model":"gpt-4o","pad":"' + b"x" * 2_000_000 + b'"}', 200),
    ("/gemini/v1beta/models/gpt-4o:generateContent", [], b"{}", 200),
    ("/gemini/v1beta/models/gemini-2.5-pro:generateContent", [], b'{"model":"gpt-4o"}', 403),
    ("/gemini/v1beta/models/gpt-4o%2F..%2Fpro:generateContent", [], b"{}", 403),
    ("/openai/openai/deployments/gpt-4o/chat/completions?api-version=1", [], b"{}", 200),
    ("/openai/openai/deployments/o3/chat/completions?api-version=1", [], b'{"model":"gpt-4o"}', 403),
    ("/openai/v1/audio/transcriptions", ["Content-Type: multipart/form-data; boundary=b"],
     b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nAAAA\r\n'
     b'--b\r\nContent-Disposition: form-data; name="model"\r\n\r\ngpt-4o-transcribe\r\n--b--\r\n', 200),
]  # fmt: skip


@pytest.mark.parametrize(("target", "lines", "body", "status"), MODELS, ids=lambda value: repr(value)[:60])
async def test_a_key_for_some_models(
    keyed: OpenKeyed,
    upstream: RawUpstream,
    client_of: ClientOf,
    target: str,
    lines: list[str],
    body: bytes,
    status: int,
) -> None:
    """A key with a list of models uses those and no other; what goes through is unchanged, no other body is kept."""
    home = await keyed(upstream.url)
    secret = home.issue(models=("gpt-4o*",))
    got = await ask(client_of, home, target, bearer(secret), *lines, body=body)
    assert got.status == status
    row = await home.house.row()
    assert row["key"] == "laptop"
    if status == 200:
        assert upstream.visits[0].body == body
    else:
        assert (row["error"]["code"], row["outcome"]) == ("model_not_allowed", "rejected")
        assert (await home.house.details(row["id"]))["request"]["body"] is None
        assert not upstream.visits


async def test_looking_needs_no_model(keyed: OpenKeyed, upstream: RawUpstream, client_of: ClientOf) -> None:
    """A key with a list of models may list them all: a GET without a body runs none."""
    home = await keyed(upstream.url)
    secret = home.issue(models=("gpt-4o*",))
    got = await ask(client_of, home, "/openai/v1/models", bearer(secret), method="GET", body=b"")
    assert got.status == 200


async def test_a_body_too_large_to_look_into(keyed: OpenKeyed, upstream: RawUpstream, client_of: ClientOf) -> None:
    """Past the bound the model counts as not found, and the connection ends with the refusal."""
    home = await keyed(upstream.url)
    secret = home.issue(models=("gpt-4o*",))
    client = await client_of(home)
    await client.say(
        b"POST /openai/v1/x HTTP/1.1\r\nHost: x\r\nContent-Length: 40000000\r\n"
        + f"Authorization: Bearer {secret}\r\n\r\n".encode()
        + b'{"model":"gpt-4o","pad":"'
    )
    assert (await client.head()).status == 403
    assert not upstream.visits


async def test_a_group_that_refuses_what_has_no_price(
    keyed: OpenKeyed, upstream: RawUpstream, client_of: ClientOf
) -> None:
    """In a group with unpriced = "refuse" a model known to have no price is a 403; elsewhere it is let through."""
    home = await keyed(upstream.url, groups={"lab": Group("lab", unpriced="refuse")})
    home.house.worker.keyring.standing = Spent()
    strict, other = home.issue(), home.issue("other", "else")
    body = b'{"model":"mystery"}'
    got = await ask(client_of, home, "/groq/v1/x", bearer(strict), body=body)
    assert (got.status, got.value(b"x-tollbook-error")) == (403, b"model_unpriced")
    assert (await ask(client_of, home, "/groq/v1/x", bearer(strict))).status == 200
    assert (await ask(client_of, home, "/groq/v1/x", bearer(other), body=body)).status == 200


async def test_a_model_that_is_why_is_on_the_row(keyed: OpenKeyed, upstream: RawUpstream, client_of: ClientOf) -> None:
    """A call refused for its model says which one it was, though nothing of its body is kept."""
    home = await keyed(upstream.url, groups={"lab": Group("lab", unpriced="refuse")})
    home.house.worker.keyring.standing = Spent()
    strict, some = home.issue(), home.issue("other", "else", models=("gpt-4o*",))
    await ask(client_of, home, "/groq/v1/x", bearer(strict), body=b'{"model":"mystery"}')
    await ask(client_of, home, "/groq/v1/x", bearer(some), body=b'{"model":"o3-pro"}')
    await ask(client_of, home, "/groq/v1/x", bearer(some), body=b"{}")
    rows = await home.house.rows(3)
    assert [(row["error"]["code"], row["requested_model"], row["model"]) for row in reversed(rows)] == [
        ("model_unpriced", "mystery", "mystery"), ("model_not_allowed", "o3-pro", "o3-pro"),
        ("model_not_allowed", None, None),
    ]  # fmt: skip


async def test_a_row_says_which_model_a_refused_call_asked_for(
    keyed: OpenKeyed, upstream: RawUpstream, client_of: ClientOf
) -> None:
    """Whatever a key's holder is refused for, the row has the model of a body that comes with its head or right after
    it, or of the path; of a stranger's body nothing is read."""
    home = await keyed(upstream.url)
    elsewhere = home.issue("elsewhere", upstreams=("groq",))
    chat = "/openai/v1/chat/completions"
    await ask(client_of, home, chat, bearer(elsewhere), body=b'{"model":"gpt-4o"}')
    await ask(client_of, home, "/gemini/v1beta/models/gemini-2.5-pro:generateContent", bearer(elsewhere))
    await ask(client_of, home, chat, bearer("tb-nobody"), body=b'{"model":"gpt-4o"}')
    client = await client_of(home)
    head = f"POST {chat} HTTP/1.1\r\nHost: x\r\nContent-Length: 14\r\nAuthorization: Bearer {elsewhere}\r\n\r\n"
    await client.say(head.encode())
    await client.say(b'{"model":"o3"}')
    assert (await client.answer()).status == 403
    await client.say(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
    assert (await client.answer()).body == b"ok\n"
    rows = await home.house.rows(4)
    assert [(row["status"], row["requested_model"]) for row in reversed(rows)] == [
        (403, "gpt-4o"), (403, "gemini-2.5-pro"), (401, None), (403, "o3"),
    ]  # fmt: skip
    assert not upstream.visits


@pytest.mark.parametrize("line", ["Content-Length: 2000000", "Content-Length: 20", "Transfer-Encoding: chunked"])
async def test_a_refusal_does_not_wait_for_a_body(
    keyed: OpenKeyed, upstream: RawUpstream, client_of: ClientOf, line: str
) -> None:
    """A body that is large, of unknown length or does not come is not waited for; what it asks for is unknown."""
    home = await keyed(upstream.url)
    elsewhere = home.issue("elsewhere", upstreams=("groq",))
    client = await client_of(home)
    head = f"POST /openai/v1/x HTTP/1.1\r\nHost: x\r\n{line}\r\nAuthorization: Bearer {elsewhere}\r\n\r\n"
    await client.say(head.encode())
    assert (await client.head()).status == 403
    assert (await home.house.row())["requested_model"] is None


async def test_a_secret_in_the_place_of_a_model_is_not_kept(
    keyed: OpenKeyed, upstream: RawUpstream, client_of: ClientOf
) -> None:
    """What a refusal says of a request is kept without the keys that stand in it."""
    home = await keyed(upstream.url)
    some, elsewhere = home.issue("some", models=("gpt-4o*",)), home.issue("elsewhere", upstreams=("groq",))
    for secret in (some, elsewhere):
        body = b'{"model":"%b"}' % secret.encode()
        await ask(client_of, home, "/openai/v1/chat/completions", bearer(secret), body=body)
    await ask(client_of, home, f"/{some}/v1/chat/completions", bearer(some))
    rows = await home.house.rows(3)
    assert [row["error"]["code"] for row in rows] == ["unknown_upstream", "upstream_not_allowed", "model_not_allowed"]
    assert not any(secret in str(row) for row in rows for secret in (some, elsewhere))
    assert rows[1]["requested_model"] == rows[2]["requested_model"] == "[redacted issued key]"
    assert "may not use the model [redacted issued key]" in rows[2]["error"]["message"]


async def test_a_flood_for_one_model_is_not_counted_for_another(
    keyed: OpenKeyed, upstream: RawUpstream, client_of: ClientOf
) -> None:
    """What is only counted is counted on the row of a call refused for the same model."""
    home = await keyed(upstream.url)
    secret = home.issue(models=("gpt-4o*",))
    for model in (*["o1"] * (ROWS + 3), *["o3"] * 2):
        await ask(client_of, home, "/groq/v1/x", bearer(secret), body=b'{"model":"%b"}' % model.encode())
    rows = await home.house.rows(ROWS + 2)
    assert [(row["model"], row["repeats"]) for row in rows[:3]] == [("o3", 0), ("o3", 0), ("o1", 3)]
