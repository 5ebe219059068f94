"""The sample traffic: past calls as notes, and live ones through a real socket."""

import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import islice

import aiohttp
import pytest
from aiohttp import web

from proxy.journal.notes import decode, encode
from proxy.sandbox import prompts
from proxy.sandbox.past import PastCall, past_exchanges
from proxy.sandbox.playing import play, play_one
from proxy.sandbox.server import sandbox_app, serve
from proxy.sandbox.traffic import DAYS, live_calls, sample_calls

NOW = datetime(2026, 3, 5, 16, 20, tzinfo=UTC)


@pytest.fixture(scope="module")
def past() -> list[PastCall]:
    """Two weeks of it."""
    return list(past_exchanges(1, NOW))


def test_past_is_long_and_in_order(past: list[PastCall]) -> None:
    """At least 400 calls lie within the last 14 days, received in order, numbered without a gap."""
    times = [call.started.received_at_us for call in past]
    assert len(past) >= 400
    assert times == sorted(times)
    assert times[0] >= (NOW - timedelta(days=DAYS)).timestamp() * 1e6
    assert times[-1] < NOW.timestamp() * 1e6
    assert [call.started.seq for call in past] == list(range(1, len(past) + 1))
    assert len({call.started.call_id for call in past}) == len(past)


def test_past_repeats_itself() -> None:
    """The same seed and moment give the same notes, but for the random part of ids."""

    def notes() -> list[PastCall]:
        return list(past_exchanges(3, NOW, new_id=lambda received: received.to_bytes(16)))

    assert notes() == notes()


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_past_holds_every_outcome_and_type(seed: int) -> None:
    """Every outcome, many endpoints, several keys and both whole and failed calls are there, whatever the seed."""
    past = list(past_exchanges(seed, NOW))
    outcomes = Counter(call.ended.outcome for call in past)
    assert set(outcomes) == {
        "completed", "client_left", "upstream_unreachable", "upstream_timed_out", "upstream_broke_off", "rejected",
        "interrupted",
    }  # fmt: skip
    assert outcomes["completed"] > len(past) * 0.85
    assert {200, 401, 429, 500, None} <= {call.ended.status for call in past}
    assert len({call.started.key for call in past}) >= 6
    paths = " ".join(call.started.target for call in past)
    for part in (
        "chat/completions", "v1/completions", "responses", "v1/messages", "count_tokens", ":streamGenerateContent",
        ":generateContent", ":embedContent", "embeddings", "images", "moderations", "speech", "transcriptions",
        "v1/models",
    ):  # fmt: skip
        assert part in paths


def test_past_notes_are_notes(past: list[PastCall]) -> None:
    """Each note survives the journal's encoding, and its times are in the order of a call."""
    for call in past:
        for note in (call.started, call.asked, call.ended):
            assert note is None or decode(encode(note)) == note
        ended = call.ended
        moments = [0, ended.asked_us, ended.answered_us, ended.first_chunk_us, ended.duration_us]
        known = [moment for moment in moments if moment is not None]
        assert known == sorted(known)
        assert ended.sent <= ended.body.size or ended.failure is not None
        assert (ended.outcome == "rejected") == (call.asked is None)


def test_past_keeps_no_credential(past: list[PastCall]) -> None:
    """No note holds a key of the sample clients."""
    keys = {call.key.encode() for call in sample_calls(1, NOW)}
    assert len(keys) >= 6
    for call in past:
        told = encode(call.started) + encode(call.ended)
        assert not any(key in told for key in keys)


def test_days_are_busier_than_nights(past: list[PastCall]) -> None:
    """The hours of an office see more calls than the hours before dawn."""
    hours = Counter(datetime.fromtimestamp(call.started.received_at_us / 1e6, UTC).hour for call in past)
    assert sum(hours[hour] for hour in range(9, 18)) > 2 * sum(hours[hour] for hour in (23, 0, 4, 5, 6, 7))


def test_prompts_differ() -> None:
    """No small task is asked twice under another number, and there are many scripts and languages."""
    assert len(set(prompts.QUESTIONS)) == len(prompts.QUESTIONS) >= 30
    assert re.search("[\u3040-\u30ff]", " ".join(prompts.QUESTIONS))
    assert re.search("[\u0600-\u06ff]", " ".join(prompts.QUESTIONS))


async def test_live_calls_are_played() -> None:
    """Live calls reach the address under the name of their upstream, with their credential, each once."""
    seen: list[tuple[str, bool]] = []

    @web.middleware
    async def watch(request: web.Request, handler: web.RequestHandler) -> web.StreamResponse:
        presented = {"Authorization", "x-api-key", "x-goog-api-key"} & set(request.headers)
        seen.append((request.path, bool(presented)))
        return await handler(request)  # type: ignore[operator,no-any-return]

    app = web.Application(middlewares=[watch])  # type: ignore[list-item]
    for upstream in ("openai", "anthropic", "gemini"):
        app.add_subapp("/" + upstream, sandbox_app())
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    sent = await play(f"http://127.0.0.1:{runner.addresses[0][1]}", islice(live_calls(1), 40), every_s=0)
    await runner.cleanup()
    assert sent == len(seen) == 40
    assert all(presented for _, presented in seen)
    assert {path.split("/")[1] for path, _ in seen} >= {"openai", "anthropic", "gemini"}


async def test_playing_survives_failures() -> None:
    """A call that nobody answers, and one whose answer breaks off, are played without an exception."""
    call = next(call for call in live_calls(1) if call.upstream == "openai")
    async with aiohttp.ClientSession() as session:
        assert await play_one(session, "http://127.0.0.1:9", call) is None
        async with serve() as url:
            assert await play_one(session, url, call) == 404  # the sandbox itself has no /openai
