"""Every recorded exchange, called with issued keys of several groups, is charged its cost x ratio x credits per USD."""

import asyncio
import sqlite3
from collections import Counter
from contextlib import closing
from decimal import ROUND_HALF_UP, Decimal, localcontext

import aiohttp
import pytest
from yarl import URL

from proxy.config.model import Credits, Group, Secret
from proxy.keys.register import Register
from tests.conftest import OpenHouse
from tests.recordings.corpus import Recording, recordings, where
from tests.recordings.upstream import NUMBER, replaying
from tests.recordings.upstreams import upstreams_at

RATIOS = (Decimal(1), Decimal("1.25"), Decimal("0.333333"), Decimal("999.999999"), Decimal(0), None)
"""None: a group without a table, whose ratio is 1."""

PER_USD = Decimal("1234.567891")
_AT_ONCE = 16
_LEFT_OUT = {
    "accept-encoding", "content-length", "host", "connection", "transfer-encoding",
    "authorization", "x-api-key", "api-key", "x-goog-api-key", "cookie",
}  # fmt: skip


async def test_usage_is_cost_times_ratio_times_credits(house: OpenHouse) -> None:
    """On every row the usage is what exact arithmetic makes of the cost, to the micro-credit; unknown as that is."""
    found = where()
    if found is None:
        pytest.skip("no recordings: TOLLBOOK_CORPUS names no folder with open.jsonl.xz")
    corpus = {recording.number: recording for recording in recordings(found)}
    names = [f"g{number}" for number in range(len(RATIOS))]
    ratios = dict(zip(names, RATIOS, strict=True))
    async with replaying(corpus, 1) as (base_url, _):
        opened = await house(
            base_url,
            upstreams=upstreams_at(base_url, asks=False, access="keys", api_key=Secret("sk-of-the-house-0123456789")),
            access="keys",
            credits=Credits(per_usd=PER_USD),
            groups={name: Group(name, ratio=ratio) for name, ratio in ratios.items() if ratio is not None},
        )
        register = Register(opened.config.store.data_dir)
        keys = [register.create(f"key-of-{name}", name)[1] for name in names]
        opened.worker.keyring.refresh()
        await _send(opened.proxy, corpus, keys)
        async with asyncio.timeout(60):
            while (live := opened.ingest.live()).waiting or live.open:  # noqa: ASYNC110 - another thread fills the book
                await asyncio.sleep(0.02)

    told: Counter[str] = Counter()
    with closing(sqlite3.connect(opened.config.store.data_dir / "book.db")) as connection:
        rows = connection.execute(
            "select groups.name, keys.name, cost, usage, outcome from calls "
            "join groups on groups.id = group_id join keys on keys.id = key_id"
        ).fetchall()
        sums = connection.execute(
            "select groups.name, sum(usage) from day_keys join groups on groups.id = group_id group by 1"
        ).fetchall()
    assert len(rows) == len(corpus)
    used: Counter[str] = Counter()
    for group, key, cost, usage, outcome in rows:
        assert (key, outcome) == (f"key-of-{group}", "completed")
        assert usage == _exact(cost, ratios[group])
        told[group] += usage is not None and cost > 0
        used[group] += usage or 0
    assert dict(sums) == {name: used[name] for name in names}
    assert min(told[name] for name in names) > len(corpus) / len(names) / 10, told


def _exact(cost: int | None, ratio: Decimal | None) -> int | None:
    if cost is None:
        return None
    with localcontext(prec=60):
        credits_used = Decimal(cost) / 10**9 * (1 if ratio is None else ratio) * PER_USD
        return int((credits_used * 10**6).quantize(Decimal(1), ROUND_HALF_UP))


async def _send(proxy: str, corpus: dict[int, Recording], keys: list[str]) -> None:
    waiting = iter(corpus.values())

    async def send_all(session: aiohttp.ClientSession) -> None:
        for recording in waiting:
            headers = [pair for pair in recording.request_headers if pair[0].lower() not in _LEFT_OUT]
            headers += [(NUMBER, str(recording.number)), ("x-api-key", keys[recording.number % len(keys)])]
            url = URL(f"{proxy}/{recording.upstream}{recording.target}", encoded=True)
            async with session.request(
                recording.method, url, headers=headers, data=recording.request, allow_redirects=False
            ) as response:
                await response.read()
                assert "x-tollbook-error" not in response.headers, (recording, response.headers)

    skipped = {"User-Agent", "Accept", "Accept-Encoding", "Content-Type"}
    async with aiohttp.ClientSession(auto_decompress=False, skip_auto_headers=skipped) as session:
        await asyncio.gather(*(send_all(session) for _ in range(_AT_ONCE)))
