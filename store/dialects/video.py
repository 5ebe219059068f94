"""Videos, which are made while nobody waits: OpenAI's, and what Azure, xAI, Together and others tell on such paths.

A video is billed by its length, and only if it is made: so what counts is the length that is told to whoever asks for
it then, not the one in the answer to its request. Google, Amazon and MiniMax never tell it; there the request does
(`billed.py`).
"""

from dataclasses import replace
from typing import Any

import msgspec

from store.call import CallType
from store.dialects import openai
from store.dialects.answer import Answer
from store.dialects.counts import Counts, name
from store.dialects.openai import OPENAI
from store.dialects.openai_usage import seconds_of
from store.dialects.shape import Shape

_MADE = frozenset(("completed", "succeeded", "done"))


class Video(msgspec.Struct):
    """xAI's."""

    duration: Any = None


class Outputs(msgspec.Struct):
    """Together's, which tell what was charged."""

    cost: Any = None


class Piece(openai.Piece):
    """A video, or a job of Azure's that makes some."""

    seconds: Any = None
    n_seconds: Any = None
    n_variants: Any = None
    video: Video | None = None


_outputs = Shape(Outputs)


def _take(answer: Answer, piece: Piece, type_: CallType) -> None:
    OPENAI.take(answer, piece, type_)
    if name(piece.status) not in _MADE or piece.error:
        return
    answer.finish_reason = name(piece.status)
    each = seconds_of(piece.n_seconds)
    variants = 1 if piece.n_variants is None else Counts().of(piece.n_variants)
    answer.tell("seconds", None if each is None or variants is None else each * variants)
    answer.tell("seconds", seconds_of(piece.seconds))
    if piece.video is not None:
        answer.tell("seconds", seconds_of(piece.video.duration))
    outputs = _outputs.parse(bytes(piece.outputs))
    if outputs is not None and outputs.cost is not None:
        answer.cost_usd = {"usd": outputs.cost}


VIDEO = replace(OPENAI, piece=Shape(Piece), take=_take)
