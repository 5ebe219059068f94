"""The text of a call that is searched: what was asked, what was answered, and how it failed.

Headers, targets and labels are not in it. Of a very long side the beginning and the end are kept.
"""

from dataclasses import dataclass

from proxy.journal.notes import Headers
from store.dialects import Document, dialect_of, multipart
from store.presentation.answers import answer_text
from store.presentation.session import dialogue
from store.search.letters import spaced
from store.search.strings import readable, strings

MOST_CHARACTERS = 131_072
"""Of each side."""

_SESSION = 101  # the status of what became a websocket
_NOTHING = Document(b"")


@dataclass(frozen=True, slots=True)
class Text:
    """What is searched of one call; empty where nothing is kept."""

    asked: str
    answered: str

    def __bool__(self) -> bool:
        return bool(self.asked or self.answered)

    @property
    def size(self) -> int:
        return len(self.asked) + len(self.answered)


def text_of(
    dialect: str,
    method: str,
    target: str,
    request_headers: Headers,
    request: Document | None,
    status: int | None,
    response: Document | None,
    error: tuple[str | None, ...],
) -> Text:
    """What is searched of this exchange; never raises on what a peer sent."""
    if status == _SESSION:
        return _of_session(request or _NOTHING, response or _NOTHING, error)
    try:
        asked = _asked(request_headers, request) if request else []
    except Exception:  # one body we did not foresee must not hold up the index
        asked = []
    try:
        answered = _answered(dialect_of(dialect, target.partition("?")[0]), method, status, response)
    except Exception:
        answered = []
    return Text(_joined(asked), _joined([*answered, *(part for part in error if part)]))


def _of_session(request: Document, response: Document, error: tuple[str | None, ...]) -> Text:
    try:
        said = dialogue(request, response)
    except Exception:
        said = []
    asked = [part.text for message in said if message.role != "assistant" for part in message.parts]
    answered = [part.text for message in said if message.role == "assistant" for part in message.parts]
    return Text(_joined(asked), _joined([*answered, *(part for part in error if part)]))


def _asked(headers: Headers, request: Document) -> list[str]:
    if (boundary := multipart.boundary_in(headers)) is None:
        return strings(request)
    return list(multipart.fields(request, boundary).values())


def _answered(dialect: str, method: str, status: int | None, response: Document | None) -> list[str]:
    if response is None:
        return []
    if method == "POST" and status is not None and status < 400:
        said = answer_text(dialect, response)
        if said is not None:
            return [said]
    return strings(response)


def _joined(pieces: list[str]) -> str:
    text = "\n".join(map(readable, pieces))
    if len(text) > MOST_CHARACTERS:
        text = f"{text[: MOST_CHARACTERS // 2]}\n{text[-MOST_CHARACTERS // 2 :]}"
    text = spaced(text)
    return text if text.isascii() else text.encode("utf-8", "replace").decode()  # a lone surrogate
