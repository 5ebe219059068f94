"""Who is let in: an issued key wherever clients put one, and nobody else where keys are asked for."""

import asyncio
import base64
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import orjson
import pytest

from proxy.config.budget import Budget
from proxy.config.model import Config
from proxy.credential import own_header
from proxy.keys.fingerprint import fingerprint
from proxy.keys.register import Register
from proxy.keys.secret import new_secret
from proxy.keys.used_up import UsedUp
from tests.keys.asking import CHAT, Spent, ask, bearer
from tests.keys.conftest import OURS, ClientOf, OpenKeyed
from tests.relay.neighbours import RawUpstream, Visit, answering, sized

OWN = {"openai": (b"authorization", f"Bearer {OURS}".encode()), "anthropic": (b"x-api-key", OURS.encode()),
       "gemini": (b"x-goog-api-key", OURS.encode())}  # fmt: skip


def sent(upstream: RawUpstream) -> bytes:
    """Everything the upstream got."""
    return b"\n".join(
        b"\n".join([visit.head.line, *(name + b": " + value for name, value in visit.head.headers), visit.body])
        for visit in upstream.visits
    )


async def visited(upstream: RawUpstream, count: int) -> None:
    """Wait until so many requests have reached the upstream."""
    for _ in range(6000):
        if len(upstream.visits) >= count:
            return
        await asyncio.sleep(0.01)
    raise AssertionError(f"{len(upstream.visits)} of {count} requests came")


PLACES = [
    ("openai", "/v1/chat/completions", "Authorization: Bearer {}"),
    ("openai", "/v1/chat/completions", "authorization: bearer  {}"),
    ("openai", "/v1/chat/completions", "Authorization: {}"),
    ("openai", "/v1/chat/completions?a=b&key={}&c=%2F", "X-A: b"),
    ("openai", "/v1/chat/completions", "Sec-WebSocket-Protocol: realtime, openai-insecure-api-key.{}"),
    ("anthropic", "/v1/messages", "x-api-key: {}"),
    ("anthropic", "/v1/messages", "Authorization: Bearer {}"),
    ("gemini", "/v1beta/models/gemini-2.5-flash:generateContent", "x-goog-api-key: {}"),
    ("gemini", "/v1beta/models/gemini-2.5-flash:generateContent?key={}", "X-A: b"),
    ("gemini", "/v1beta/models/gemini-2.5-flash:generateContent?%6Bey={}&alt=sse", "X-A: b"),
]


@pytest.mark.parametrize("access", ["open", "keys"])
@pytest.mark.parametrize(("name", "target", "line"), PLACES)
async def test_an_issued_key_is_known_wherever_clients_put_it(
    keyed: OpenKeyed, upstream: RawUpstream, client_of: ClientOf, access: str, name: str, target: str, line: str
) -> None:
    """The call goes upstream with the upstream's own credential and no trace of the key, and the row has its name."""
    home = await keyed(upstream.url, access=access)
    secret = home.issue("laptop", "lab")
    got = await ask(client_of, home, f"/{name}" + target.format(secret), line.format(secret))
    assert got.status == 200
    row = await home.house.row()
    assert (row["key"], row["group"], row["outcome"]) == ("laptop", "lab", "completed")
    (visit,) = upstream.visits
    header, value = OWN[name]
    assert visit.head.values(header) == [value]
    assert b"tb-" not in sent(upstream)
    assert visit.body == CHAT
    if "a=b" in target:
        assert b" /v1/chat/completions?a=b&c=%2F " in visit.head.line


async def test_azure_gets_its_credential_where_the_client_put_the_key(
    keyed: OpenKeyed, upstream: RawUpstream, client_of: ClientOf
) -> None:
    """A key in the header api-key is replaced there."""
    home = await keyed(upstream.url)
    secret = home.issue()
    path = "/openai/openai/deployments/gpt/chat/completions"
    assert (await ask(client_of, home, path, f"api-key: {secret}")).status == 200
    (visit,) = upstream.visits
    assert visit.head.values(b"api-key") == [OURS.encode()]
    assert visit.head.values(b"authorization") == []


