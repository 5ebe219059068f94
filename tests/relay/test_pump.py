"""The pump alone: chunks go on in the call by which they come, and what must be waited for is waited for."""

import asyncio
import random
from collections.abc import AsyncIterator
from typing import cast

import pytest
from aiohttp import web

from proxy.capture import Capture
from proxy.client import Client, ClientGone
from proxy.exchange import Exchange
from proxy.pump import Pump
from proxy.stream_usage import UsageHider
from proxy.terminal import TerminalWatch
from proxy.upstream import UpstreamFault
from proxy.upstream.incoming import Incoming
from proxy.upstream.silence import SilenceWatch

DELTA = b'data: {"choices":[{"delta":{"content":"a"}}]}\n\n'
USAGE = b'data: {"choices":[],"usage":{"total_tokens":5}}\n\n'
DONE = b"data: [DONE]\n\n"
HEAD = b"HEAD"


class _Transport:
    """A client's connection that keeps what is written to it."""

    def __init__(self) -> None:
        self.written = b""
        self.unread = 0
        self.closing = False

    def is_closing(self) -> bool:
        return self.closing

    def write(self, data: bytes) -> None:
        self.written += data

    def get_write_buffer_size(self) -> int:
        return self.unread

    def abort(self) -> None:
        self.closing = True


class _Request:
    """As much of a request as the client's side looks at."""

    keep_alive = True
    method = "POST"
    version = (1, 0)  # so that nothing is framed
    transport: _Transport

    def __init__(self) -> None:
        self.transport = _Transport()
        self.writer = self
        self.read = asyncio.Event()

    async def drain(self) -> None:
        """Wait until the client has read."""
        await self.read.wait()


class _Exchange:
    """A call that has not ended."""

    ended = False
    chunks = 0

    def mark_chunk(self) -> None:
        self.chunks += 1


class Scene:
    """One pump between an upstream and a client that the test plays."""

    def __init__(
        self, *, hides: bool = False, watches: bool = True, finish: bool = False, write_timeout_s: float = 60.0
    ) -> None:
        self.silence = SilenceWatch()
        self.wait = self.silence.begin(60.0)
        self.incoming = Incoming(asyncio.get_running_loop(), "the upstream", self.wait, self.silence)
        self.reading = True
        self.incoming.attach(self._flow, lambda: None)
        self.request = _Request()
        self.transport = self.request.transport
        self.client = Client(cast(web.BaseRequest, self.request), write_timeout_s, keep_alive=True)
        self.capture = Capture(1_000_000)
        self.settling: list[int] = []
        self.settled = asyncio.Event()
        self.exchange = _Exchange()
        pump = Pump(
            self.incoming, self.client, cast(Exchange, self.exchange), self.capture, self._settle,
            TerminalWatch() if watches else None, UsageHider() if hides else None,
        )  # fmt: skip
        self.running = asyncio.create_task(pump.run(HEAD, finish=finish))

    def _flow(self, on: bool) -> None:
        self.reading = on

    async def _settle(self, sent: int) -> None:
        if not self.exchange.ended:
            self.settling.append(sent)
            await self.settled.wait()
            self.exchange.ended = True

    def come(self, *chunks: bytes, last: bool = False) -> None:
        """Chunks come, one call each."""
        for number, chunk in enumerate(chunks, 1):
            self.incoming.take(chunk, last=last and number == len(chunks))
        if last:
            self.incoming.complete()

    @property
    def written(self) -> bytes:
        """What the client was sent of the body."""
        assert self.transport.written.startswith(HEAD)
        return self.transport.written.removeprefix(HEAD)

    @property
    def kept(self) -> bytes:
        return self.capture.body().head


@pytest.fixture
async def steady() -> AsyncIterator[Scene]:
    """A pump whose task waits."""
    scene = Scene()
    await _turn()
    yield scene
    scene.running.cancel()
    await asyncio.gather(scene.running, return_exceptions=True)
    scene.silence.close()


async def _turn() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_a_chunk_goes_on_in_the_call_by_which_it_comes(steady: Scene) -> None:
    """No task wakes for it; the limit on the upstream's silence counts from it."""
    before = steady.wait.deadline
    steady.come(DELTA, DELTA)
    assert steady.written == steady.kept == DELTA * 2
    assert steady.client.sent == len(DELTA) * 2
    assert steady.exchange.chunks == 2
    assert steady.wait.deadline > before
    assert steady.settling == []


@pytest.mark.parametrize("cut", range(1, len(DONE)))
async def test_the_end_of_the_terminal_event_waits_for_its_note(steady: Scene, cut: int) -> None:
    """Wherever it is split; what comes meanwhile follows it, and is not waited for again."""
    steady.come(DELTA, DONE[:cut], DONE[cut:], b": more\n\n")
    assert steady.written == DELTA + DONE[:cut]
    await _turn()
    steady.come(b": and more\n\n")
    await _turn()
    assert steady.written == DELTA + DONE[:cut]
    assert steady.settling == [len(DELTA + DONE)]
    assert steady.kept == DELTA + DONE  # it is in the note
    steady.settled.set()
    await _turn()
    steady.come(b": last\n\n", DONE)
    assert steady.written == DELTA + DONE + b": more\n\n: and more\n\n: last\n\n" + DONE
    steady.come(b"!", last=True)
    await steady.running
    assert steady.written.endswith(DONE + b"!")
    assert len(steady.settling) == 1


