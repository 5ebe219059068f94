"""What a worker notes about a call, and what the store reads: the one language the two processes share.

A call is three notes: `Started` before the upstream is contacted, `Asked` when the request body is complete,
`Ended` before the last bytes reach the client. A `Started` that no `Ended` follows, from a worker that is gone,
is a call that our own death interrupted. A session over a websocket also has a `Told` for each message that tells
what it used, so that such a death takes no more than what came after the last of them.

Credentials never appear here: headers are kept by allow-list and targets with their secrets redacted
(`proxy/headers.py`, `proxy/target.py`), so nothing behind this border can leak what it never had.
"""

from typing import Literal

import msgspec

Outcome = Literal[
    "completed",  # the client got everything the upstream sent
    "client_left",  # the client closed before the answer was complete
    "upstream_unreachable",  # no connection could be made
    "upstream_timed_out",  # connected, then silence for longer than the limit
    "upstream_broke_off",  # the connection ended in the middle, or what came was not HTTP
    "rejected",  # Tollbook itself refused the call; the upstream was not contacted
    "interrupted",  # Tollbook itself died or was stopped while the call ran
]

Headers = tuple[tuple[str, str], ...]
"""Names in lower case, in the order received, duplicates kept."""


class Body(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """As much of a body as was kept, exactly as it was on the wire (possibly compressed).

    `size` counts the bytes that passed. If `size == len(head) + len(tail)` nothing is missing;
    otherwise the bytes between head and tail were not kept.
    `decoded` is set when a compressed body was larger than the cap and head and tail are therefore taken
    from its decoded form: `size` then still counts wire bytes and `decoded` the bytes after decoding.
    `spared` is set when less was kept than the configuration says, because the disk fills or fails.
    """

    size: int
    head: bytes = b""
    tail: bytes = b""
    decoded: int | None = None
    spared: bool = False

    @property
    def truncated(self) -> bool:
        """Whether bytes between head and tail are missing."""
        return (self.size if self.decoded is None else self.decoded) > len(self.head) + len(self.tail)


class Started(msgspec.Struct, frozen=True, gc=False, array_like=True, tag="S"):
    """A request was received and will be forwarded or refused."""

    call_id: bytes  # 16 bytes, UUIDv7
    seq: int  # 1, 2, 3, ... within one run of one worker
    received_at_us: int  # microseconds since the epoch, UTC
    upstream: str | None  # the configured name; None when the first path segment named no upstream
    dialect: str
    method: str
    target: str  # path and query as sent upstream, secrets redacted
    key: str | None  # the key's name, or the fingerprint of a passed-through credential, or None
    group: str
    client: str  # peer address
    headers: Headers  # request headers, allow-listed


class Asked(msgspec.Struct, frozen=True, gc=False, array_like=True, tag="A"):
    """The request body is complete, or as complete as it will get."""

    call_id: bytes
    body: Body


class Told(msgspec.Struct, frozen=True, gc=False, array_like=True, tag="T"):
    """What a message of a session tells of models, usage or errors; written before it is sent on, if in time."""

    call_id: bytes
    by_client: bool
    body: Body


class Close(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """The close frame that a session ended with."""

    by: str  # client, upstream, tollbook
    code: int  # 1005: it had none
    reason: str = ""


class Failure(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """Why Tollbook, not the upstream, made the answer."""

    code: str  # the value of x-tollbook-error
    message: str
    model: str | None = None  # what was asked for, where that is why: no body is kept of such a request to tell it


class Ended(msgspec.Struct, frozen=True, gc=False, array_like=True, tag="E"):
    """The call is over. Durations are microseconds on a monotonic clock, counted from `received_at_us`."""

    call_id: bytes
    outcome: Outcome
    status: int | None  # what the client got; None when no header was sent
    duration_us: int
    asked_us: int | None = None  # when the upstream request was begun
    answered_us: int | None = None  # when the upstream's headers were read
    first_chunk_us: int | None = None  # when the first piece of the upstream's body was read
    overhead_us: int | None = None  # time spent inside Tollbook, waiting for neither client nor upstream
    headers: Headers = ()  # response headers, allow-listed
    body: Body = Body(0)
    sent: int = 0  # body bytes handed to the client's connection
    failure: Failure | None = None
    repeats: bytes | None = None  # the call on whose row this one is only counted (`proxy/floods.py`)
    told: int = 0  # how many notes `Told` went before
    close: Close | None = None  # of a session that ended with one
    pause_us: int | None = None  # the upstream's longest silence after the first piece, while we listened
    held_us: int | None = None  # how long the answer waited for the client to take what there was of it
    uploaded_us: int | None = None  # when a request that was passed on as it came had been passed on whole


class Numbered(msgspec.Struct, frozen=True, gc=False, array_like=True, tag="N"):
    """No note of a call: the next note in this file is the run's note number `first`, the one after it `first` + 1."""

    first: int


Note = Started | Asked | Told | Ended

_encode = msgspec.msgpack.Encoder().encode
_decoder: msgspec.msgpack.Decoder[Note | Numbered] = msgspec.msgpack.Decoder(Started | Asked | Told | Ended | Numbered)


def encode(note: Note | Numbered) -> bytes:
    """The bytes of one note."""
    return _encode(note)


def decode(payload: bytes | memoryview) -> Note | Numbered:
    """The note in these bytes; `msgspec.DecodeError` if they are not one."""
    return _decoder.decode(payload)
