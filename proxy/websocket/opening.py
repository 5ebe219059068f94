"""A call that asks for a session: what its upstream is asked, whether the answer agrees, and the session itself."""

from http import HTTPStatus

from proxy.call_id import to_text
from proxy.client import Client
from proxy.config.model import Config
from proxy.exchange import Exchange
from proxy.headers import Head
from proxy.journal.writer import Journal
from proxy.upstream import Answer, Asking
from proxy.websocket import handshake
from proxy.websocket.session import Session
from proxy.websocket.transcript import Transcript
from proxy.websocket.witness import SessionWitness


class Opening:
    """From the handshake to the end of the session."""

    __slots__ = ("_head", "_key", "_offered", "_session", "_stopped", "_witness")

    def __init__(self, head: Head, *, issued: bool, restarting: bool) -> None:
        self._head = head
        self._key = handshake.new_key()
        self._offered = handshake.subprotocols(head, issued=issued)
        self._session: Session | None = None
        self._witness: SessionWitness | None = None
        self._stopped = restarting

    @property
    def sent_bytes(self) -> int | None:
        """Bytes of messages that the client was sent; None before the session began."""
        return None if self._witness is None else self._witness.sent_bytes

    def asking(self, target: str, headers: list[tuple[bytes, bytes]]) -> Asking:
        """What to ask the upstream, with the headers that an ordinary request would have."""
        return Asking("GET", target, handshake.to_upstream(headers, self._key, self._offered), None, switches=True)

    def agrees(self, answered: Head) -> bool:
        """Whether an upstream that switched protocols did so as it was asked."""
        return handshake.agreed(answered, self._key, self._offered)

    async def run(
        self, answer: Answer, answered: Head, exchange: Exchange, client: Client, journal: Journal, config: Config
    ) -> None:
        """Tell the client, and relay to the end.

        Raises:
            ClientGone, UpstreamFault: before the session began.
        """
        upstream_end = answer.take_over(config.proxy.write_timeout_s)
        most = config.capture.max_bytes
        exchange.request = sent = Transcript(most, exchange.began_ns)
        exchange.response = received = Transcript(most, exchange.began_ns)
        headers = handshake.to_client(answered, self._head.first("sec-websocket-key") or "")
        call_id = (b"x-tollbook-call-id", to_text(exchange.call_id).encode())
        exchange.status = HTTPStatus.SWITCHING_PROTOCOLS
        await client.send(client.switching([*headers, call_id]))
        self._witness = witness = SessionWitness(exchange, journal, sent, received)
        self._session = session = Session(client.take_over(), upstream_end, witness, config.proxy.heartbeat_s)
        if self._stopped:
            session.stop()
        await session.run()

    def stop(self) -> None:
        """Tollbook is about to end, and a session would not end by itself."""
        self._stopped = True
        if self._session is not None:
            self._session.stop()
