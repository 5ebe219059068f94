"""Makes connections to upstreams: looks names up, tries their addresses, speaks TLS.

A name that leads to a link-local address is not followed: clouds keep the credentials of their machines there, and
whoever can change the name could have them asked for. An address that the configuration itself names is.
"""

import asyncio
import contextlib
import ipaddress
import os
import socket
import ssl
import time
from collections.abc import Callable
from typing import TypeVar

import aiohappyeyeballs

from proxy.upstream.origin import Origin

_REMEMBERED_S = 10.0
_STAGGER_S = 0.25  # before the next address is tried beside one that does not answer (RFC 8305)
_KEEPALIVE_OPTIONS = (("TCP_KEEPIDLE", 60), ("TCP_KEEPINTVL", 60), ("TCP_KEEPCNT", 5))

_Addresses = list[aiohappyeyeballs.AddrInfoType]
_Protocol = TypeVar("_Protocol", bound=asyncio.BaseProtocol)


class Connecting:
    """What is known of names, and the TLS context of a worker."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._known: dict[tuple[str, int], tuple[float, _Addresses]] = {}
        self._tls: ssl.SSLContext | None = None

    async def connect(self, origin: Origin, protocol: Callable[[], _Protocol], patience_s: float) -> _Protocol:
        """A connection, TLS included.

        Raises:
            TimeoutError, OSError: there is none; `ssl.SSLError` is an OSError too.
        """
        async with asyncio.timeout(patience_s):
            addresses = await self._addresses(origin)
            try:
                made = await aiohappyeyeballs.start_connection(
                    addresses, happy_eyeballs_delay=_STAGGER_S, interleave=1, loop=self._loop, socket_factory=_socket
                )
            except OSError:
                self._known.pop((origin.host, origin.port), None)  # perhaps it has moved
                raise
            try:
                _, connection = await self._loop.create_connection(
                    protocol,
                    sock=made,
                    ssl=self._context() if origin.tls else None,
                    server_hostname=origin.host if origin.tls else None,
                )
            except BaseException:
                made.close()
                raise
        return connection

    async def _addresses(self, origin: Origin) -> _Addresses:
        key, now = (origin.host, origin.port), time.monotonic()
        until, found = self._known.get(key, (0.0, []))
        if until > now:
            return found
        found = list(await self._loop.getaddrinfo(origin.host, origin.port, type=socket.SOCK_STREAM))
        if not origin.is_address:
            found = [one for one in found if not _is_link_local(str(one[4][0]))]
            if not found:
                raise OSError(None, "its name leads to a link-local address")
        self._known[key] = (now + _REMEMBERED_S, found)
        return found

    def _context(self) -> ssl.SSLContext:
        if self._tls is None:
            self._tls = ssl.create_default_context()
            self._tls.set_alpn_protocols(["http/1.1"])
        return self._tls


def why_not(error: OSError) -> str:
    """Why there is no connection, as people know it: "Connection refused", not which call of Python's failed."""
    if isinstance(error, ssl.SSLError | socket.gaierror):  # numbers of their own
        return getattr(error, "verify_message", None) or error.strerror or type(error).__name__
    if error.errno is not None:
        return os.strerror(error.errno)
    return error.strerror or str(error) or type(error).__name__  # several addresses that failed differently: all of it


def _is_link_local(address: str) -> bool:
    """Whether this is a neighbour's address, also where IPv6 only wraps one of IPv4, which is what is called then."""
    read = ipaddress.ip_address(address.partition("%")[0])
    mapped = read.ipv4_mapped if isinstance(read, ipaddress.IPv6Address) else None
    return (mapped or read).is_link_local


def _socket(address: aiohappyeyeballs.AddrInfoType) -> socket.socket:
    """A socket that notices a dead peer: models think for minutes, and routers forget idle flows."""
    family, kind, protocol, _, _ = address
    made = socket.socket(family=family, type=kind, proto=protocol)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    with contextlib.suppress(OSError):
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for option, value in _KEEPALIVE_OPTIONS:
        if hasattr(socket, option):
            made.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)
    return made