@pytest.mark.parametrize(
    ("line", "header", "value"),
    [
        ("xi-api-key: {}", b"xi-api-key", OURS),
        ("Authorization: Token {}", b"authorization", f"Token {OURS}"),
        ("Authorization: Key {}", b"authorization", f"Key {OURS}"),
    ],
)
async def test_a_credential_is_written_as_the_client_wrote_the_key(
    keyed: OpenKeyed, upstream: RawUpstream, client_of: ClientOf, line: str, header: bytes, value: str
) -> None:
    """ElevenLabs has a header of its own, Deepgram and fal a scheme; the key is replaced there."""
    home = await keyed(upstream.url)
    assert (await ask(client_of, home, "/openai/v1/listen", line.format(home.issue()))).status == 200
    (visit,) = upstream.visits
    assert visit.head.values(header) == [value.encode()]
    assert b"tb-" not in sent(upstream)
    assert (await home.house.row())["key"] == "laptop"


@pytest.mark.parametrize("place", ["authorization", "x-api-key", None])
@pytest.mark.parametrize("path", ["/openai/deployments/gpt/chat/completions", "/openai/v1/responses", "/models/x"])
def test_azure_expects_its_credential_in_its_own_header(path: str, place: str | None) -> None:
    """An azure upstream gets its key as api-key on every path, wherever the issued key stood."""
    assert own_header("azure", OURS, path, place) == ("api-key", OURS)


@pytest.mark.parametrize(
    "around", [":{}", "{}:", "user:{}", "a:b:{}", "{}", "user:{}\xff", "us\xe9r:{}", "\xff\xfe\xfb:{}"]
)
@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
@pytest.mark.parametrize("padded", [True, False])
async def test_a_key_as_a_password(
    keyed: OpenKeyed,
    upstream: RawUpstream,
    client_of: ClientOf,
    around: str,
    encode: Callable[[bytes], bytes],
    padded: bool,
) -> None:
    """A key in Basic credentials is known, however they are written, and goes no further."""
    home = await keyed(upstream.url, access="open")
    hidden = encode(around.format(home.issue()).encode("latin-1")).decode()
    hidden = hidden if padded else hidden.rstrip("=")
    assert (await ask(client_of, home, "/groq/v1/x", f"Authorization: Basic {hidden}")).status == 200
    assert (await home.house.row())["key"] == "laptop"
    assert hidden.encode() not in sent(upstream)


@pytest.mark.parametrize(
    ("target", "lines"),
    [
        ("/groq/v1/x", ["Authorization: Bearer sk-another-0123456789", "x-api-key: {}"]),
        ("/groq/v1/x", ["Authorization: Bearer {}", "x-api-key: sk-another-0123456789"]),
        ("/groq/v1/x?key=sk-another", ["Authorization: Bearer {}"]),
        ("/groq/v1/x?key={}", ["api-key: sk-another"]),
        ("/groq/v1/x?other={}", ["X-A: b"]),
        ("/groq/v1/{}/x", ["X-A: b"]),
        ("/groq/v1/{}/x", ["Authorization: Bearer {}"]),
        ("/groq/v1/x?a=1;key={}", ["X-A: b"]),
        ("/groq/v1/x", ["Cookie: session={}"]),
        ("/groq/v1/x", ["Authorization: Bearer {}", "X-Note: the key is {}"]),
        ("/groq/v1/x", ["x-api-key: my {}"]),
        ("/groq/v1/x", ["Helicone-Auth: Bearer {}"]),
        ("/groq/v1/x", ["User-Agent: {}"]),
        ("/{}/v1/x", ["X-A: b"]),
    ],
)
@pytest.mark.parametrize("access", ["open", "keys"])
async def test_a_key_in_two_places_or_a_wrong_one_goes_nowhere(
    keyed: OpenKeyed, upstream: RawUpstream, client_of: ClientOf, target: str, lines: list[str], access: str
) -> None:
    """An issued key beside another credential, or where none belongs, is refused, and no note or answer repeats it."""
    home = await keyed(upstream.url, access=access)
    secret = home.issue()
    got = await ask(client_of, home, target.format(secret), *(line.format(secret) for line in lines))
    assert got.status in (400, 401, 404)
    assert secret.encode() not in got.body
    row = await home.house.row()
    assert row["outcome"] == "rejected"
    assert secret not in repr(await home.house.details(row["id"]))
    assert not upstream.visits


async def test_the_same_key_twice_is_once(keyed: OpenKeyed, upstream: RawUpstream, client_of: ClientOf) -> None:
    """Clients that send their key in two headers may."""
    home = await keyed(upstream.url)
    secret = home.issue()
    assert (await ask(client_of, home, "/anthropic/v1/messages", bearer(secret), f"x-api-key: {secret}")).status == 200
    assert b"tb-" not in sent(upstream)


