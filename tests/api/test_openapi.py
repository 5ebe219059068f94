"""The description tells of every route, parameter and field there is, and of no other."""

from pathlib import Path
from typing import Any

import pytest
from pytest_aiohttp.plugin import AiohttpClient

from store.api.openapi import DESCRIPTION
from store.book import Entry, KeptBody
from store.call import CallError
from tests.api.listener import an_app
from tests.books import a_call


def resolved(schema: dict[str, Any]) -> dict[str, Any]:
    if "$ref" in schema:
        found: dict[str, Any] = DESCRIPTION["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
        return found
    return schema


def differences(schema: dict[str, Any], value: Any, at: str = "answer") -> list[str]:
    """Where a value has other fields or types than its schema."""
    schema = resolved(schema)
    types = schema.get("type", [])
    types = [types] if isinstance(types, str) else types
    name = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array", dict: "object"}.get(
        type(value), "null"
    )
    if types and name not in types and not (name == "integer" and "number" in types):
        return [f"{at}: {name} instead of {types}"]
    if "enum" in schema and value not in schema["enum"]:
        return [f"{at}: {value!r}"]
    if isinstance(value, list):
        return [
            one
            for number, item in enumerate(value)
            for one in differences(schema.get("items", {}), item, f"{at}[{number}]")
        ]
    if not isinstance(value, dict) or "properties" not in schema:
        return []
    found = [f"{at}.{missing} is missing" for missing in set(schema["required"]) - set(value)]
    found += [f"{at}.{extra} is not described" for extra in set(value) - set(schema["properties"])]
    for key in set(value) & set(schema["properties"]):
        found += differences(schema["properties"][key], value[key], f"{at}.{key}")
    return found


def described(path: str) -> list[str]:
    parameters: list[dict[str, Any]] = DESCRIPTION["paths"][path]["get"]["parameters"]
    return [one["name"] for one in parameters if one["in"] == "query"]


async def test_every_route_is_described(tmp_path: Path, aiohttp_client: AiohttpClient) -> None:
    """The described paths are those of the router that programs ask, and only GET is described."""
    app = an_app(tmp_path)
    client = await aiohttp_client(app)
    assert await (await client.get("/api/openapi.json")).json() == DESCRIPTION
    routes = {route.resource.canonical for route in app.router.routes() if route.resource is not None}
    assert set(DESCRIPTION["paths"]) == {path for path in routes if path.startswith(("/api/", "/healthz", "/metrics"))}
    assert {method for path in DESCRIPTION["paths"].values() for method in path} == {"get"}
    queries = [route for route in app.router.routes() if route.resource and "/api/" in route.resource.canonical]
    assert {route.method for route in queries} == {"GET", "HEAD"}


VALUES = {
    "anomaly": "no_usage",
    "from": "1d", "to": "1h", "tz": "Europe/Berlin", "type": "chat", "status": "4xx", "outcome": "completed",
    "stream": "true", "cost_state": "priced", "sort": "cost", "order": "asc", "by": "day,model", "limit": "5",
    "format": "jsonl",
}  # fmt: skip


@pytest.mark.parametrize("path", sorted(path for path in DESCRIPTION["paths"] if "{" not in path))
async def test_every_described_parameter_is_taken(tmp_path: Path, aiohttp_client: AiohttpClient, path: str) -> None:
    """Each described parameter with a right value is answered, each other known one is refused."""
    client = await aiohttp_client(an_app(tmp_path))
    required = {
        one["name"]: VALUES[one["name"]]
        for one in DESCRIPTION["paths"][path]["get"]["parameters"]
        if one.get("required")
    }
    everything = {name for other in DESCRIPTION["paths"] for name in described(other)}
    for name in sorted(everything):
        if name == "cursor":
            continue  # right only when it came from a page
        number = name.startswith(("min_", "max_"))
        params = {**required, name: VALUES.get(name, "1" if number else "x")}
        async with client.get(path, params=params) as answer:
            if path in ("/", "/healthz"):
                continue
            assert answer.status == (200 if name in described(path) else 400), name


async def test_answers_have_the_described_fields(tmp_path: Path, aiohttp_client: AiohttpClient) -> None:
    """Each answer has every described field with a described type, and no field besides."""
    call = a_call(error=CallError("t", None, "m"), status=500)
    entry = Entry(call, (("content-type", "application/json"),), KeptBody(b"{}"), (), KeptBody(b'{"a":1}'))
    client = await aiohttp_client(an_app(tmp_path, [entry, a_call()]))
    (first, second) = (await (await client.get("/api/logs")).json())["logs"]
    for path, url in (
        ("/api/logs", "/api/logs"),
        ("/api/logs/{id}", f"/api/logs/{first['id']}"),
        ("/api/logs/{id}", f"/api/logs/{second['id']}"),
        ("/api/facets", "/api/facets"),
        ("/api/health", "/api/health"),
        ("/api/stats", "/api/stats"),
        *((path, f"{path}?q=x") for path in ("/api/logs", "/api/stats", "/api/facets")),
        ("/api/overview", "/api/overview"),
        ("/api/overview", "/api/overview?from=2026-11-20&to=2026-11-21"),
        ("/api/movers", "/api/movers?from=2026-11-20&to=2026-11-21"),
        ("/api/scatter", "/api/scatter"),
        ("/api/keys", "/api/keys"),
        ("/api/health/care", "/api/health/care"),
    ):
        answer = await (await client.get(url)).json()
        schema = DESCRIPTION["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
        assert differences(schema, answer) == []
    assert differences(DESCRIPTION["components"]["schemas"]["Error"], await (await client.get("/x")).json()) == []


def test_a_difference_is_noticed() -> None:
    """The comparison above can fail."""
    schema = DESCRIPTION["components"]["schemas"]["Error"]
    assert differences(schema, {"error": {"message": 5, "param": None}})
    assert differences(schema, {"error": {"message": "x"}})
    assert differences(schema, {"error": {"message": "x", "param": None}, "more": 1})
