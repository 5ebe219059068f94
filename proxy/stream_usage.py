"""Asks OpenAI-style streams for the usage they do not report unasked, and hides the answer to that question again.

This is the one place where bytes are changed, and only for upstreams with `stream_usage = "ask"`: an uncompressed
JSON body of at most 1 MB on (chat) completions with `"stream": true` and no `stream_options`. Clients index
`choices[0]` of every chunk, so the one extra chunk with empty `choices` is taken out again.
"""

import re

import msgspec

LARGEST = 1024 * 1024
_ASKED = b'"stream_options":{"include_usage":true},'
_STREAM = b'"stream"'
_TRUE = re.compile(rb"\s*:\s*true")
_EMPTY_CHOICES = re.compile(rb'"choices"\s*:\s*\[\s*\]')
_EVENT_END = re.compile(rb"\r\n\r\n|\n\n|\r\r")
_LONGEST_EVENT = 1024 * 1024


class _Request(msgspec.Struct):
    stream: bool | None = None
    stream_options: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


class _Chunk(msgspec.Struct):
    choices: list[msgspec.Raw]
    usage: dict[str, msgspec.Raw]


_read_request = msgspec.json.Decoder(_Request).decode
_read_chunk = msgspec.json.Decoder(_Chunk).decode


def may_ask(method: str, path: str, content_encoding: str | None) -> bool:
    """Whether a request to this path is one to look into."""
    return (
        method == "POST"
        and path.endswith("/completions")
        and (content_encoding is None or content_encoding.lower() == "identity")
    )


def with_question(body: bytes) -> bytes | None:
    """The body with the question put in; None when it must stay as it is."""
    # The search spares most bodies the parsing, which for 1 MB would hold the loop for a millisecond.
    if len(body) > LARGEST or not _may_stream(body):
        return None
    try:
        request = _read_request(body)
    except msgspec.DecodeError:
        return None
    if request.stream is not True or request.stream_options is not msgspec.UNSET:
        return None
    brace = body.index(b"{") + 1
    return body[:brace] + _ASKED + body[brace:]


def _may_stream(body: bytes) -> bool:
    """Whether `"stream": true` stands anywhere outside a string (in one, its quotes would be escaped)."""
    place = body.rfind(_STREAM)  # from the end: what is long, the messages, mostly stands before it
    while place >= 0:
        if _TRUE.match(body, place + len(_STREAM)) and body[place - 1 : place] != b"\\":
            return True
        place = body.rfind(_STREAM, 0, place + len(_STREAM) - 1)
    return False


class UsageHider:
    """Takes the extra chunk out of one stream. Events pass whole; what is not an event stream passes untouched."""

    __slots__ = ("_held", "_off")

    def __init__(self) -> None:
        self._held = b""
        self._off: bool | None = None

    def pass_on(self, chunk: bytes) -> bytes:
        """What the client may have of this chunk now."""
        if self._off is None:
            self._off = chunk.lstrip()[:1] in (b"{", b"[", b"<")
        if self._off:
            return chunk
        if not self._held and chunk.endswith(b"\n\n") and not _EMPTY_CHOICES.search(chunk):
            return chunk
        data = self._held + chunk
        kept: list[bytes] = []
        begin = 0
        for end in _EVENT_END.finditer(data):
            event = data[begin : end.end()]
            if not _is_extra(event):
                kept.append(event)
            begin = end.end()
        self._held = data[begin:]
        if len(self._held) > _LONGEST_EVENT:
            kept.append(self._held)
            self._held = b""
            self._off = True
        return b"".join(kept)

    def rest(self) -> bytes:
        """What is still held when the stream ends."""
        held, self._held = self._held, b""
        return b"" if held and _is_extra(held) else held


def _is_extra(event: bytes) -> bool:
    if not _EMPTY_CHOICES.search(event):
        return False
    data = b"\n".join(line[5:] for line in event.splitlines() if line.startswith(b"data:"))
    try:
        return not _read_chunk(data).choices
    except msgspec.DecodeError:
        return False
