"""AWS's binary frames, written as its own services write them."""

import base64
import json
import struct
import zlib
from typing import Any


def frame(event: str, payload: Any) -> bytes:
    """One frame. `!name` is an exception; what a `chunk` carries is put into it in base64."""
    if event.startswith("!"):
        kind = {":exception-type": event[1:], ":message-type": "exception"}
    else:
        kind = {":event-type": event, ":message-type": "event"}
    if event == "chunk":
        payload = {"bytes": base64.b64encode(json.dumps(payload).encode()).decode(), "p": "abcdefgh"}
    return framed({**kind, ":content-type": "application/json"}, json.dumps(payload).encode())


def framed(headers: dict[str, str], payload: bytes) -> bytes:
    """Any headers and any payload."""
    written = b"".join(
        struct.pack(">B", len(name)) + name.encode() + struct.pack(">BH", 7, len(value)) + value.encode()
        for name, value in headers.items()
    )
    lengths = struct.pack(">II", 16 + len(written) + len(payload), len(written))
    message = lengths + struct.pack(">I", zlib.crc32(lengths)) + written + payload
    return message + struct.pack(">I", zlib.crc32(message))
