"""When a connection by TLS may be used again: never while something may have come that nobody asked for."""

import asyncio

import pytest

from proxy.upstream.connection import ByTls, Connection
from proxy.upstream.incoming import Incoming
from proxy.upstream.silence import SilenceWatch


class _Open(asyncio.Transport):
    """As much of a connection as is looked at."""

    closed = False

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.closed = True


@pytest.mark.parametrize("short", [0, 1])
async def test_what_is_not_decrypted_yet_may_be_anything(short: int) -> None:
    """An answer that ends with the buffer may have more behind it, already here and seen by nobody."""
    loop, kept, silence, transport = asyncio.get_running_loop(), list[Connection](), SilenceWatch(), _Open()
    connection = ByTls(loop, kept.append)
    connection.connection_made(transport)
    answer = Incoming(loop, "far", silence.begin(1.0), silence)
    connection.expect(answer, "GET", "far", sent_all=True)
    buffer = connection.get_buffer(-1)
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n"
    size = len(buffer) - len(head % len(buffer)) - short
    came = head % size + b"x" * size
    buffer[: len(came)] = came
    connection.buffer_updated(len(came))
    assert len(await answer.chunk()) == size
    assert kept == ([connection] if short else [])
    assert transport.closed == (not short)
    silence.close()
