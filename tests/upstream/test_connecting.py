"""Names of upstreams: what they lead to is looked at before anybody is called, remembered shortly, and asked anew."""

import asyncio
import errno
import socket
import ssl
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from proxy.upstream.connecting import Connecting, why_not
from proxy.upstream.origin import Origin, origin_of

_Answer = tuple[socket.AddressFamily, socket.SocketKind, int, str, tuple[Any, ...]]


class Resolving(asyncio.SelectorEventLoop):
    """A loop whose names lead where a test says; an empty list is a name that nobody knows."""

    def __init__(self, *answers: list[str]) -> None:
        super().__init__()
        self._answers = list(answers)
        self.asked = 0

    async def getaddrinfo(self, host: Any, port: Any, **_: Any) -> list[Any]:
        """The next answer; the last one for ever."""
        self.asked += 1
        found = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if not found:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return [self._told(address, port) for address in found]

    @staticmethod
    def _told(address: str, port: int) -> _Answer:
        if ":" in address:
            return (socket.AF_INET6, socket.SOCK_STREAM, 6, "", (address, port, 0, 0))
        return (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))


def played(loop: Resolving, script: Callable[[Connecting, Origin], Awaitable[Any]]) -> Any:
    """Run a script beside a listener on loopback; the origin has the listener's port and a name."""

    async def main() -> Any:
        server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0)
        async with server:
            port = server.sockets[0].getsockname()[1]
            return await script(Connecting(), origin_of(f"http://api.example.com:{port}"))

    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        return runner.run(main())


async def called(connecting: Connecting, origin: Origin) -> str:
    """Whom a connection leads to."""
    made = await connecting.connect(origin, _Quiet, 5)
    made.transport.close()
    return str(made.peer)


class _Quiet(asyncio.Protocol):
    transport: asyncio.Transport
    peer: str

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport, self.peer = transport, transport.get_extra_info("peername")[0]


@pytest.mark.parametrize("address", ["169.254.169.254", "fe80::1", "fe80::1%eth0", "::ffff:169.254.169.254"])
def test_a_name_that_leads_to_a_link_local_address_is_not_followed(address: str) -> None:
    """Where clouds keep credentials nobody is called, however the address is written."""
    with pytest.raises(OSError, match="link-local"):
        played(Resolving([address]), called)


def test_of_several_addresses_the_link_local_ones_are_left_out() -> None:
    """A name with an address that may be called is called there."""
    assert played(Resolving(["169.254.169.254", "127.0.0.1"]), called) == "127.0.0.1"


def test_a_name_that_changes_to_a_link_local_address_is_not_followed() -> None:
    """What a name led to before is no leave for what it leads to now (DNS rebinding)."""

    async def script(connecting: Connecting, origin: Origin) -> None:
        assert await called(connecting, origin) == "127.0.0.1"
        connecting._known.clear()  # as after ten seconds
        with pytest.raises(OSError, match="link-local"):
            await called(connecting, origin)

    played(Resolving(["127.0.0.1"], ["169.254.169.254"]), script)


def test_a_name_is_asked_for_once_in_a_while() -> None:
    """Several connections within seconds ask the resolver once."""
    loop = Resolving(["127.0.0.1"])

    async def script(connecting: Connecting, origin: Origin) -> None:
        for _ in range(5):
            await called(connecting, origin)

    played(loop, script)
    assert loop.asked == 1


def test_a_name_that_nobody_knows_is_asked_for_again() -> None:
    """A resolver that fails is no reason to remember the failure."""

    async def script(connecting: Connecting, origin: Origin) -> None:
        with pytest.raises(socket.gaierror):
            await called(connecting, origin)
        assert await called(connecting, origin) == "127.0.0.1"

    played(Resolving([], ["127.0.0.1"]), script)


def test_an_address_that_does_not_answer_is_forgotten() -> None:
    """When an upstream has moved, the call after the one that failed finds it."""

    async def script(connecting: Connecting, origin: Origin) -> None:
        with pytest.raises(OSError, match=r"."):
            await called(connecting, origin)
        assert await called(connecting, origin) == "127.0.0.1"

    played(Resolving(["127.0.0.2"], ["127.0.0.1"]), script)


def test_an_address_in_the_configuration_is_called_as_it_stands() -> None:
    """Whoever writes a link-local address into base_url means it."""

    async def script(connecting: Connecting, _: Origin) -> int:
        return len(await connecting._addresses(origin_of("http://169.254.169.254")))

    assert played(Resolving(["169.254.169.254"]), script) == 1


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(errno.ECONNREFUSED, "Connect call failed ('127.0.0.1', 9)"), "Connection refused"),
        (OSError(errno.ECONNREFUSED, "Multiple exceptions: [Errno 111] Connect call failed"), "Connection refused"),
        (OSError("[Errno 101] no way to ::1, [Errno 111] nor to 127.0.0.1"),
         "[Errno 101] no way to ::1, [Errno 111] nor to 127.0.0.1"),
        (OSError(None, "its name leads to a link-local address"), "its name leads to a link-local address"),
        (socket.gaierror(socket.EAI_NONAME, "Name or service not known"), "Name or service not known"),
        (ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER] wrong version number"),
         "[SSL: WRONG_VERSION_NUMBER] wrong version number"),
    ],
)  # fmt: skip
def test_why_there_is_no_connection(error: OSError, words: str) -> None:
    """The reason is the system's, never the name of an exception or of a call of Python's."""
    assert why_not(error) == words
