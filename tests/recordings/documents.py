"""The JSON values of a recorded answer: one document, or those of a stream. Every byte is parsed, whatever its headers
say; nothing is shared with the product."""

import base64
import json
import re
import struct
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

Json = Any


@dataclass(frozen=True, slots=True)
class Documents:
    """What an answer consists of."""

    values: tuple[Json, ...]
    kind: str  # "whole", "array", "events", "lines", "frames", "text", "nothing"

    @property
    def is_stream(self) -> bool:
        """Whether it was sent piece by piece."""
        return self.kind in ("events", "lines", "frames")


def documents(body: bytes) -> Documents:
    """Judged by the first bytes."""
    if not body.strip():
        return Documents((), "nothing")
    if body[:2] == b"\0\0" and b":event-type" in body[:200]:
        return Documents(tuple(_frames(body)), "frames")
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return Documents((), "text")
    if re.match(r"\s*(data|event|id|retry)?:", text):
        return Documents(tuple(_events(text)), "events")
    try:
        value = _loaded(text)
    except ValueError:
        return _lines(text)
    if isinstance(value, list):
        return Documents(tuple(value), "array")
    return Documents((value,), "whole") if isinstance(value, dict) else Documents((), "text")


def _lines(text: str) -> Documents:
    try:
        return Documents(tuple(_loaded(line) for line in text.splitlines() if line.strip()), "lines")
    except ValueError:
        return Documents((), "text")


def _events(text: str) -> list[Json]:
    events = []
    for block in re.split(r"(?:\r\n|\n|\r){2}", text):
        data = [line[5:].strip() for line in re.split(r"\r\n|\n|\r", block) if line.startswith("data:")]
        if data and data != ["[DONE]"]:
            events.append(_loaded("\n".join(data)))
    return [event for event in events if isinstance(event, dict)]


def _frames(body: bytes) -> list[Json]:
    """AWS event stream: length of all, length of the headers, a checksum, the headers, the payload, a checksum.

    What `invoke` streams is the vendor's own JSON, base64-encoded in a frame of its own.
    """
    values = []
    while body:
        whole, head = struct.unpack_from(">II", body)
        payload = json.loads(body[12 + head : whole - 4] or b"{}", parse_float=Decimal)
        values.append(_loaded(base64.b64decode(payload["bytes"]).decode()) if "bytes" in payload else payload)
        body = body[whole:]
    return values


def _loaded(text: str) -> Json:
    return json.loads(text, parse_float=Decimal)
