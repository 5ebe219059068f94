"""The endpoints answer the questions in JSON, refuse what they cannot understand, and change nothing."""

from collections import Counter
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from pytest_aiohttp.plugin import AiohttpClient

from store.book import BOOK_FILE
from tests.api.listener import an_app
from tests.books import a_call

ROUTES = ("/api/logs", "/api/stats", "/api/facets", "/api/tail")
HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Server": "tollbook",
}


async def test_filters_of_the_page_find_their_calls(tmp_path: Path, aiohttp_client: AiohttpClient) -> None:
    """Time, model, key, group and type, joined, list the one call they all mean."""
    wanted = a_call(key="ci", group="research", type="embedding", model="text-3")
    others = [a_call(), a_call(key="ci"), a_call(group="research", type="embedding", model="text-3")]
    client = await aiohttp_client(an_app(tmp_path, [*others, wanted]))
    query = "from=2026-11-21&to=2026-11-21&tz=UTC&model=text-*&key=ci&group=research&type=embedding"
    answer = await client.get(f"/api/logs?{query}")
    assert [row["id"] for row in (await answer.json())["logs"]] == [str(UUID(bytes=wanted.call_id))]
    assert answer.content_type == "application/json"
    total = (await (await client.get(f"/api/stats?{query}")).json())["total"]
    assert (total["calls"], total["cost"]["usd"]) == (1, "0.000045000")


async def test_pages_follow_each_other(tmp_path: Path, aiohttp_client: AiohttpClient) -> None:
    """`next` of a page is the cursor of the following one, until it is null."""
    client = await aiohttp_client(an_app(tmp_path, [a_call() for _ in range(5)]))
    seen, query = [], {"limit": "2"}
    while True:
        page = await (await client.get("/api/logs", params=query)).json()
        seen += [row["id"] for row in page["logs"]]
        if page["next"] is None:
            break
        query = {"limit": "2", "cursor": page["next"]}
    assert len(set(seen)) == len(seen) == 5
    assert seen == sorted(seen, reverse=True)


async def test_an_empty_book_is_an_empty_answer(tmp_path: Path, aiohttp_client: AiohttpClient) -> None:
    """Before the first call there is no file, no rows and no error; the first call is seen without a restart."""
    client = await aiohttp_client(an_app(tmp_path, book=False))
    nothing = {"logs": [], "next": None, "complete": True, "read_back_to": None}
    assert await (await client.get("/api/logs")).json() == nothing
    assert (await (await client.get("/api/stats?by=day")).json())["stats"] == []
    assert (await (await client.get("/api/facets")).json())["model"] == []
    assert (await client.get(f"/api/logs/{UUID(int=1)}")).status == 404
    an_app(tmp_path, [a_call()])
    assert len((await (await client.get("/api/logs")).json())["logs"]) == 1


@pytest.mark.parametrize("path", [*ROUTES, "/api/health", "/api/openapi.json", f"/api/logs/{UUID(int=1)}"])
async def test_unknown_parameters_are_named(tmp_path: Path, aiohttp_client: AiohttpClient, path: str) -> None:
    """No route ignores a parameter it does not know."""
    client = await aiohttp_client(an_app(tmp_path))
    for param in ("modell", "id", "'; drop table calls; --"):
        answer = await client.get(path, params={param: "x"})
        assert answer.status == 400
        error = (await answer.json())["error"]
        assert error.keys() == {"message", "param"}
        assert error["param"] == param


@pytest.mark.parametrize(
    ("path", "param", "value"),
    [
        ("/api/logs", "from", "soon"), ("/api/logs", "tz", "Mars/Base"), ("/api/logs", "type", "chats"),
        ("/api/logs", "sort", "id; select 1"), ("/api/logs", "limit", "1001"), ("/api/logs", "cursor", "nonsense"),
        ("/api/logs", "by", "model"), ("/api/stats", "by", "tokens"), ("/api/stats", "limit", "5"),
        ("/api/facets", "min_tokens", "few"), ("/api/tail", "cursor", "x"), ("/api/tail", "status", "4x"),
        ("/api/logs", "model", ""), ("/api/logs", "anomaly", "no_such"), ("/api/stats", "anomaly", "!odd"),
        ("/api/logs", "user", "a\0b"),
    ],
)  # fmt: skip
async def test_wrong_values_are_named(
    tmp_path: Path, aiohttp_client: AiohttpClient, path: str, param: str, value: str
) -> None:
    """A wrong value is a 400 that names its parameter in the one shape of errors."""
    client = await aiohttp_client(an_app(tmp_path, [a_call()]))
    answer = await client.get(path, params={param: value})
    assert answer.status == 400
    assert (await answer.json())["error"]["param"] == param