@pytest.mark.parametrize(
    "line",
    [
        "X-A: b",
        "Authorization: Bearer sk-proj-0123456789abcdef",
        "Authorization: Bearer tb-",
        "Authorization: Bearer tb-short",
        "Authorization: Bearer tb-\xe9\xe9",
        "Authorization: Bearer tb-" + "0" * 49,
        "Authorization: Bearer tb-" + "a" * 20_000,
        "Authorization: Bearer " + "a" * 20_000,
        "Authorization: Bearer ' or 1=1 --",
        "x-api-key: tb-F2rP7bYAgN5xQT7orj9gOQENbUBF7xfbqnGT94gmfOZ2OQQuw",
    ],
    ids=lambda line: line[:40],
)
async def test_nobody_else_is_let_in(keyed: OpenKeyed, upstream: RawUpstream, client_of: ClientOf, line: str) -> None:
    """Where keys are asked for, anything else is a 401 and a rejected row, with no upstream contact."""
    home = await keyed(upstream.url)
    home.issue()
    got = await ask(client_of, home, "/groq/v1/chat/completions", line)
    assert (got.status, got.value(b"x-should-retry")) == (401, b"false")
    row = await home.house.row()
    assert (row["outcome"], row["status"]) == ("rejected", 401)
    assert row["error"]["code"] == ("missing_key" if line == "X-A: b" else "unknown_key")
    assert (await home.house.details(row["id"]))["request"]["body"] is None
    assert not upstream.visits


async def test_a_key_that_is_not_ours_is_no_credential_of_the_upstream(
    keyed: OpenKeyed, upstream: RawUpstream, client_of: ClientOf
) -> None:
    """An unknown tb- key is refused in open mode too: it is never passed through."""
    home = await keyed(upstream.url, access="open")
    assert (await ask(client_of, home, "/groq/v1/x", bearer(new_secret()))).status == 401
    assert (await ask(client_of, home, "/groq/v1/x", bearer("tb-typo"))).status == 401
    assert not upstream.visits


async def test_what_is_wrong_with_a_key_only_the_row_tells(
    keyed: OpenKeyed, upstream: RawUpstream, client_of: ClientOf
) -> None:
    """Unknown, disabled, expired and deleted keys get the same bytes but for the call's id; rows know the reason."""
    home = await keyed(upstream.url)
    expired = home.issue("expired", expires_at=datetime.now(UTC) - timedelta(seconds=1))
    disabled, deleted, rotated = home.issue("disabled"), home.issue("deleted"), home.issue("rotated")
    home.register.disable("disabled")
    home.register.delete("deleted")
    home.rotated("rotated", timedelta(microseconds=1))
    answers = set()
    for count, (secret, key, code) in enumerate(
        [
            (expired, "expired", "expired_key"),
            (disabled, "disabled", "disabled_key"),
            (deleted, "deleted", "deleted_key"),
            (rotated, "rotated", "expired_key"),
            (unknown := new_secret(), fingerprint(unknown), "unknown_key"),
        ],
        1,
    ):
        got = await ask(client_of, home, "/groq/v1/x", bearer(secret))
        told = [pair for pair in got.headers if pair[0].lower() not in (b"x-tollbook-call-id", b"date")]
        answers.add((got.status, got.body, tuple(told)))
        row = (await home.house.rows(count))[0]
        assert (row["key"], row["error"]["code"], row["outcome"]) == (key, code, "rejected")
    assert len(answers) == 1
    assert not upstream.visits


async def test_a_rotated_key_has_two_secrets_for_a_while(
    keyed: OpenKeyed, upstream: RawUpstream, client_of: ClientOf
) -> None:
    """During the overlap old and new secret are the same key; without an overlap the old one ends at once."""
    home = await keyed(upstream.url)
    first = home.issue()
    second = home.rotated()
    third = home.rotated(overlap=timedelta(0))
    for secret, status in ((first, 401), (second, 401), (third, 200)):
        assert (await ask(client_of, home, "/groq/v1/x", bearer(secret))).status == status
    fourth = home.rotated()
    for secret in (third, fourth):
        assert (await ask(client_of, home, "/groq/v1/x", bearer(secret))).status == 200
    assert {row["key"] for row in (await home.house.rows(5))[:2]} == {"laptop"}


