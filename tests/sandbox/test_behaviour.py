"""The behaviours of the table in proxy.sandbox, asked of the pure middle and over the socket."""

import asyncio
import dataclasses
import gzip
import re
from collections.abc import Callable
from typing import Any

import aiohttp
import orjson
import pytest

from proxy import sandbox
from proxy.sandbox.answer import Answer
from proxy.sandbox.behaviour import Behaviour, Habits

Ask = Callable[..., Answer]

CHAT: dict[str, Any] = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Which train is first?"}]}
STREAM = CHAT | {"stream": True, "stream_options": {"include_usage": True}}
CLAUDE: dict[str, Any] = {**STREAM, "model": "claude-haiku-4-5", "max_tokens": 99}
CONTENTS: dict[str, Any] = {"contents": [{"parts": [{"text": "Which train is first?"}]}]}
GEMINI = "/v1beta/models/gemini-2.5-flash:streamGenerateContent"
STREAMS = [
    ("/v1/chat/completions", STREAM),
    ("/v1/completions", {"model": "gpt-3.5-turbo-instruct", "prompt": "Once", "stream": True}),
    ("/v1/responses", {"model": "gpt-4o", "input": "Once", "stream": True}),
    ("/v1/messages", CLAUDE),
    (GEMINI + "?alt=sse", CONTENTS),
    (GEMINI, CONTENTS),
]


@pytest.mark.parametrize(
    ("target", "body", "shape"),
    [
        ("/v1/chat/completions", CHAT, {"error": {"message", "type", "param", "code"}}),
        ("/v1/messages", CLAUDE, {"type": "error", "error": {"type", "message"}, "request_id": str}),
        (GEMINI + "?alt=sse", CONTENTS, {"error": {"code", "message", "status", "details"}}),
    ],
)
def test_errors_have_the_dialects_shape(ask: Ask, target: str, body: dict[str, Any], shape: dict[str, Any]) -> None:
    """A 429 on demand has the fields of the dialect's own error, and no others."""
    answer = ask(target, body, "status=429")
    told = orjson.loads(answer.body)
    assert answer.status == 429
    assert set(told) == set(shape)
    assert set(told["error"]) == shape["error"]


def test_gemini_wraps_errors_where_the_answer_is_an_array(ask: Ask) -> None:
    """An error to a stream without alt=sse is the one element of an array."""
    [told] = orjson.loads(ask(GEMINI, CONTENTS, "status=503").body)
    assert told["error"]["status"] == "UNAVAILABLE"


def test_gemini_streams_events_in_crlf_or_one_array(ask: Ask) -> None:
    """The two forms of a stream hold the same chunks."""
    events = ask(GEMINI + "?alt=sse", CONTENTS).body
    chunks = [orjson.loads(event.removeprefix(b"data: ")) for event in events.split(b"\r\n\r\n") if event]
    array = orjson.loads(ask(GEMINI, CONTENTS).body)
    assert [chunk["candidates"] for chunk in chunks] == [chunk["candidates"] for chunk in array]
    assert array[-1]["candidates"][0]["finishReason"] == "STOP"


@pytest.mark.parametrize(("target", "body"), STREAMS)
def test_error_in_stream_comes_after_half(ask: Ask, target: str, body: dict[str, Any]) -> None:
    """The stream begins as the unbroken one does and ends with an error, under status 200."""
    unbroken, broken = ask(target, body), ask(target, body, "error-in-stream")
    half = len(broken.pieces) - 1
    assert broken.status == 200
    assert 0 < half < len(unbroken.pieces)
    assert broken.pieces[:half] == unbroken.pieces[:half]
    assert b'"error"' in broken.pieces[-1].data


@pytest.mark.parametrize(("target", "body"), STREAMS)
@pytest.mark.parametrize("size", [1, 7, 100_000])
def test_chunk_cuts_anew_without_changing_bytes(ask: Ask, target: str, body: dict[str, Any], size: int) -> None:
    """Pieces of any size make the same body."""
    cut = ask(target, body, f"chunk={size}")
    assert cut.body == ask(target, body).body
    assert all(len(piece.data) == size for piece in cut.pieces[:-1])


@pytest.mark.parametrize(("target", "body"), [*STREAMS, ("/v1/chat/completions", CHAT)])
def test_gzip_decodes_to_the_same(ask: Ask, target: str, body: dict[str, Any]) -> None:
    """A compressed answer decodes to the uncompressed one."""
    packed = ask(target, body, "gzip")
    assert packed.header("content-encoding") == "gzip"
    assert gzip.decompress(packed.body) == ask(target, body).body


@pytest.mark.parametrize(("target", "body"), [*STREAMS, ("/v1/chat/completions", CHAT)])
def test_no_usage_leaves_out_every_count(ask: Ask, target: str, body: dict[str, Any]) -> None:
    """No field of the answer holds a count of tokens."""
    assert b'okens":' not in ask(target, body, "no-usage").body.replace(b'"max_output_tokens":null', b"")
    assert b"TokenCount" not in ask(target, body, "no-usage").body


