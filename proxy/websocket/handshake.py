"""The opening of a websocket: what a client must ask, what the upstream is asked instead, and what agrees with it.

Both handshakes are made anew, each side with its own key. Extensions are not passed on, so nothing is compressed:
what cannot be read on its way cannot be counted.
"""

import base64
import hashlib
import os

from proxy import credential
from proxy.headers import SUBPROTOCOL, Head, RawHeaders
from proxy.keys.secret import ANYWHERE
from proxy.refusal import Refusal

_MAGIC = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_OWN = frozenset({
    "sec-websocket-key", "sec-websocket-version", "sec-websocket-extensions", "sec-websocket-accept", SUBPROTOCOL,
})  # fmt: skip
_KEY_BYTES = 16


def asks_for_it(head: Head) -> bool:
    """Whether this request wants to become a websocket."""
    upgrade = head.first("upgrade")
    return upgrade is not None and upgrade.strip().lower() == "websocket"


def wrong(method: str, version: tuple[int, int], head: Head, *, has_body: bool) -> Refusal | None:
    """What is wrong with a request that wants to; it is the same whatever the upstream would say."""
    if head.first("sec-websocket-version") not in (None, "13"):
        return Refusal(426, "bad_websocket", "The only version of websockets understood is 13.", retry=False)
    key = head.first("sec-websocket-key") or ""
    proper = method == "GET" and version >= (1, 1) and "upgrade" in head.hop and not has_body and _is_key(key)
    if not proper or head.times("sec-websocket-key") != 1 or head.first("sec-websocket-version") is None:
        return Refusal(400, "bad_websocket", "The opening handshake of a websocket is not whole.", retry=False)
    return None


def _is_key(key: str) -> bool:
    try:
        return len(base64.b64decode(key.strip(), validate=True)) == _KEY_BYTES
    except ValueError:
        return False


def new_key() -> str:
    """The nonce of a handshake that is begun here."""
    return base64.b64encode(os.urandom(_KEY_BYTES)).decode()


def accept(key: str) -> str:
    """What agrees with this key."""
    return base64.b64encode(hashlib.sha1(key.strip().encode() + _MAGIC, usedforsecurity=False).digest()).decode()


def subprotocols(head: Head, *, issued: bool) -> list[str]:
    """Those the client offers, in its order; without the key, when that was issued here."""
    offered = [word.strip() for value in head.every(SUBPROTOCOL) for word in value.split(",")]
    return [word for word in offered if word and not (issued and _is_credential(word))]


def _is_credential(word: str) -> bool:
    return word.startswith(credential.IN_SUBPROTOCOL) or ANYWHERE.search(word) is not None


def to_upstream(headers: list[tuple[bytes, bytes]], key: str, offered: list[str]) -> list[tuple[bytes, bytes]]:
    """The headers that ask the upstream, made of those an ordinary request would have."""
    sent = [(name, value) for name, value in headers if name.lower().decode("latin-1") not in _OWN]
    sent += [
        (b"Upgrade", b"websocket"),
        (b"Connection", b"Upgrade"),
        (b"Sec-WebSocket-Version", b"13"),
        (b"Sec-WebSocket-Key", key.encode()),
    ]
    if offered:
        sent.append((b"Sec-WebSocket-Protocol", ", ".join(offered).encode("utf-8", "surrogateescape")))
    return sent


def agreed(head: Head, key: str, offered: list[str]) -> bool:
    """Whether this answer opens the websocket that was asked for."""
    chosen = head.every(SUBPROTOCOL)
    return (
        asks_for_it(head)
        and "upgrade" in head.hop
        and head.first("sec-websocket-accept") == accept(key)
        and head.first("sec-websocket-extensions") is None
        and (not chosen or (len(chosen) == 1 and chosen[0] in offered))
    )


def to_client(answered: Head, key: str) -> RawHeaders:
    """The headers that tell the client so: what the upstream said, and what agrees with the client's key."""
    passed = [(name, value) for name, value in answered.to_client() if name.lower().decode("latin-1") not in _OWN]
    chosen = answered.first(SUBPROTOCOL)
    opening = [
        (b"Upgrade", b"websocket"),
        (b"Connection", b"Upgrade"),
        (b"Sec-WebSocket-Accept", accept(key).encode()),
    ]
    if chosen is not None:
        opening.append((b"Sec-WebSocket-Protocol", chosen.encode("utf-8", "surrogateescape")))
    return opening + [pair for pair in passed if pair[0].lower() != b"content-type"]
