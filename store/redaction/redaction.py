"""Puts the kinds of secrets together: made once by the configuration, asked once for each call."""

from collections.abc import Callable, Iterable
from urllib.parse import unquote

import msgspec

from proxy.config.model import Config, Secret
from proxy.journal.notes import Headers, Started
from store.dialects import Document
from store.redaction import fields, issued, scattered
from store.redaction.names import Names
from store.redaction.presented import Fingerprint
from store.redaction.secret import SHORTEST, KnownSecret, known

_UPSTREAM = b"[redacted upstream key]"
_DASHBOARD = b"[redacted dashboard token]"


class Redaction:
    """What must not be kept, by one configuration and its register of keys."""

    def __init__(self, config: Config) -> None:
        ours = [(one.api_key, _UPSTREAM) for one in config.upstreams.values()] + [(config.dashboard.token, _DASHBOARD)]
        self._ours = tuple(_known(ours))
        self._names = Names(config.store.data_dir)

    def of(self, started: Started) -> "Strainer":
        """What takes the secrets out of this call."""
        return Strainer(self._ours, self._presented(started), fields.hands_out_keys(started.target))

    def nothing_in(self, started: Started, text: str, request: Document, answer: Document) -> bool:
        """Whether nothing of a call is to be taken out, neither of its short texts nor of its bodies.

        Told by a few searches in all of it at once, and never when in doubt: what is found may still be harmless.
        """
        if request.cut or answer.cut or fields.hands_out_keys(started.target):
            return False
        if "%" in text:
            text += unquote(text)
        asked = text.encode("utf-8", "surrogatepass") + request.head
        everything = asked + answer.head
        if everything.rfind(issued.NEEDLE) >= 0:
            return False
        presented = self._presented(started)
        if presented is not None and everything.rfind(presented.needle) >= 0:
            return False
        for secret in self._ours:
            if everything.rfind(secret.needle) >= 0:
                return False
        streamed = answer.head[:1] != b"{" and answer.form == "events"
        return not fields.possible(everything, len(asked) if streamed else len(everything))

    def _presented(self, started: Started) -> Fingerprint | None:
        return self._names.fingerprint(started.key) if started.key is not None else None


class Strainer:
    """Takes the secrets out of one call: first out of its request, then out of its answer, then out of its texts."""

    __slots__ = ("_fields_told", "_hands_out", "_presented", "_secrets", "_told")

    def __init__(self, ours: tuple[KnownSecret, ...], presented: Fingerprint | None, hands_out: bool) -> None:
        self._secrets = ours  # and what is found on the way
        self._presented = presented
        self._hands_out = hands_out
        self._fields_told = False
        self._told: list[KnownSecret] = []  # those that the request held

    def request(self, document: Document) -> Document:
        """The request body without them."""
        told: list[bytes] = []
        cleaned = self._document(document, told)
        if cleaned is not document:
            self._told = [known(value, issued.MARK) for value in dict.fromkeys(told)]
            self._told += [secret for secret in self._secrets if _holds(document, secret)]
        return cleaned

    def answer(self, document: Document) -> Document:
        """The answer without them."""
        # A stream is long, and tells of such fields only when the request had them.
        with_fields = self._fields_told or document.form not in ("events", "lines")
        cleaned = self._document(document, [], with_fields=with_fields)
        if self._hands_out:
            cleaned = _each(cleaned, fields.without_handed_out)
        if self._told:
            cleaned = _each(cleaned, lambda data: scattered.replaced(data, self._told))
        return cleaned

    def headers(self, headers: Headers) -> Headers:
        """These headers without them."""
        return tuple((name, self.text(value)) for name, value in headers)

    def text(self, text: str) -> str:
        """A short text without them; unescaped, if one of them stands in it escaped as in an address."""
        cleaned = self._text(text)
        if "%" in cleaned:
            plain = unquote(cleaned)
            if (unescaped := self._text(plain)) is not plain:
                return unescaped
        return cleaned

    def _text(self, text: str) -> str:
        data = text.encode("utf-8", "surrogatepass")
        cleaned = self._bytes(data, [])
        return text if cleaned is data else cleaned.decode("utf-8", "surrogatepass")

    def _document(self, document: Document, found: list[bytes], *, with_fields: bool = True) -> Document:
        head = self._bytes(document.head, found, with_fields=with_fields)
        tail = self._bytes(document.tail, found, with_fields=with_fields) if document.tail else document.tail
        if document.cut:
            head, tail = issued.without_halves(head, tail)
            for secret in self._secrets:
                head, tail = secret.without_halves(head, tail)
            if self._presented is not None:
                head, tail = self._presented.without_halves(head, tail)
        if head is document.head and tail is document.tail:
            return document
        return msgspec.structs.replace(document, head=head, tail=tail)

    def _bytes(self, data: bytes, found: list[bytes], *, with_fields: bool = True) -> bytes:
        data = issued.replaced(data, found)
        if self._presented is not None:
            presented = self._presented.found_in(data)
            if presented is not None:
                self._secrets = (presented, *self._secrets)
                self._presented = None  # no longer to be looked for by its hash
        for secret in self._secrets:
            data = secret.replaced(data)
        if not with_fields:
            return data
        named: list[bytes] = []
        data = fields.replaced(data, named)
        for value in dict.fromkeys(named):  # an upstream that finds fault with them repeats them as it likes
            self._fields_told = True
            if len(value) >= SHORTEST:
                secret = known(value, fields.MARK)
                self._secrets = (*self._secrets, secret)
                data = secret.replaced(data)
        return data


def _known(secrets: Iterable[tuple[Secret | None, bytes]]) -> Iterable[KnownSecret]:
    for secret, mark in secrets:
        if secret is not None and len(secret.reveal()) >= SHORTEST:
            yield known(secret.reveal().encode(), mark)


def _holds(document: Document, secret: KnownSecret) -> bool:
    return any(secret.pattern.search(data) for data in (document.head, document.tail))


def _each(document: Document, change: Callable[[bytes], bytes]) -> Document:
    return msgspec.structs.replace(document, head=change(document.head), tail=change(document.tail))