async def test_no_body_is_asked_for_before_a_refusal(keyed: OpenKeyed, client_of: ClientOf) -> None:
    """Expect: 100-continue with a key that may not is a 401 without a 100 before it, and the connection ends."""
    home = await keyed("http://127.0.0.1:1")
    client = await client_of(home)
    await client.say(
        b"POST /groq/v1/x HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer tb-no\r\n"
        b"Expect: 100-continue\r\nContent-Length: 1000000\r\n\r\n"
    )
    assert (await client.head()).status == 401
    await client.rest()


async def test_upstreams_of_one_proxy_may_differ(keyed: OpenKeyed, upstream: RawUpstream, client_of: ClientOf) -> None:
    """`access` holds for each upstream; an issued key works in both kinds."""
    home = await keyed(upstream.url, access="open")
    closed = replace(home.house.config.upstreams["groq"], access="keys")
    home = await keyed(upstream.url, access="open", upstreams={"groq": closed})
    secret = home.issue()
    assert (await ask(client_of, home, "/groq/v1/x", bearer("sk-0123456789abcdef"))).status == 401
    assert (await ask(client_of, home, "/openai/v1/x", bearer("sk-0123456789abcdef"))).status == 200
    for name in ("groq", "openai"):
        assert (await ask(client_of, home, f"/{name}/v1/x", bearer(secret))).status == 200


async def test_a_key_for_some_upstreams(keyed: OpenKeyed, upstream: RawUpstream, client_of: ClientOf) -> None:
    """An upstream outside a key's list is a 403."""
    home = await keyed(upstream.url)
    secret = home.issue(upstreams=("openai", "anthropic"))
    assert (await ask(client_of, home, "/openai/v1/x", bearer(secret))).status == 200
    assert (await ask(client_of, home, "/groq/v1/x", bearer(secret))).status == 403
    row = (await home.house.rows(2))[0]
    assert (row["key"], row["error"]["code"]) == ("laptop", "upstream_not_allowed")
    assert len(upstream.visits) == 1


async def test_an_upstream_without_a_credential(keyed: OpenKeyed, upstream: RawUpstream, client_of: ClientOf) -> None:
    """An https upstream without api_key_env refuses an issued key and names that key; a plain http one needs none."""
    home = await keyed("https://127.0.0.1:1", upstream={"api_key": None})
    got = await ask(client_of, home, "/groq/v1/x", bearer(home.issue()))
    assert (got.status, got.value(b"x-tollbook-error"), got.value(b"x-should-retry")) == (
        503, b"no_upstream_key", b"false",
    )  # fmt: skip
    assert "api_key_env" in orjson.loads(got.body)["error"]["message"]
    home = await keyed(upstream.url, upstream={"api_key": None})
    assert (await ask(client_of, home, "/ollama/v1/x", bearer(home.issue()))).status == 200
    assert upstream.visits[0].head.values(b"authorization") == []


async def test_calls_a_minute(keyed: OpenKeyed, upstream: RawUpstream, client_of: ClientOf) -> None:
    """Past its calls a minute a key is a 429 with Retry-After; other keys are not."""
    home = await keyed(upstream.url)
    secret, other = home.issue(per_minute=2), home.issue("other", per_minute=2)
    statuses = []
    for _ in range(4):
        got = await ask(client_of, home, "/groq/v1/x", bearer(secret))
        statuses.append(got.status)
    assert statuses == [200, 200, 429, 429]
    assert got.value(b"x-tollbook-error") == b"rate_limited"
    assert 1 <= int(got.value(b"retry-after") or 0) <= 60
    assert got.value(b"x-should-retry") is None
    assert (await ask(client_of, home, "/groq/v1/x", bearer(other))).status == 200
    assert [row["status"] for row in await home.house.rows(5)] == [200, 429, 429, 200, 200]


async def test_calls_at_a_time(keyed: OpenKeyed, client_of: ClientOf) -> None:
    """Past its calls at a time a key is a 429; once one has ended, however it did, another may begin."""
    enough = asyncio.Event()

    async def script(visit: Visit) -> None:
        await visit.read()
        await enough.wait()
        await visit.say(sized(b"{}"))

    slow = RawUpstream()
    await slow.open(script)
    home = await keyed(slow.url)
    secret = home.issue(concurrent=2)
    first, second = await client_of(home), await client_of(home)
    for client in (first, second):
        await client.ask("/groq/v1/x", "POST", bearer(secret), body=CHAT)
    await visited(slow, 2)
    got = await ask(client_of, home, "/groq/v1/x", bearer(secret))
    assert (got.status, got.value(b"x-tollbook-error"), got.value(b"retry-after")) == (
        429, b"too_many_concurrent", b"1",
    )  # fmt: skip
    first.leave()
    rows: list[dict[str, Any]] = await home.house.rows(2)
    assert {row["outcome"] for row in rows} == {"client_left", "rejected"}
    third = await client_of(home)
    await third.ask("/groq/v1/x", "POST", bearer(secret), body=CHAT)
    await visited(slow, 3)
    enough.set()
    for client in (second, third):
        assert (await client.answer()).status == 200
    await home.house.rows(4)
    await slow.close()


