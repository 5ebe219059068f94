"""Streams of AWS's frames and of lines are in the book before their last piece is with the client."""

import json
import random
from collections.abc import Callable

import pytest

from proxy.terminal import Watch, watch_for
from proxy.terminal_pieces import FrameWatch, LineWatch
from tests.conftest import OpenHouse
from tests.dialects.framing import frame, framed
from tests.relay.conftest import Dial, OpenUpstream
from tests.relay.neighbours import CHUNKED, Visit, chunked

FRAMES = b"application/vnd.amazon.eventstream"
LINES = b"application/x-ndjson"
TEXT = frame("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": "Hello"}})
USAGE = {"usage": {"inputTokens": 3, "outputTokens": 2, "totalTokens": 5}}
COUNTED = {"type": "message_stop", "amazon-bedrock-invocationMetrics": {"inputTokenCount": 3, "outputTokenCount": 2}}
LINE = b'{"model":"llama3.2","message":{"role":"assistant","content":"Hi"},"done":false}\n'
DONE = b'{"model":"llama3.2","message":{"content":""},"done":true,"prompt_eval_count":3,"eval_count":2}\n'
MODEL = "/openai/model/amazon.titan-text-express-v1"  # the path decides, whatever the upstream is
CONVERSE, CHAT = f"{MODEL}/converse-stream", "/ollama/api/chat"
TERMINAL = {
    "converse": (FRAMES, TEXT, frame("metadata", USAGE), CONVERSE),
    "exception": (FRAMES, TEXT, frame("!throttlingException", {"message": "slow down"}), CONVERSE),
    "error": (FRAMES, TEXT, framed({":message-type": "error", ":error-code": "x"}, b""), CONVERSE),
    "invoke": (
        FRAMES,
        frame("chunk", {"outputText": "Hello"}),
        frame("chunk", COUNTED),
        f"{MODEL}/invoke-with-response-stream",
    ),
    "ollama": (LINES, LINE, DONE, CHAT),
    "ollama error": (LINES, LINE, b'{"error":"the runner stopped"}\n', CHAT),
    "cohere": (
        b"application/stream+json",
        b'{"is_finished":false,"event_type":"text-generation","text":"Hi"}\n',
        b'{"is_finished": true, "event_type": "stream-end", "finish_reason": "COMPLETE", "response": {}}\n',
        "/cohere/v1/chat",
    ),
}


def watch(kind: str) -> Watch:
    return watch_for(TERMINAL[kind][0].decode() + "; charset=utf-8")


@pytest.mark.parametrize("kind", TERMINAL)
async def test_note_comes_before_the_last_piece(
    house: OpenHouse, raw_upstream: OpenUpstream, dial: Dial, kind: str
) -> None:
    """When the client has the last piece, the call is in the book or on its way, while the stream is still open."""
    content_type, piece, last, target = TERMINAL[kind]

    async def script(visit: Visit) -> None:
        await visit.read()
        await visit.say(CHUNKED.replace(b"text/event-stream", content_type), chunked(piece), chunked(last))
        await visit.left()  # the final zero chunk never comes

    upstream = await raw_upstream(script)
    home = await house(upstream.url)
    client = await dial(home.proxy)
    await client.ask(target, "POST", body=b'{"model":"m","messages":[]}')
    assert (await client.head()).value(b"content-type") == content_type
    received = b""
    while not received.endswith(last):
        received += await client.chunk()
    row = await home.row()  # though the client has not left
    assert (row["outcome"], row["stream"], row["type"]) == ("completed", True, "chat")
    told = "exception" not in kind and "error" not in kind and kind != "cohere"
    assert (row["tokens"]["input"], row["tokens"]["output"]) == (3, 2) or not told


@pytest.mark.parametrize("kind", TERMINAL)
def test_the_last_piece_is_seen_wherever_it_is_split(kind: str) -> None:
    """Split at any two bytes, a stream is complete with what holds its last byte, no earlier."""
    _, piece, last, _ = TERMINAL[kind]
    stream = piece + piece + last
    cuts = range(0, len(stream), 5)
    for first in cuts:
        for second in range(first, len(stream) + 1, 3):
            one = watch(kind)
            seen = [one.completes(part) for part in (stream[:first], stream[first:second], stream[second:])]
            assert any(seen), (first, second)
            assert (first, second, len(stream))[seen.index(True)] == len(stream), (first, second)


@pytest.mark.parametrize("kind", TERMINAL)
def test_byte_by_byte(kind: str) -> None:
    """Fed byte by byte, a stream is complete with its last byte."""
    stream = TERMINAL[kind][1] + TERMINAL[kind][2]
    one = watch(kind)
    seen = [one.completes(stream[at : at + 1]) for at in range(len(stream))]
    assert seen.index(True) == len(seen) - 1


@pytest.mark.parametrize(
    ("made", "piece"),
    [
        (FrameWatch, frame("messageStop", {"stopReason": "end_turn"})),
        (FrameWatch, frame("contentBlockDelta", {"delta": {"text": ":event-type\x07\x00\x08metadata"}})),
        (FrameWatch, frame("chunk", {"outputText": '"amazon-bedrock-invocationMetrics":{"inputTokenCount":1}'})),
        (FrameWatch, frame("chunk", {"outputText": json.dumps(COUNTED)})),
        (LineWatch, b'{"message":{"tool_calls":[{"function":{"name":"f","arguments":{"done":true}}}]},"done":false}\n'),
        (LineWatch, b'{"message":{"content":"\\"done\\":true"},"done":false}\n'),
        (LineWatch, b'{"response":"{\\"done\\":true}"}\n'),
        (LineWatch, b'{"message":"{\\"error\\":1}"}\n'),
    ],
)
def test_what_only_looks_like_the_last(made: Callable[[], Watch], piece: bytes) -> None:
    """What a model says, or calls a tool with, does not complete a stream."""
    for cut in range(len(piece)):
        one = made()
        assert not one.completes(piece[:cut])
        assert not one.completes(piece[cut:])


def test_damaged_frames_and_endless_lines_are_given_up_on() -> None:
    """Where frames cannot be told apart, or a line has no end, nothing is held and nothing completes any more."""
    frames = FrameWatch()
    assert not frames.completes(b"\xff" * 100)
    assert not frames.completes(frame("metadata", USAGE))
    lines = LineWatch()
    for _ in range(40):
        assert not lines.completes(b"x" * 100_000)
    assert not lines.completes(b"\n" + DONE)


def test_random_pieces_agree_with_the_whole() -> None:
    """Whether a stream was completed does not depend on how it was cut."""
    dice = random.Random(5)
    for kind, (_, piece, last, _) in TERMINAL.items():
        for _ in range(60):
            stream = piece * dice.randrange(4) + last * dice.randrange(2) + piece * dice.randrange(2)
            cuts = sorted(dice.choices(range(len(stream) + 1), k=6))
            parts = [stream[a:b] for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
            one = watch(kind)
            seen = [one.completes(part) for part in parts]
            assert any(seen) == watch(kind).completes(stream), (kind, parts)
