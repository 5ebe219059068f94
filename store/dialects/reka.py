"""Reka's own chat: OpenAI's in all but the list of answers, whose last piece tells why it finished."""

from dataclasses import replace

import msgspec

from store.call import CallType
from store.dialects import openai
from store.dialects.answer import Answer
from store.dialects.openai import OPENAI, Choice
from store.dialects.shape import Shape


class Piece(openai.Piece):
    """A whole answer, or one of a stream."""

    responses: list[Choice] | None = None


def _take(answer: Answer, piece: Piece, type_: CallType) -> None:
    if piece.responses and piece.choices is None:
        piece = msgspec.structs.replace(piece, choices=piece.responses)
    OPENAI.take(answer, piece, type_)


REKA = replace(OPENAI, piece=Shape(Piece), take=_take)