@pytest.mark.parametrize(
    "value", ["' or 1=1 --", '" or ""="', "x') union select 1,2,3 --", "[a-z]*", "?b*e", "\\*", "%"]
)
async def test_values_are_never_part_of_a_statement(tmp_path: Path, aiohttp_client: AiohttpClient, value: str) -> None:
    """A value with quotes or pattern characters is a name nobody has used: no rows, no error."""
    call = a_call(
        user="abcde", session="abcde", model="abcde", key="abcde", tags={"team": "abcde"}, anomalies=("abcde",)
    )
    client = await aiohttp_client(an_app(tmp_path, [call]))
    for param in ("model", "key", "group", "upstream", "user", "session", "tag.team", f"tag.{value}"):
        answer = await client.get("/api/logs", params={param: value})
        assert (answer.status, (await answer.json())["logs"]) == (200, [])


async def test_headers_keep_answers_private_and_inert(tmp_path: Path, aiohttp_client: AiohttpClient) -> None:
    """Every answer, errors included, forbids scripts, sniffing, framing, referrers and caches."""
    client = await aiohttp_client(an_app(tmp_path))
    for path in ("/", "/healthz", "/api/logs", "/api/logs?x=1", "/nothing", "/api/openapi.json"):
        answer = await client.get(path, allow_redirects=False)
        assert {name: answer.headers[name] for name in HEADERS} == HEADERS
        assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
        assert "Access-Control-Allow-Origin" not in answer.headers


async def test_what_is_not_there_is_told_in_json(tmp_path: Path, aiohttp_client: AiohttpClient) -> None:
    """Unknown paths, methods and ids have the same shape of error."""
    client = await aiohttp_client(an_app(tmp_path))
    for method, path, status in (
        ("GET", "/nothing", 404),
        ("GET", "/api/logs/", 404),
        ("GET", "/api/logs/not-an-id", 404),
        ("GET", f"/api/logs/{UUID(int=7)}", 404),
        ("POST", "/api/logs", 405),
        ("DELETE", f"/api/logs/{UUID(int=7)}", 405),
    ):
        answer = await client.request(method, path)
        assert answer.status == status
        assert (await answer.json())["error"]["message"]
        assert answer.headers.get("Allow") == ("GET, HEAD" if status == 405 else None)


async def test_a_broken_book_tells_no_secrets(tmp_path: Path, aiohttp_client: AiohttpClient) -> None:
    """When the file is not a database the answer is a 503 in one sentence, without paths, SQL or a traceback."""
    (tmp_path / BOOK_FILE).write_bytes(b"this is not a database" * 1000)
    client = await aiohttp_client(an_app(tmp_path, book=False))
    for path in ("/api/logs", "/api/stats", "/api/facets", f"/api/logs/{UUID(int=1)}", "/api/tail"):
        answer = await client.get(path)
        text = await answer.text()
        assert answer.status == 503
        assert not any(word in text.lower() for word in ("traceback", "select", "sqlite", "database", str(tmp_path)))


async def test_health_balances(tmp_path: Path, aiohttp_client: AiohttpClient) -> None:
    """received = stored + waiting + open + lost.total, and the lag is told as age and as time."""
    client = await aiohttp_client(an_app(tmp_path, [a_call()]))
    told: dict[str, Any] = await (await client.get("/api/health")).json()
    assert told["received"] == told["stored"] + told["waiting"] + told["open"] + told["lost"]["total"]
    assert told["lost"] == {"total": 1, "disk_full": 1}
    assert (told["malformed"], told["late_heads"], told["turned_away"]) == (3, 6, 7)
    assert (told["stalls"], told["longest_stall_ms"]) == (8, 1300)
    assert (told["lag_ms"], told["prices"]) == (1500.0, {"date": "2026-11-01"})
    assert told["drained_through"] == "2026-12-03T01:46:38.500000Z"
    assert told["disk"]["journal_bytes"] == 99
    assert told["disk"]["book_bytes"] > 0
    assert told["disk"]["free_bytes"] > 0


async def test_liveness_answers_and_the_front_leads_to_the_calls(tmp_path: Path, aiohttp_client: AiohttpClient) -> None:
    """/healthz is 200; / leads to /logs."""
    client = await aiohttp_client(an_app(tmp_path))
    assert (await client.get("/healthz")).status == 200
    front = await client.get("/", allow_redirects=False)
    assert (front.status, front.headers["Location"]) == (303, "/logs")


async def test_facets_and_sums_agree(tmp_path: Path, aiohttp_client: AiohttpClient) -> None:
    """The counts of a facet are the calls of the statistics grouped by it."""
    calls = [a_call(model=f"m{number % 3}", key=None if number % 2 else "k") for number in range(10)]
    client = await aiohttp_client(an_app(tmp_path, calls))
    told = await (await client.get("/api/facets")).json()
    for name in ("model", "key", "group", "type", "upstream"):
        rows = (await (await client.get(f"/api/stats?by={name}")).json())["stats"]
        assert [(one["value"], one["calls"]) for one in told[name]] == [(row[name], row["calls"]) for row in rows]
    assert Counter({one["value"]: one["calls"] for one in told["model"]}) == {"m0": 4, "m1": 3, "m2": 3}
