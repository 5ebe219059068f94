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

from tests.recordings.upstreams import upstream_of

_HERE = Path(__file__).resolve().parents[2]
_FILE = "open.jsonl.xz"
_ID = re.compile(r"(?<=/)(?=[^/]*\d)[^/?]{12,}?(?=[:/]|$)")
"""A segment of a path that names one thing and no kind of things."""


@dataclass(frozen=True, slots=True)
class Recording:
    """One exchange as it was: decoded bodies, headers without those that a new transport sets itself."""

    number: int
    provider: str
    upstream: str  # the one a user would have configured for it
    endpoint: str  # a label to count by
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

    @property
    def kind(self) -> str:
        """Of which provider and endpoint it is."""
        return f"{self.provider} {self.endpoint}"

    @property
    def name(self) -> str:
        """How a report names it."""
        return f"{self.kind} {self.number} ({self.origin})"


def where() -> Path | None:
    """The file of recordings, if it is there."""
    folder = Path(os.environ.get("TOLLBOOK_CORPUS", _HERE / "../shared/corpus"))
    found = folder / _FILE
    return found if found.is_file() else None


@cache
def recordings(found: Path) -> tuple[Recording, ...]:
    """All exchanges, in the order of the file."""
    return tuple(_all(found))


def _all(found: Path) -> Iterator[Recording]:
    with lzma.open(found, "rt", encoding="utf-8") as lines:
        for number, line in enumerate(lines):
            exchange = json.loads(line)
            yield Recording(
                number=number,
                provider=exchange["provider"],
                upstream=upstream_of(exchange["provider"]),
                endpoint=_label(exchange["method"], exchange["endpoint"]),
                method=exchange["method"],
                target=exchange["path"],
                request_headers=tuple(exchange["request_headers"].items()),
                request=_bytes(exchange["request_body"], exchange["request_encoding"]),
                status=exchange["status"],
                response_headers=tuple(exchange["response_headers"].items()),
                response=_bytes(exchange["response_body"], exchange["response_encoding"]),
                origin=f"{exchange['source_repo']} {exchange['source_path']} #{exchange['index']}",
            )


def _label(method: str, endpoint: str) -> str:
    """The recorder's own label, with ids it left in taken out; `GET` and others stand before the path."""
    label = _ID.sub("{id}", endpoint)
    return label if method == "POST" or label.startswith(method) else f"{method} {label}"


def _bytes(body: Any, encoding: str) -> bytes:
    if not body:
        return b""
    return base64.b64decode(body) if encoding == "base64" else str(body).encode()
