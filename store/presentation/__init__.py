"""What the page of one call shows of its request and answer: parameters, bodies, and the answer as text.

For a person who opened one call, so it may take milliseconds. It shows what was said and draws no conclusions:
counts, models and errors come from the dialects' reading alone.
"""

from dataclasses import dataclass
from typing import Any

from proxy.journal.notes import Headers
from store.dialects import Document, dialect_of
from store.presentation.answers import answer_text
from store.presentation.bodies import shown
from store.presentation.parameters import parameters_of

__all__ = ["Presented", "present"]


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
    path = target.partition("?")[0]
    answered = status is not None and status < 400
    return Presented(
        parameters=parameters_of(request, request_headers),
        request=shown(request, request_headers),
        response=shown(response, response_headers),
        text=answer_text(dialect_of(dialect, path), response) if answered and method == "POST" else None,
    )
