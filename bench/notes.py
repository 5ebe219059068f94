"""Writes a journal of typical calls: what a worker would have noted, with no worker and no network."""

import asyncio
import json
import random
import time
from pathlib import Path
from typing import Literal

from proxy.call_id import CallIds
from proxy.journal.directory import claim, new_boot_id
from proxy.journal.notes import Asked, Body, Ended, Started
from proxy.journal.tally import Tally
from proxy.journal.writer import Journal
from proxy.keys.register import Register

Kind = Literal["json", "stream", "large"]  # the last: as the first, but some have 5 MB in both directions

LARGE_EVERY = 100
_LARGE = 5_000_000
_USUAL = 1850
_REPEATED = 200_000  # characters of text that are made by chance

_WORDS = (
    "proxy", "toll", "book", "call", "model", "token", "price", "upstream", "answer", "stream", "client", "worker",
    "journal", "note", "batch", "commit", "row", "page", "filter", "group", "key", "budget", "credit", "usage", "cost",
    "day", "hour", "error", "status", "outcome", "while", "because", "therefore", "however", "rarely",
)  # fmt: skip
_MODELS = (
    ("gpt-4o-mini", "gpt-4o-mini-2024-07-18"),
    ("gpt-4o", "gpt-4o-2024-08-06"),
    ("gpt-4.1", "gpt-4.1-2025-04-14"),
)
_ISSUED = ("laptop", "ci", "agent", "phone")
_KEYS = (*_ISSUED, "1a2b3c4d-wxyz")  # the last is a credential that was passed through
_REQUEST_HEADERS = (
    ("accept", "application/json"), ("content-type", "application/json"), ("user-agent", "OpenAI/Python 2.10.0"),
    ("x-stainless-lang", "python"), ("x-stainless-package-version", "2.10.0"), ("x-stainless-os", "Linux"),
    ("x-stainless-runtime", "CPython"), ("content-length", "2048"),
)  # fmt: skip
_RESPONSE_HEADERS = (
    ("date", "Mon, 06 Jan 2025 10:00:00 GMT"), ("openai-version", "2020-10-01"), ("openai-processing-ms", "412"),
    ("x-request-id", "req_0123456789abcdef0123456789abcdef"), ("x-ratelimit-limit-requests", "30000"),
    ("x-ratelimit-remaining-requests", "29999"), ("server", "cloudflare"), ("cf-ray", "0123456789abcdef-AMS"),
)  # fmt: skip
_USAGE = {
    "prompt_tokens": 512, "completion_tokens": 199, "total_tokens": 711,
    "prompt_tokens_details": {"cached_tokens": 256, "audio_tokens": 0},
    "completion_tokens_details": {"reasoning_tokens": 64, "audio_tokens": 0},
}  # fmt: skip


def write(data_dir: Path, kind: Kind, calls: int, most: int = 16 * 1024 * 1024) -> None:
    """A journal of so many calls, of a worker that is gone and kept `most` bytes of a body."""
    data_dir.mkdir(parents=True)
    asyncio.run(_write(data_dir, kind, calls, most))


async def _write(data_dir: Path, kind: Kind, calls: int, most: int) -> None:
    register = Register(data_dir)
    for key in _ISSUED:
        register.create(key, "default")
    boot_id = new_boot_id()
    tally = Tally(data_dir, boot_id)
    directory = claim(data_dir, boot_id)
    journal = Journal(directory, tally, patience_s=60)
    chance = random.Random(7)
    ids = CallIds()
    now_us = time.time_ns() // 1000
    for number in range(1, calls + 1):
        requested, model = _MODELS[number % len(_MODELS)]
        received_at_us = now_us - (calls - number) * 1000
        call_id = ids.new(received_at_us)
        journal.put(
            Started(
                call_id, tally.count("received"), received_at_us, "openai", "openai", "POST", "/v1/chat/completions",
                _KEYS[number % len(_KEYS)], "default", "127.0.0.1", _REQUEST_HEADERS,
            )
        )  # fmt: skip
        large = kind == "large" and number % LARGE_EVERY == 0
        request = _request(requested, chance, _LARGE if large else _USUAL, stream=kind == "stream")
        answer = _stream(model, chance) if kind == "stream" else _answer(model, chance, _LARGE if large else 680)
        journal.put(Asked(call_id, _kept(request, most)))
        content_type = "text/event-stream" if kind == "stream" else "application/json"
        ticket = journal.put(
            Ended(
                call_id, "completed", 200, 412_000 + number, 300, 400_000, 405_000, 280,
                (("content-type", content_type), *_RESPONSE_HEADERS), _kept(answer, most), len(answer),
            )
        )  # fmt: skip
        tally.count("ended")
        if large or number % 200 == 0:
            await journal.written(ticket)
    await journal.close()
    tally.close()
    directory.release()


def _kept(body: bytes, most: int) -> Body:
    return Body(len(body), body) if len(body) <= most else Body(len(body), body[: most // 2], body[-(most // 2) :])


def _text(size: int, chance: random.Random) -> str:
    if size > _REPEATED:
        return (_text(_REPEATED, chance) * (size // _REPEATED + 1))[:size]
    text = ""
    while len(text) < size:
        text += chance.choice(_WORDS) + " "
    return text[:size]


def _request(model: str, chance: random.Random, size: int, *, stream: bool) -> bytes:
    """Somewhat more than `size`."""
    messages = [
        {"role": "system", "content": "You are a helpful assistant."},
        {"role": "user", "content": _text(size, chance)},
    ]
    asked: dict[str, object] = {"model": model, "temperature": 0.2, "messages": messages}
    if stream:
        asked |= {"stream": True, "stream_options": {"include_usage": True}}
    return json.dumps(asked).encode()


def _answer(model: str, chance: random.Random, size: int) -> bytes:
    """Some 540 bytes more than `size`."""
    message = {"role": "assistant", "content": _text(size, chance), "refusal": None}
    return json.dumps({
        "id": f"chatcmpl-{chance.getrandbits(96):024x}", "object": "chat.completion", "created": 1_736_157_600,
        "model": model, "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}],
        "usage": _USAGE, "service_tier": "default", "system_fingerprint": "fp_0123456789",
    }).encode()  # fmt: skip


def _stream(model: str, chance: random.Random) -> bytes:
    """200 events, about 44 KB."""
    head = {
        "id": f"chatcmpl-{chance.getrandbits(96):024x}", "object": "chat.completion.chunk", "created": 1_736_157_600,
        "model": model, "service_tier": "default", "system_fingerprint": "fp_0123456789",
    }  # fmt: skip
    events = []
    for number in range(199):
        last = number == 198
        delta = {} if last else {"content": f" {chance.choice(_WORDS)}"}
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": "stop" if last else None}
        events.append({**head, "choices": [choice], "usage": None})
    events.append({**head, "choices": [], "usage": _USAGE})
    lines = [f"data: {json.dumps(event, separators=(',', ':'))}\n\n" for event in events]
    return ("".join(lines) + "data: [DONE]\n\n").encode()