def test_slow_is_spread_over_a_stream(ask: Ask) -> None:
    """The waits of a slow stream add up to what was asked; a slow whole answer waits at its beginning."""
    assert sum(piece.wait_s for piece in ask("/v1/messages", CLAUDE, "slow=3").pieces) == pytest.approx(3)
    assert ask("/v1/chat/completions", CHAT, "slow=3").wait_s == 3


def test_wishes_in_the_model_name_are_not_echoed(ask: Ask) -> None:
    """A behaviour after the model's plus sign works and leaves no trace in the answer."""
    answer = ask("/v1/chat/completions", CHAT | {"model": "gpt-4o+no-usage+slow=1"})
    assert orjson.loads(answer.body)["model"] == "gpt-4o-2024-08-06"
    assert answer.wait_s == 1


@pytest.mark.parametrize(
    ("target", "body", "wishes"),
    [
        ("/v1/chat/completions", b"not json", ""),
        ("/v1/chat/completions", {"model": "gpt-4o"}, ""),
        ("/v1/chat/completions", {"model": "gpt-4o", "messages": [{"content": 7, "tool_calls": 7}]}, ""),
        ("/v1/chat/completions", CHAT, "colour=blue"),
        ("/v1/chat/completions", CHAT, "status=200"),
        ("/v1/messages", {"model": "claude-haiku-4-5", "messages": []}, ""),
        ("/v1/embeddings", {"model": "text-embedding-3-small", "input": []}, ""),
        ("/v1/audio/transcriptions", b"--x", ""),
        (GEMINI, {"contents": [7]}, ""),
    ],
)
def test_nonsense_is_a_400(ask: Ask, target: str, body: Any, wishes: str) -> None:
    """A request that cannot be answered gets a 400 with a message."""
    answer = ask(target, body, wishes)
    assert answer.status == 400
    assert b'"message"' in answer.body


def test_the_table_lists_what_is_understood(ask: Ask) -> None:
    """Every key of the documented table is understood, and each field of a behaviour is in the table."""
    listed = re.findall(r"^\| `([a-z-]+)(=?)", sandbox.__doc__ or "", re.MULTILINE)
    for key, valued in listed:
        wish = f"{key}=500" if valued else key
        assert b"knows no behaviour" not in ask("/v1/messages", CLAUDE, wish).body
    known = {field.name.replace("_", "-") for field in dataclasses.fields(Behaviour)}
    assert {key for key, _ in listed} == known


def test_unknown_paths_and_invalid_keys(ask: Ask) -> None:
    """An unknown path is a 404, a credential with `invalid` in it a 401."""
    assert ask("/v1/poems", CHAT).status == 404
    assert ask("/v1/chat/completions", CHAT, headers=(("authorization", "Bearer sk-invalid"),)).status == 401


def test_habits_fail_a_share_and_always_the_same(ask: Ask) -> None:
    """By habit about the given share of different requests fails, and a request that failed fails again."""
    habits = Habits(failing_share=0.2)
    bodies = [CHAT | {"seed": seed} for seed in range(300)]
    plain = [ask("/v1/chat/completions", body) for body in bodies]
    first = [ask("/v1/chat/completions", body, habits=habits) for body in bodies]
    assert first == [ask("/v1/chat/completions", body, habits=habits) for body in bodies]
    assert 30 < sum(one != other for one, other in zip(plain, first, strict=True)) < 90


async def test_cut_body_breaks_the_promised_length(sandbox_url: str) -> None:
    """A whole answer cut short promises more bytes than it sends."""
    async with aiohttp.ClientSession() as session:
        response = await session.post(
            sandbox_url + "/v1/chat/completions", json=CHAT, headers={"x-sandbox": "cut-body"}
        )
        with pytest.raises(aiohttp.ClientPayloadError):
            await response.read()
        assert response.content.total_bytes * 2 in (response.content_length, (response.content_length or 0) - 1)


async def test_cut_stream_ends_without_the_final_chunk(sandbox_url: str) -> None:
    """An aborted stream delivers its first half, then no end."""
    async with aiohttp.ClientSession() as session:
        response = await session.post(sandbox_url + "/v1/messages", json=CLAUDE, headers={"x-sandbox": "cut-stream"})
        assert await response.content.readline() == b"event: message_start\n"
        with pytest.raises(aiohttp.ClientPayloadError):
            await response.read()


async def test_silence_and_stall_never_end(sandbox_url: str) -> None:
    """A silent sandbox sends no status; a stalled one sends half and stays open."""
    async with aiohttp.ClientSession() as session:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await session.post(sandbox_url + "/v1/chat/completions", json=CHAT, headers={"x-sandbox": "silence"})
        response = await session.post(sandbox_url + "/v1/chat/completions", json=STREAM, headers={"x-sandbox": "stall"})
        assert await response.content.readany()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await response.read()


async def test_delay_final_holds_only_the_end_back(sandbox_url: str) -> None:
    """With a delayed end the whole body is there while the message is not over, also of a whole answer."""
    async with aiohttp.ClientSession() as session:
        for body in (STREAM, CHAT):
            wishes = {"x-sandbox": "delay-final=30"}
            response = await session.post(sandbox_url + "/v1/chat/completions", json=body, headers=wishes)
            text = b""
            while not text.endswith((b"[DONE]\n\n", b"}}}")):
                text += await response.content.readany()
            assert not response.content.at_eof()
            response.close()