async def test_a_credential_with_a_name(keyed: OpenKeyed, upstream: RawUpstream, client_of: ClientOf) -> None:
    """A passed-through credential that was given a name bears it, and its group, in later rows; and can be disabled."""
    home = await keyed(upstream.url, access="open")
    theirs = "sk-theirs-0123456789abcdef"
    assert (await ask(client_of, home, "/groq/v1/x", bearer(theirs))).status == 200
    home.register.name(fingerprint(theirs), "phone", "family")
    home.refresh()
    assert (await ask(client_of, home, "/groq/v1/x", bearer(theirs))).status == 200
    home.register.move("phone", "work")
    home.register.disable("phone")
    home.refresh()
    assert (await ask(client_of, home, "/groq/v1/x", bearer(theirs))).status == 401
    rows = reversed(await home.house.rows(3))
    assert [(row["key"], row["group"]) for row in rows] == [
        (fingerprint(theirs), "default"), ("phone", "family"), ("phone", "work"),
    ]  # fmt: skip
    assert [visit.head.values(b"authorization") for visit in upstream.visits] == [[f"Bearer {theirs}".encode()]] * 2


async def test_a_budget_that_is_used_up(keyed: OpenKeyed, upstream: RawUpstream, client_of: ClientOf) -> None:
    """A used-up budget is a 429 that no SDK repeats, says which budget it is and when it begins anew."""
    home = await keyed(upstream.url, access="open")
    amount = Decimal(50000)
    secret = home.issue(budgets=(Budget(amount, "month"),))
    home.house.worker.keyring.standing = standing = Spent()
    assert (await ask(client_of, home, "/groq/v1/x", bearer(secret))).status == 200
    assert (await ask(client_of, home, "/groq/v1/x")).status == 200
    assert standing.asked == [("laptop", "lab"), (None, "default")]
    standing.found = UsedUp("key", "laptop", amount, "month", datetime(2026, 12, 1, tzinfo=UTC))
    got = await ask(client_of, home, "/openai/v1/x", bearer(secret))
    assert (got.status, got.value(b"x-should-retry"), got.value(b"x-tollbook-error")) == (
        429, b"false", b"insufficient_quota",
    )  # fmt: skip
    error = orjson.loads(got.body)["error"]
    assert (error["type"], error["code"]) == ("insufficient_quota", "insufficient_quota")
    assert "50000 credits a month of the key laptop" in error["message"]
    assert "2026-12-01T00:00" in error["message"]
    got = await ask(client_of, home, "/anthropic/v1/messages", bearer(secret))
    assert orjson.loads(got.body)["error"]["type"] == "rate_limit_error"
    got = await ask(client_of, home, "/gemini/v1beta/models/x:generateContent", bearer(secret))
    assert orjson.loads(got.body)["error"]["status"] == "RESOURCE_EXHAUSTED"
    assert len(upstream.visits) == 2


async def test_labels_do_not_keep_credentials(keyed: OpenKeyed, upstream: RawUpstream, client_of: ClientOf) -> None:
    """The credential of a call is struck out where a header that is kept repeats it, on the way in and out."""
    theirs = "sk-theirs-0123456789abcdef"
    echo = RawUpstream()
    await echo.open(answering(sized(b"{}", f"x-request-id: for {theirs} by {OURS}".encode())))
    home = await keyed(echo.url, access="open")
    await ask(client_of, home, f"/groq/v1/{theirs}/x", bearer(theirs), f"x-tollbook-user: {theirs}")
    details = await home.house.details((await home.house.row())["id"])
    assert theirs not in repr(details)
    assert OURS not in repr(details)
    assert "for REDACTED by REDACTED" in repr(details)
    await echo.close()


def test_a_house_without_register_has_no_keys(tmp_path: Any) -> None:
    """Before the first key is made there is no file, and no key."""
    assert Register(tmp_path / "nowhere").keys() == ()
    assert not (tmp_path / "nowhere").exists()
    assert Config().proxy.access == "open"
