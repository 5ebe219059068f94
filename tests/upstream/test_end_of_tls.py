"""What an upstream sent by TLS before it closed arrives, on whichever loop, however slowly it is taken."""

import asyncio
import random
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
import uvloop

from proxy.config.model import Upstream
from proxy.upstream import Asking
from proxy.upstream.asker import OwnAsker
from tests.realtime.tls import closing_after

BODY = random.Random(1).randbytes(300_000)
_HEAD = b"HTTP/1.1 200 OK\r\nConnection: close\r\n"
CHUNKED = _HEAD + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(BODY), BODY)
TO_THE_END = _HEAD + b"\r\n" + BODY


@pytest.mark.parametrize("politely", [True, False])
@pytest.mark.parametrize("said", [CHUNKED, TO_THE_END], ids=["chunked", "to the end"])
@pytest.mark.parametrize("loop", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def test_all_that_came_before_the_end_is_taken(
    loop: Callable[[], asyncio.AbstractEventLoop],
    said: bytes,
    politely: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An upstream that closes while too much is untaken is heard to its last byte."""

    async def taken(url: str, ended: threading.Thread) -> bytes:
        asker = OwnAsker()
        upstream = Upstream("far", url, "generic", "far")
        try:
            answer = await asker.ask(upstream, Asking("GET", "/", [], None))
            await asyncio.to_thread(ended.join)
            await asyncio.sleep(0.1)  # for the end of the connection to be noticed
            found = b""
            while chunk := await answer.chunk():
                found += chunk
            answer.close()
        finally:
            await asker.close()
        return found

    with closing_after(lambda _: said, tmp_path, politely=politely) as (url, ended):
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "certificate.pem"))
        with asyncio.Runner(loop_factory=loop) as runner:
            assert runner.run(taken(url, ended)) == BODY
