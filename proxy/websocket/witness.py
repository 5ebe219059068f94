"""Writes down what a session tells, as it passes, and how it ended."""

from aiohttp.http_websocket import WSMsgType

from proxy.exchange import Exchange
from proxy.journal.notes import Close, Failure
from proxy.journal.writer import Journal
from proxy.websocket.peer import Message
from proxy.websocket.session import Ending
from proxy.websocket.telling import tells
from proxy.websocket.transcript import Transcript, excerpt, shortened

_SAID_BY_US = {
    "upstream_broke_off": "The upstream closed the connection in the middle of the session",
    "upstream_timed_out": "The upstream fell silent: it did not answer pings",
}


class SessionWitness:
    """The notes of one session."""

    __slots__ = ("_exchange", "_first", "_journal", "_received", "_sent", "_sent_bytes", "_short")

    def __init__(self, exchange: Exchange, journal: Journal, sent: Transcript, received: Transcript) -> None:
        self._exchange = exchange
        self._journal = journal
        self._sent = sent
        self._received = received
        self._first = True
        self._short = b""  # the message that is being handed on, as it is kept
        self._sent_bytes = 0

    @property
    def sent_bytes(self) -> int:
        """Bytes of messages that the client was sent."""
        return self._sent_bytes

    def sent(self, message: Message) -> None:
        """The first message of a client may be the only place that names the model (Gemini's `setup`)."""
        if self._first:
            self._first = False
            self._exchange.note_told(excerpt(shortened(message.data)), by_client=True)
        self._sent.message(message.data, text=message.kind is WSMsgType.TEXT)

    async def received(self, message: Message) -> None:
        """Note it, if it must not be lost, and wait (not long) until that is written."""
        self._short = short = shortened(message.data)
        if tells(short):
            ticket = self._exchange.note_told(excerpt(short), by_client=False)
            if ticket is not None:
                await self._journal.written(ticket)

    def relayed(self, message: Message) -> None:
        """Keep it."""
        self._sent_bytes += len(message.data)
        self._received.message(message.data, text=message.kind is WSMsgType.TEXT, short=self._short)

    async def ended(self, ending: Ending) -> None:
        """Note the end, and wait (not long) until that is written."""
        end, failure = ending.end, None
        if ending.outcome in _SAID_BY_US:
            failure = Failure(ending.outcome, _SAID_BY_US[ending.outcome])
        close = Close(ending.by, end.code, end.reason) if end.closed else None
        ticket = self._exchange.note_ended(ending.outcome, sent=self._sent_bytes, failure=failure, close=close)
        if ticket is not None:
            await self._journal.written(ticket)
