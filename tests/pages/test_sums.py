"""Whatever is asked for, the totals line, the table of /stats and its file tell what the endpoint tells."""

import csv
import io
import re
import tempfile
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from aiohttp.test_utils import TestClient, TestServer
from hypothesis import given, settings

from store.call import Call
from tests.api.listener import an_app
from tests.pages.reading import Element, read
from tests.questions import generated

_SHOWN = {"Tokens": "total", "Input": "input", "Output": "output"}
Params = list[tuple[str, str]]


def _figures(line: Element) -> dict[str, Element]:
    return {figure.one("dt").text: figure.one("dd") for figure in line.all("div", class_="figure") if figure.all("dt")}


def _number(text: str) -> Decimal | None:
    """The number at the beginning, or None for what is unknown."""
    found = re.match(r"\$?(-?[\d,]+(?:\.\d+)?(?:e-?\d+)?)", text)
    return Decimal(found[1].replace(",", "")) if found else None


def _column(rows: list[dict[str, str]], name: str) -> Decimal | None:
    told = [Decimal(row[name]) for row in rows if row[name]]
    return sum(told, Decimal(0)) if told or not rows else None


async def _compare(calls: list[Call], params: Params) -> None:
    with tempfile.TemporaryDirectory() as directory:
        async with TestClient(TestServer(an_app(Path(directory), calls))) as client:

            async def text(path: str, *more: tuple[str, str]) -> str:
                answer = await client.get(f"{path}?{urlencode([*params, *more])}")
                assert answer.status == 200, await answer.text()
                return await answer.text()

            since = () if "from" in dict(params) else (("from", "1970-01-01"),)
            total: dict[str, Any] = (await (await client.get("/api/stats", params=params)).json())["total"]
            figures = _figures(read(await text("/logs/totals")))
            table = list(csv.DictReader(io.StringIO(await text("/stats/table.csv", ("by", "model"), *since))))

            cost, usage = total["cost"]["usd"], total["usage"]
            assert _number(figures["Calls"].text) == total["calls"] == (_column(table, "calls") or 0)
            assert _number(figures["Cost"].attributes["title"]) == (None if cost is None else Decimal(cost))
            assert _column(table, "cost_usd") == (None if cost is None else Decimal(cost))
            told = figures["Usage"].attributes.get("title", "unknown")
            assert _number(told) == (None if usage is None else Decimal(repr(usage)))
            for label, name in _SHOWN.items():
                assert _number(figures[label].attributes["title"]) == total["tokens"][name]


@given(generated.books, generated.filters)
@settings(max_examples=40, deadline=None)
async def test_pages_tell_what_the_endpoint_tells(calls: list[Call], params: Params) -> None:
    """For any calls, filter and zone, the sums on the pages are those of /api/stats to the last digit."""
    await _compare(calls, params)
