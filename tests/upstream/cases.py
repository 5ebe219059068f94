"""Answers as upstreams should not send them: made of proper ones by cutting, flipping, doubling and misframing."""

import random
from dataclasses import dataclass
from typing import Literal

_BODY = b'{"id":"x","usage":{"total_tokens":3}}'
_EVENTS = b'data: {"a":1}\n\ndata: [DONE]\n\n'


@dataclass(frozen=True, slots=True)
class Case:
    """What is asked, what comes back, in which pieces, and how the connection ends."""

    method: Literal["GET", "POST", "HEAD"]
    pieces: tuple[bytes, ...]
    ends: Literal["close", "reset", "stay"]

    @property
    def answer(self) -> bytes:
        """All bytes that come back."""
        return b"".join(self.pieces)


def chunked(body: bytes, dice: random.Random) -> bytes:
    """The body in chunks of random sizes, some with extensions, some with trailers."""
    made, rest = b"", body
    while rest:
        size = dice.randint(1, max(1, len(rest)))
        extension = dice.choice((b"", b"", b"", b";a=b", b";x"))
        made += b"%x%b\r\n%b\r\n" % (size, extension, rest[:size])
        rest = rest[size:]
    trailer = dice.choice((b"", b"", b"", b"X-Trailer: 1\r\n"))
    return made + b"0\r\n" + trailer + b"\r\n"


_MORE_HEADERS = (
    b"Connection: close", b"Connection: keep-alive", b"X-Empty:", b"Set-Cookie: a=b", b"X-Long: " + b"y" * 3000,
    b"X-Utf8: caf\xc3\xa9", b"Server:   spaced  ",
)  # fmt: skip


def proper(dice: random.Random) -> bytes:
    """An answer as it should be."""
    status = dice.choice((b"200 OK", b"200 OK", b"200 OK", b"201 Created", b"204 No Content", b"304 Not Modified",
                          b"429 Too Many Requests", b"500 Internal Server Error", b"200 ", b"299 Odd"))  # fmt: skip
    body = dice.choice((_BODY, _EVENTS, b"", b"x" * dice.randint(1, 5000)))
    version = dice.choice((b"HTTP/1.1",) * 8 + (b"HTTP/1.0",))
    headers = [b"Content-Type: application/json", b"X-Request-Id: r1"]
    if dice.random() < 0.3:
        headers.append(dice.choice(_MORE_HEADERS))
    framing = dice.random()
    if status[:3] in (b"204", b"304"):
        body = b""
    elif framing < 0.45:
        headers.append(b"Content-Length: %d" % len(body))
    elif framing < 0.9:
        headers.append(b"Transfer-Encoding: chunked")
        body = chunked(body, dice)
    dice.shuffle(headers)
    interim = dice.choice(
        (b"",) * 12 + (b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n")
    )
    return interim + b"%b %b\r\n" % (version, status) + b"\r\n".join(headers) + b"\r\n\r\n" + body


_SPLICES = (
    b"\r\n", b"\n", b"\r", b"\0", b" ", b"\t", b":", b";", b"\x80", b"\xff", b"0", b"-1", b"+5", b"0x10", b"\r\n\r\n",
    b"Content-Length: 3\r\n", b"Content-Length: 5\r\n", b"Transfer-Encoding: chunked\r\n", b" folded: line\r\n",
    b"Transfer-Encoding: gzip\r\n", b"Transfer-Encoding: identity\r\n", b"HTTP/1.1 200 OK\r\n\r\n", b"HTTP/2.0",
    b"HTTP/1.1 101 Switching Protocols\r\n", b"ffffffffffffffffff", b"Upgrade: websocket\r\n",
    b"Connection: upgrade\r\n",
)  # fmt: skip


def damaged(answer: bytes, dice: random.Random) -> bytes:
    """The answer with a few bytes of it wrong."""
    for _ in range(dice.choice((1, 1, 1, 2, 3))):
        if not answer:
            break
        at = dice.randrange(len(answer)) if dice.random() < 0.3 else dice.randrange(min(len(answer), 220))
        match dice.randrange(6):
            case 0:
                answer = answer[:at] + bytes([dice.randrange(256)]) + answer[at + 1 :]
            case 1:
                answer = answer[:at] + answer[at + dice.randint(1, 8) :]
            case 2:
                answer = answer[:at] + dice.choice(_SPLICES) + answer[at:]
            case 3:
                answer = answer[:at]
            case 4:
                end = min(len(answer), at + dice.randint(1, 60))
                answer = answer[:end] + answer[at:end] + answer[end:]
            case 5:
                lines = answer.split(b"\r\n")
                place = dice.randrange(len(lines))
                lines.insert(place, dice.choice(_SPLICES).strip(b"\r\n"))
                answer = b"\r\n".join(lines)
    return answer


def case(dice: random.Random) -> Case:
    """One case."""
    answer = proper(dice)
    if dice.random() < 0.8:
        answer = damaged(answer, dice)
    pieces = _in_pieces(answer, dice)
    ends = dice.choices(("close", "reset", "stay"), (70, 12, 18))[0]
    return Case(dice.choice(("GET", "POST", "POST", "POST", "HEAD")), pieces, ends)


def _in_pieces(answer: bytes, dice: random.Random) -> tuple[bytes, ...]:
    count = dice.choice((1, 1, 1, 2, 3, 8))
    cuts = sorted(dice.randrange(len(answer) + 1) for _ in range(count - 1))
    return tuple(answer[start:stop] for start, stop in zip([0, *cuts], [*cuts, len(answer)], strict=True))
