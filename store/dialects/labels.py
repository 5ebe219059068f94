"""What clients themselves call a call: user, session and tags, from the headers and bodies they already send.

The nearer to Tollbook a label was meant, the more it counts: own headers, then those of peers, then W3C baggage,
then the members of the body.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any
from urllib.parse import unquote

import msgspec

from proxy.journal.notes import Headers
from store.dialects.shape import NOT_JSON

MOST_TAGS = 32
LONGEST_TAG_NAME = 64
LONGEST_VALUE = 256

_LABELLED = re.compile(r"x-tollbook-|helicone-|x-portkey-metadata|cf-aig-metadata|baggage")
_USER_NAMES = frozenset(("user", "user_id", "_user", "user.id"))
_HELICONE = {"helicone-user-id": "user", "helicone-session-id": "session"}
_SESSION_NAMES = frozenset(("session", "session_id", "_session", "session.id"))


class Labels(msgspec.Struct):
    """Found so far. Whoever tells first counts."""

    user: str | None = None
    session: str | None = None
    tags: dict[str, str] = msgspec.field(default_factory=dict)

    def set_user(self, value: Any) -> None:
        self.user = self.user or _text(value)

    def set_session(self, value: Any) -> None:
        self.session = self.session or _text(value)

    def tag(self, name: str, value: Any) -> None:
        text = _text(value)
        if name and text is not None and len(self.tags) < MOST_TAGS:
            self.tags.setdefault(name[:LONGEST_TAG_NAME], text)

    def tag_all(self, values: Any) -> None:
        """Every member of the client's own object is a tag."""
        if isinstance(values, dict):
            for name, value in values.items():
                self.tag(str(name), value)

    def sort(self, values: Any) -> None:
        """Members named after a user or a session are that, the others tags."""
        if isinstance(values, dict):
            for name, value in values.items():
                if name in _USER_NAMES:
                    self.set_user(value)
                elif name in _SESSION_NAMES:
                    self.set_session(value)
                else:
                    self.tag(str(name), value)


@lru_cache(maxsize=1024)
def _is_label(name: str) -> bool:
    return _LABELLED.match(name) is not None


def labels_in(headers: Headers) -> Labels:
    """The labels of the request's headers."""
    labels = Labels()
    told = [header for header in headers if _is_label(header[0])]
    if told:
        for rank in range(4):
            for name, value in told:
                _take(labels, rank, name, value)
    return labels


def _take(labels: Labels, rank: int, name: str, value: str) -> None:
    """One header, if it is of this rank: own, Helicone, JSON of the other peers, baggage."""
    if rank == 0 and name.startswith("x-tollbook-"):
        _take_own(labels, name.removeprefix("x-tollbook-"), "tag-", value)
    elif rank == 1 and name.startswith("helicone-"):
        _take_own(labels, _HELICONE.get(name, name.removeprefix("helicone-")), "property-", value)
    elif rank == 2 and name in ("x-portkey-metadata", "cf-aig-metadata"):
        labels.sort(_object(value))
    elif rank == 3 and name == "baggage":
        labels.sort(dict(_baggage(value)))


def _take_own(labels: Labels, name: str, prefix: str, value: str) -> None:
    if name == "user":
        labels.set_user(value)
    elif name == "session":
        labels.set_session(value)
    elif name.startswith(prefix):
        labels.tag(name.removeprefix(prefix), value)


def _object(value: str) -> Any:
    try:
        return msgspec.json.decode(value)
    except NOT_JSON:
        return None


def _baggage(value: str) -> Iterator[tuple[str, str]]:
    """`key=value;property, key=value`, percent-encoded (https://www.w3.org/TR/baggage/)."""
    for member in value.split(","):
        name, equals, text = member.partition(";")[0].partition("=")
        if equals:
            yield name.strip(), unquote(text.strip())


def _text(value: Any) -> str | None:
    if isinstance(value, bool):
        value = "true" if value else "false"
    elif isinstance(value, (int, float)):
        value = str(value) if abs(value) < 1e18 else None
    return value.encode("utf-8", "replace").decode()[:LONGEST_VALUE] if isinstance(value, str) and value else None
