"""What the page of one call shows of its request and answer: parameters, bodies, and the answer as text.

For a person who opened one call, so it may take milliseconds. It shows what was said and draws no conclusions:
counts, models and errors come from the dialects' reading alone.
"""

from dataclasses import dataclass
from typing import Any

from proxy.journal.notes import Headers
from store.dialects import Document, dialect_of
from store.presentation.answers import answer_messages, answer_text
from store.presentation.bodies import shown
from store.presentation.conversation import GAP, conversation_of, members_of, tools_of
from store.presentation.parameters import parameters_of
from store.presentation.products import products_of
from store.presentation.said import Message, Part, Tool, readable
from store.presentation.session import dialogue, dialogue_text, lines_shown, session_parameters, session_tools

_SESSION = 101  # the status of what became a websocket

__all__ = [
    "GAP", "Exchanged", "Message", "Part", "Presented", "Tool", "conversation_of", "exchanged", "present", "readable",
    "tools_of",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Presented:
    """Bodies are JSON values where the body is whole JSON, else text or a description; None when there is none."""

    parameters: dict[str, Any]
    request: Any
    response: Any
    text: str | None  # the answer extracted, or put together from a stream


def present(
    dialect: str,
    method: str,
    target: str,
    request_headers: Headers,
    request: Document,
    status: int | None,
    response_headers: Headers,
    response: Document,
) -> Presented:
    """One exchange, ready to be read by a person."""
    if status == _SESSION:
        return Presented(
            parameters=session_parameters(request),
            request=lines_shown(request),
            response=lines_shown(response),
            text=dialogue_text(dialogue(request, response)),
        )
    path = target.partition("?")[0]
    answered = status is not None and status < 400
    return Presented(
        parameters=parameters_of(request, request_headers),
        request=shown(request, request_headers),
        response=shown(response, response_headers),
        text=answer_text(dialect_of(dialect, path), response) if answered and _answers(method, path) else None,
    )


def _answers(method: str, path: str) -> bool:
    """Whether something was said on this call; also where a response that was made in the background is fetched."""
    return method == "POST" or (method == "GET" and "/responses/" in path)


@dataclass(frozen=True, slots=True)
class Exchanged:
    """The conversation of one exchange, in parts that a page can tell apart."""

    asked: list[Message]
    tools: list[Tool]
    answered: list[Message]


def exchanged(
    dialect: str, method: str, target: str, request: Document, status: int | None, response: Document
) -> Exchanged:
    """Who said what; lists are empty where nothing of it can be read."""
    if status == _SESSION:
        said = dialogue(request, response)
        last = said[-1:] if said and said[-1].role == "assistant" else []  # as a chat tells all that went before
        return Exchanged(said[: len(said) - len(last)], session_tools(request), last)
    body = members_of(request)
    answered: list[Message] = []
    path = target.partition("?")[0]
    if status is not None and status < 400 and _answers(method, path):
        answered = answer_messages(dialect_of(dialect, path), response) or products_of(response)
    return Exchanged(conversation_of(body), tools_of(body), answered)