async def test_the_last_bytes_wait_for_the_note(steady: Scene) -> None:
    """They are not passed on as they come, even without a terminal event."""
    steady.come(DELTA)
    steady.come(b"end", last=True)
    assert steady.written == DELTA
    await _turn()
    assert (steady.written, steady.settling, steady.kept) == (DELTA, [len(DELTA) + 3], DELTA + b"end")
    steady.settled.set()
    await steady.running
    assert steady.written == DELTA + b"end"


async def test_an_end_without_bytes_waits_for_the_note(steady: Scene) -> None:
    """Of an upstream that says with nothing but its end that it is done."""
    steady.come(DELTA)
    steady.incoming.complete()
    await _turn()
    assert steady.settling == [len(DELTA)]
    assert not steady.running.done()
    steady.settled.set()
    await steady.running


async def test_what_came_before_a_fault_is_passed_on(steady: Scene) -> None:
    """An upstream that breaks off is heard of after all its bytes."""
    steady.come(DELTA, DELTA)
    steady.incoming.fail(UpstreamFault("upstream_broke_off", "it broke"))
    with pytest.raises(UpstreamFault):
        await steady.running
    assert steady.written == steady.kept == DELTA * 2
    assert steady.settling == []


@pytest.mark.parametrize("finish", [False, True])
async def test_a_client_that_left_gets_no_more(finish: bool) -> None:
    """The upstream's next chunk shows it; what is kept goes on only where calls are to finish."""
    scene = Scene(finish=finish)
    await _turn()
    scene.come(DELTA)
    scene.transport.closing = True
    scene.come(b"1")
    await _turn()
    assert scene.running.done() != finish
    scene.come(b"2", b"3", last=True)
    with pytest.raises(ClientGone):
        await scene.running
    assert scene.written == DELTA
    assert scene.kept == DELTA + (b"123" if finish else b"")
    scene.silence.close()


async def test_a_cancelled_pump_passes_nothing_on(steady: Scene) -> None:
    """From the moment on at which somebody ends it, whatever still comes."""
    steady.come(DELTA)
    steady.running.cancel()
    steady.come(b"late")
    with pytest.raises(asyncio.CancelledError):
        await steady.running
    steady.come(b"later")
    assert steady.written == DELTA


async def test_a_client_that_reads_too_slowly_holds_the_upstream(steady: Scene) -> None:
    """What it cannot take waits here, up to a bound; once it has read, everything follows in order."""
    steady.come(DELTA)
    steady.transport.unread = 1_000_000
    pieces = [b"%06d" % number * 2000 for number in range(20)]
    steady.come(*pieces)
    assert steady.written == DELTA + pieces[0]
    await _turn()
    assert not steady.reading
    assert steady.wait.deadline == float("inf")  # it is not the upstream that is waited for
    steady.transport.unread = 0
    steady.request.read.set()
    await _turn()
    assert steady.reading
    steady.come(b"next")
    assert steady.written == steady.kept == DELTA + b"".join(pieces) + b"next"


async def test_a_client_that_never_reads_is_let_go() -> None:
    """After the time it has, and not when the upstream says its next word."""
    scene = Scene(write_timeout_s=0.02)
    await _turn()
    scene.transport.unread = 1_000_000
    scene.come(DELTA)
    with pytest.raises(ClientGone):
        await scene.running
    assert scene.transport.closing
    scene.silence.close()


async def test_a_mistake_of_ours_reaches_the_call(steady: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """It does not get lost in the connection's callback, and is not taken for the upstream's."""
    monkeypatch.setattr(Capture, "add", lambda *_: 1 / 0)
    steady.come(DELTA)
    with pytest.raises(ZeroDivisionError):
        await steady.running


@pytest.mark.parametrize("hides", [False, True])
async def test_pieces_come_to_the_same_as_the_whole(hides: bool) -> None:
    """However a stream is cut, and whoever happens to be awake, the client gets it in order and the book has it all."""
    dice = random.Random(23)
    for _ in range(300):
        stream = DELTA * dice.randrange(4) + (USAGE if dice.random() < 0.7 else b"") + DONE
        cuts = sorted(dice.choices(range(len(stream) + 1), k=dice.randrange(8)))
        pieces = [stream[a:b] for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True) if a < b]
        scene = Scene(hides=hides, watches=dice.random() < 0.8)
        scene.settled.set()
        scene.request.read.set()
        for number, piece in enumerate(pieces, 1):
            for _ in range(dice.randrange(4)):
                await asyncio.sleep(0)
            scene.transport.unread = dice.choice((0, 0, 1_000_000))
            scene.come(piece, last=number == len(pieces) and dice.random() < 0.5)
        scene.incoming.complete()
        await scene.running
        shown = stream.replace(USAGE, b"") if hides else stream
        assert (scene.written, scene.kept) == (shown, stream), pieces
        assert scene.client.sent == len(shown)
        scene.silence.close()
