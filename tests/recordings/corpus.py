"""Recorded exchanges with real model APIs, read from outside of this repository; without them the tests skip."""

import base64
import json
import lzma
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

_HERE = Path(__file__).resolve().parents[2]
_FILE = "open.jsonl.xz"
_ENDPOINTS = re.compile(
    r"/(chat/completions|completions|responses(?:/compact)?|embeddings|images/(?:generations|edits|variations)"
    r"|moderations|messages(?:/count_tokens)?)"
    r"|.*:(generateContent|streamGenerateContent|embedContent|batchEmbedContents|countTokens)"
)
_VERSION = re.compile(r"/v1(?:beta|alpha)?(?:/openai)?(?=/)")


@dataclass(frozen=True, slots=True)
class Recording:
    """One exchange as it was: decoded bodies, headers without those that a new transport sets itself."""

    number: int
    provider: str
    endpoint: str
    method: str
    target: str  # path and query
    request_headers: tuple[tuple[str, str], ...]
    request: bytes
    status: int
    response_headers: tuple[tuple[str, str], ...]
    response: bytes
    origin: str  # where it was recorded, to name it in a report

    @property
    def path(self) -> str:
        """The target without its query."""
        return self.target.partition("?")[0]


def where() -> Path | None:
    """The file of recordings, if it is there."""
    folder = Path(os.environ.get("TOLLBOOK_CORPUS", _HERE / "../shared/corpus"))
    found = folder / _FILE
    return found if found.is_file() else None


@cache
def recordings(found: Path) -> tuple[Recording, ...]:
    """The exchanges whose usage Tollbook promises to read: those of three providers, on the endpoints it knows."""
    return tuple(_chosen(found))


def _chosen(found: Path) -> Iterator[Recording]:
    with lzma.open(found, "rt", encoding="utf-8") as lines:
        for number, line in enumerate(lines):
            exchange = json.loads(line)
            path = exchange["path"].partition("?")[0]
            at = _ENDPOINTS.fullmatch(_VERSION.sub("", path, count=1))
            if exchange["provider"] not in ("openai", "anthropic", "gemini") or exchange["method"] != "POST" or not at:
                continue
            yield Recording(
                number=number,
                provider=exchange["provider"],
                endpoint=at[1] or at[2],
                method=exchange["method"],
                target=exchange["path"],
                request_headers=tuple(exchange["request_headers"].items()),
                request=_bytes(exchange["request_body"], exchange["request_encoding"]),
                status=exchange["status"],
                response_headers=tuple(exchange["response_headers"].items()),
                response=_bytes(exchange["response_body"], exchange["response_encoding"]),
                origin=f"{exchange['source_repo']} {exchange['source_path']} #{exchange['index']}",
            )


def _bytes(body: Any, encoding: str) -> bytes:
    if not body:
        return b""
    return base64.b64decode(body) if encoding == "base64" else str(body).encode()
