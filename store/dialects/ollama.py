"""Ollama's own API: chat, generate and embed. One object, or one a line; the last line is `done` and has the counts.

The count of the prompt may be missing, when all of it was still in memory: it is unknown then, not zero. Beside
these it keeps models: fetches, makes, copies and describes them, which runs none (https://docs.ollama.com/api).
"""

import re
from typing import Any

import msgspec

from proxy.journal.notes import Headers
from store.call import CallType, Tokens
from store.dialects.answer import Answer, Counted
from store.dialects.counts import Counts, name
from store.dialects.dialect import Dialect
from store.dialects.document import Document
from store.dialects.errors import error_of
from store.dialects.shape import Shape

_KEEPS = re.compile(r".*/api/(?:pull|push|create|copy|show|blobs/[^/]+)/?")


def type_kept(path: str, _headers: Headers, _response: Document) -> CallType | None:
    """The type of a call that only keeps models."""
    return "model" if _KEEPS.fullmatch(path) else None


class Piece(msgspec.Struct):
    model: Any = None
    done: Any = None
    done_reason: Any = None
    prompt_eval_count: Any = None
    eval_count: Any = None
    error: Any = None


def _take(answer: Answer, piece: Piece, _: CallType) -> None:
    answer.model = answer.model or name(piece.model)
    answer.take_counts(prompt_eval_count=piece.prompt_eval_count, eval_count=piece.eval_count)
    if piece.done is True:
        answer.finish_reason = name(piece.done_reason) or answer.finish_reason
        answer.ended = True
    answer.open = piece.done is False
    if piece.error:
        answer.error = answer.error or error_of({"error": piece.error})
        answer.ended = True


def _count(usage: dict[str, Any], _: CallType) -> Counted:
    counts = Counts()
    incoming, outgoing = counts.of(usage.get("prompt_eval_count")), counts.of(usage.get("eval_count"))
    if incoming is None and outgoing is None:
        return Counted(None, counts.anomalies)
    return Counted(Tokens("reported", input_uncached=incoming, output_text=outgoing), counts.anomalies)


OLLAMA = Dialect(Shape(Piece), _take, _count, streams_unless_told=("/chat", "/generate"))
