"""Recorded sessions, played through the proxy: the same messages on both sides, one row each, and the right sums."""

import asyncio
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from store.call import Reading, Units
from store.dialects import Document, Line, read_session
from tests.conftest import REPLAYED, houses
from tests.realtime.conftest import Dial, OpenUpstream
from tests.realtime.recorded import Recorded, billed_seconds, heard, sessions, totals, where
from tests.realtime.wire import Wire

_GEMINI_LIVE = "/gemini/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent"


def _target(session: Recorded) -> str:
    if session.google:
        return f"{_GEMINI_LIVE}?recording={session.number}"
    upstream = "xai" if session.provider.startswith("xai") else "openai"
    return f"/{upstream}/v1/realtime?model=asked-for&recording={session.number}"


def _said(session: Recorded, message: Any) -> str | bytes:
    """As it was on the wire, as far as that is known: Gemini sends its JSON as bytes, over several lines."""
    if session.google:
        return json.dumps(message, indent=2).encode() + b"\n"
    return json.dumps(message, ensure_ascii=False)


async def _play(wire: Wire, session: Recorded, *, as_client: bool) -> list[str | bytes]:
    """Say what this side said, each message when what came before it has come; gives what the other side said."""
    got: list[str | bytes] = []
    for by_client, message in session.frames:
        if by_client == as_client:
            await wire.send(json.dumps(message) if as_client else _said(session, message))
        else:
            got.append(await wire.message())
    return got


async def test_recorded_sessions(
    tmp_path: Path, upstream: OpenUpstream, dial: Dial, pytestconfig: pytest.Config
) -> None:
    """Every recorded session is one row: its model, its tokens, what was transcribed; and nothing was changed on it."""
    found = where()
    if found is None:
        pytest.skip("no recordings here")
    recorded = sessions(found)
    at_upstream: dict[int, list[str | bytes]] = {}

    async def play(wire: Wire) -> None:
        number = int(wire.head.line.split(b"recording=")[1].split()[0])
        at_upstream[number] = await _play(wire, recorded[number], as_client=False)
        end = await wire.end()
        assert end is not None
        await wire.close(end.code)

    up = await upstream(play)

    async def visit(proxy: str, session: Recorded) -> None:
        client = await dial(proxy, _target(session))
        got = await _play(client, session, as_client=True)
        assert got == [_said(session, message) for message in session.received], session.origin
        await client.close(1000)
        await client.end()

    async with houses(tmp_path) as house:
        opened = await house(up.url)
        for start in range(0, len(recorded), 8):
            await asyncio.gather(*(visit(opened.proxy, session) for session in recorded[start : start + 8]))
        rows = {_number(row := await opened.details(one["id"])): row for one in await opened.rows(len(recorded))}
        assert len(rows) == len(recorded)
        for session in recorded:
            sent = [json.dumps(message) for by_client, message in session.frames if by_client]
            assert at_upstream[session.number] == sent, session.origin
            _check(rows[session.number], session)
    pytestconfig.stash[REPLAYED] = pytestconfig.stash.get(REPLAYED, 0) + len(recorded)


def _number(row: dict[str, Any]) -> int:
    return int(row["target"].rpartition("recording=")[2])


def _check(row: dict[str, Any], session: Recorded) -> None:
    name = session.origin
    assert (row["status"], row["outcome"], row["type"], row["stream"]) == (101, "completed", "realtime", True), name
    assert row["error"] is None, name
    assert row["model"] == session.model, name
    assert row["anomalies"] == [], name
    tokens, parts = row["tokens"], row["tokens"]["parts"]
    audio_in = (parts["input_audio"] or 0) + (parts["cache_read_audio"] or 0)
    assert {
        "input": tokens["input"],
        "output": tokens["output"],
        "total": tokens["total"],
        "cached": tokens["cache_read"] or 0,
        "audio_in": audio_in,
        "audio_out": parts["output_audio"] or 0,
        "cached_audio": parts["cache_read_audio"] or 0,
    } == totals(session), name
    assert tokens["source"] == "reported", name
    body = row["request"]["body"]
    assert body, name


def test_what_was_heard_is_another_models_work() -> None:
    """The transcription of spoken input is a portion of its own, in tokens or in seconds, by the model that heard."""
    found = where()
    if found is None:
        pytest.skip("no recordings here")
    some = 0
    for session in sessions(found):
        reading = _read(session)
        tokens = sum(portion.tokens.total or 0 for portion in reading.portions if portion.tokens)
        seconds = sum(portion.units.seconds or 0 for portion in reading.portions)
        assert {"tokens": tokens, "seconds": seconds} == heard(session), session.origin
        assert (reading.units.seconds or 0) == billed_seconds(session), session.origin
        assert all(portion.model.startswith(("gpt-", "grok-")) for portion in reading.portions), session.origin
        some += bool(reading.portions)
    assert some >= 4


def _read(session: Recorded) -> Reading:
    lines = [Line(by_client, Document(json.dumps(message).encode())) for by_client, message in session.frames]
    return read_session("/v1/realtime?model=a", (), lines, close=None, broken=False, missing=False)


def test_seconds_and_messages_of_a_voice_agent_are_summed() -> None:
    """xAI's voice agents bill by the second and by typed message, told with each response, not by the token."""
    told = [
        {"type": "response.done", "response": {"id": f"r{number}"},
         "usage": {"input_tokens": 9, "output_tokens": 1, "billable_audio_seconds": 1.5, "input_text_messages": 2}}
        for number in (1, 2)
    ]  # fmt: skip
    lines = [Line(False, Document(json.dumps(message).encode())) for message in told]
    reading = read_session("/v1/realtime", (), lines, close=None, broken=False, missing=False)
    assert reading.units == Units(seconds=Decimal(3), text_messages=4)
