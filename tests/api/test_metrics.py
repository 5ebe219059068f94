"""What Prometheus reads from /metrics."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from aiohttp.test_utils import TestClient
from prometheus_client.parser import text_string_to_metric_families
from pytest_aiohttp.plugin import AiohttpClient

from store.book import BOOK_FILE
from store.call import Cost, Tokens
from store.metrics.counted import MOST_MODELS
from tests.api.listener import TOKEN, an_app, guarded, write_more
from tests.books import a_call

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


async def scraped(client: "TestClient") -> Samples:
    """Every sample by its name and labels."""
    answer = await client.get("/metrics")
    assert answer.status == 200
    assert answer.headers["Content-Type"].startswith("text/plain; version=")
    found: Samples = {}
    for family in text_string_to_metric_families(await answer.text()):
        for sample in family.samples:
            key = (sample.name, tuple(sorted(sample.labels.items())))
            assert key not in found, "a series that is told twice"
            found[key] = sample.value
    return found


def one(samples: Samples, name: str, **labels: str) -> float:
    return samples[name, tuple(sorted(labels.items()))]


async def test_what_arrives_is_counted(tmp_path: Path, aiohttp_client: AiohttpClient) -> None:
    """Calls that enter the book after the start are counted by their labels, with tokens, cost, usage and times."""
    client = await aiohttp_client(an_app(tmp_path, [a_call()]))
    assert not [name for name, _ in await scraped(client) if name == "tollbook_calls_total"]
    write_more(tmp_path, a_call(), a_call(), a_call(status=500, outcome="upstream_broke_off", usage_micro=None,
               cost=Cost("unknown"), tokens=None, first_token_us=None))  # fmt: skip
    samples = await scraped(client)
    assert one(samples, "tollbook_calls_total", upstream="openai", type="chat", outcome="completed", status="2xx") == 2
    assert one(
        samples, "tollbook_calls_total", upstream="openai", type="chat", outcome="upstream_broke_off", status="5xx"
    ) == 1  # fmt: skip
    assert one(samples, "tollbook_call_errors_total", upstream="openai", type="chat") == 1
    model = {"upstream": "openai", "model": "gpt-4o-mini-2024-07-18"}
    assert one(samples, "tollbook_tokens_total", **model, kind="input") == 200
    assert one(samples, "tollbook_tokens_total", **model, kind="output") == 100
    assert one(samples, "tollbook_tokens_unknown_calls_total", **model) == 1
    assert one(samples, "tollbook_cost_usd_total", **model) == pytest.approx(0.00009)
    assert one(samples, "tollbook_cost_unknown_calls_total", **model) == 1
    assert one(samples, "tollbook_usage_credits_total", group="default") == pytest.approx(0.09)
    place = {"upstream": "openai", "type": "chat"}
    assert one(samples, "tollbook_call_duration_seconds_bucket", **place, le="0.64") == 0
    assert one(samples, "tollbook_call_duration_seconds_bucket", **place, le="1.28") == 3
    assert one(samples, "tollbook_call_duration_seconds_sum", **place) == pytest.approx(3 * 1.234567)
    assert one(samples, "tollbook_first_token_seconds_count", **place) == 2
    operation = {
        "gen_ai_operation_name": "chat", "gen_ai_provider_name": "openai", "gen_ai_request_model": "gpt-4o-mini",
        "gen_ai_response_model": model["model"],
    }  # fmt: skip
    assert one(samples, "gen_ai_client_token_usage_sum", **operation, gen_ai_token_type="input") == 200
    assert one(samples, "gen_ai_client_token_usage_bucket", **operation, gen_ai_token_type="output", le="16.0") == 0
    assert one(samples, "gen_ai_client_token_usage_bucket", **operation, gen_ai_token_type="output", le="64.0") == 2


async def test_no_call_is_counted_twice(tmp_path: Path, aiohttp_client: AiohttpClient) -> None:
    """However often and however late it is scraped, each call is counted once, and counts never fall."""
    client = await aiohttp_client(an_app(tmp_path, []))
    at = {"upstream": "openai", "type": "chat", "outcome": "completed", "status": "2xx"}
    for number in range(1, 4):
        write_more(tmp_path, a_call(), a_call())
        for _ in range(2):
            assert one(await scraped(client), "tollbook_calls_total", **at) == 2 * number


async def test_the_counts_of_health_are_there(tmp_path: Path, aiohttp_client: AiohttpClient) -> None:
    """Received is stored, waiting, open and lost together, as the health endpoint says."""
    client = await aiohttp_client(an_app(tmp_path, []))
    health = await (await client.get("/api/health")).json()
    samples = await scraped(client)
    names = ("tollbook_calls_stored_total", "tollbook_calls_waiting", "tollbook_calls_open")
    parts = [one(samples, name) for name in names] + [one(samples, "tollbook_calls_lost_total", reason="disk_full")]
    assert one(samples, "tollbook_calls_received_total") == sum(parts) == health["received"]
    assert one(samples, "tollbook_disk_bytes", file="book") == health["disk"]["book_bytes"]


async def test_names_of_models_have_an_end(tmp_path: Path, aiohttp_client: AiohttpClient) -> None:
    """A client that invents model names makes a bounded number of series; nothing is lost from the sums."""
    client = await aiohttp_client(an_app(tmp_path, []))
    tokens = Tokens("reported", input_uncached=1, output_text=1)
    write_more(tmp_path, *(a_call(model=f"m{n}", requested_model=None, tokens=tokens) for n in range(MOST_MODELS + 50)))
    samples = await scraped(client)
    of_models = {labels: value for (name, labels), value in samples.items() if name == "tollbook_tokens_total"}
    inputs = [value for labels, value in of_models.items() if ("kind", "input") in labels]
    assert len(inputs) == MOST_MODELS + 1
    assert sum(inputs) == MOST_MODELS + 50
    assert one(samples, "tollbook_tokens_total", upstream="openai", model="other", kind="input") == 50


async def test_unknown_is_not_zero(tmp_path: Path, aiohttp_client: AiohttpClient) -> None:
    """Where no call told a count or had a cost there is no such series, rather than one that says 0."""
    client = await aiohttp_client(an_app(tmp_path, []))
    write_more(tmp_path, a_call(tokens=None, cost=Cost("unknown"), usage_micro=None))
    names = {name for name, _ in await scraped(client)}
    assert not names & {"tollbook_tokens_total", "tollbook_cost_usd_total", "tollbook_usage_credits_total"}
    assert "tollbook_cost_unknown_calls_total" in names


async def test_the_token_is_needed(tmp_path: Path, aiohttp_client: AiohttpClient) -> None:
    """With a dashboard token nobody scrapes without it; a parameter is refused by name."""
    client = await aiohttp_client(guarded(tmp_path))
    assert (await client.get("/metrics")).status == 401
    bearer = {"Authorization": f"Bearer {TOKEN}"}
    assert (await client.get("/metrics", headers=bearer)).status == 200
    wrong = await client.get("/metrics?by=model", headers=bearer)
    assert (wrong.status, (await wrong.json())["error"]["param"]) == (400, "by")


async def test_open_metrics_on_request(tmp_path: Path, aiohttp_client: AiohttpClient) -> None:
    """Who asks for OpenMetrics gets it."""
    client = await aiohttp_client(an_app(tmp_path, []))
    answer = await client.get("/metrics", headers={"Accept": "application/openmetrics-text; version=1.0.0"})
    assert answer.headers["Content-Type"].startswith("application/openmetrics-text")
    assert (await answer.text()).endswith("# EOF\n")


async def test_a_book_that_was_emptied_is_counted_on(tmp_path: Path, aiohttp_client: AiohttpClient) -> None:
    """When every row is gone, and rows begin from one again, the next call is counted once."""
    client = await aiohttp_client(an_app(tmp_path, [a_call() for _ in range(5)]))
    with closing(sqlite3.connect(tmp_path / BOOK_FILE)) as connection, connection:
        connection.execute("delete from calls")
    write_more(tmp_path, a_call())
    at = {"upstream": "openai", "type": "chat", "outcome": "completed", "status": "2xx"}
    for _ in range(2):
        assert one(await scraped(client), "tollbook_calls_total", **at) == 1
