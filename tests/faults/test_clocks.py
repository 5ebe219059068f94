"""Clocks that jump while calls are under way, made by libfaketime; skipped where it is not installed."""

import asyncio
from pathlib import Path

import pytest

from tests.relay.conftest import OpenUpstream
from tests.relay.neighbours import CHUNKED, LAST, RawClient, Visit, chunked
from tests.relay.served import serve

_LIBRARIES = sorted(path for base in ("/usr/lib", "/usr/local/lib") for path in Path(base).glob("**/libfaketime.so.1"))
CHAT = b'{"model":"gpt-4o","stream":true,"messages":[]}'
EVENT = b'data: {"object":"chat.completion.chunk","model":"gpt-4o","choices":[]}\n\n'


@pytest.mark.skipif(not _LIBRARIES, reason="takes libfaketime")
async def test_a_clock_that_jumps_costs_no_call_and_no_time(
    raw_upstream: OpenUpstream, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Set back or forward by hours in the middle of a call, each call is one row, and no duration jumps with it."""
    clock = tmp_path / "clock"
    jumped = asyncio.Event()

    def set_clock(offset: str) -> None:
        clock.with_suffix(".new").write_text(offset)
        clock.with_suffix(".new").rename(clock)

    async def script(visit: Visit) -> None:
        await visit.read()
        await visit.say(CHUNKED + chunked(EVENT))
        await jumped.wait()
        await visit.say(chunked(b"data: [DONE]\n\n") + LAST)

    upstream = await raw_upstream(script)
    config = tmp_path / "config.toml"
    await asyncio.to_thread(config.write_text, f'[upstreams.groq]\nbase_url = "{upstream.url}"\n')
    set_clock("+0")
    for name, value in (
        ("LD_PRELOAD", str(_LIBRARIES[0])), ("FAKETIME_TIMESTAMP_FILE", str(clock)), ("FAKETIME_NO_CACHE", "1"),
        ("FAKETIME_DONT_FAKE_MONOTONIC", "1"), ("DONT_FAKE_MONOTONIC", "1"),
    ):  # fmt: skip
        monkeypatch.setenv(name, value)
    served = await serve(tmp_path / "data", config)
    try:
        ids, days = [], set()
        for offset in ("-1h", "+1h", "-3h", "+0", "-1d", "+2h"):
            jumped.clear()
            client = await RawClient.dial(served.proxy)
            await client.ask("/groq/v1/chat/completions", "POST", body=CHAT)
            head = await client.head()
            ids.append(head.value(b"x-tollbook-call-id"))
            await client.chunk()
            set_clock(offset)
            jumped.set()
            while await client.chunk():
                pass
            client.leave()
        for _ in range(1200):
            health = await served.asked("/api/health")
            if health["stored"] == 6:
                break
            await asyncio.sleep(0.05)
        found = await served.asked("/api/logs?limit=100&from=2000-01-01&to=2100-01-01")
        rows = found["logs"]
        assert sorted(row["id"].encode() for row in rows) == sorted(one for one in ids if one)
        assert len(set(ids)) == 6
        for row in rows:
            assert row["outcome"] == "completed"
            assert 0 <= row["duration_ms"] < 60_000
            days.add(row["time"][:13])
        assert len(days) > 2  # the clock did jump
        health = await served.asked("/api/health")
        assert health["received"] == health["stored"] == 6
    finally:
        assert (await served.stop())[0] == 0
