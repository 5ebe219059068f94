"""The listener that clients call: aiohttp's server, without what a proxy must not have.

Requests its parser refuses never become calls: they are counted, answered plainly, and neither echoed nor logged,
because the line that was refused may hold a credential.
"""

from collections.abc import Awaitable, Callable

from aiohttp import web
from aiohttp.web_protocol import RequestHandler, _ErrInfo

from proxy.journal.tally import Tally

_LARGEST_HEADER = 32 * 1024
_IDLE_S = 150.0  # longer than any client pool keeps a connection; also how long headers may take
_READ_BUFFER = 64 * 1024


class _Connection(RequestHandler):
    """One client connection."""

    tally: Tally

    def data_received(self, data: bytes) -> None:
        """Read on; tells whoever reads a body when its framing breaks, whom aiohttp leaves waiting for ever."""
        super().data_received(data)
        messages = self._messages
        if messages and isinstance(messages[-1][0], _ErrInfo):
            before = self._current_request
            content = messages[-2][1] if len(messages) > 1 else before.content if before is not None else None
            if content is not None and not content.is_eof():
                content.set_exception(web.RequestPayloadError("broken framing"))

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer what is no request, or what went wrong in us, without saying what it was."""
        if request.writer.output_size > 0:
            raise ConnectionError("the answer has begun; nothing can be put in its place")
        if status < 500:
            self.tally.count("malformed")
        response = web.Response(status=status, text=f"{status}\n", headers={"Server": "tollbook"})
        response.headers["x-tollbook-error"] = "malformed" if status < 500 else "internal"
        response.force_close()
        return response

    def log_exception(self, *args: object, **kwargs: object) -> None:
        """Nothing: a call logs what is ours (proxy/forward.py); what clients send is not repeated."""


class ProxyServer(web.Server):
    """Makes connections; everything they receive goes to `handler`."""

    def __init__(self, handler: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]], tally: Tally) -> None:
        super().__init__(
            handler,
            handler_cancellation=True,  # a client that leaves is noticed at once, not at the next write
            keepalive_timeout=_IDLE_S,
            access_log=None,
            auto_decompress=False,
            max_line_size=_LARGEST_HEADER,
            max_field_size=_LARGEST_HEADER,
            max_headers=256,
            read_bufsize=_READ_BUFFER,
            lingering_time=10.0,
        )
        self._tally = tally

    def __call__(self) -> RequestHandler:
        """A new connection."""
        connection = _Connection(self, loop=self._loop, **self._kwargs)
        connection.tally = self._tally
        return connection
