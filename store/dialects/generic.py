"""Any other wire format: the model if the answer names one, the error if there is one, and how many images there are.
Never tokens: no guess at what a foreign usage object means."""

from typing import Any

import msgspec

from store.call import CallType
from store.dialects.answer import Answer, Counted
from store.dialects.counts import name
from store.dialects.dialect import Asked, Dialect
from store.dialects.errors import error_of
from store.dialects.labels import Labels
from store.dialects.shape import Shape


class Piece(msgspec.Struct):
    id: Any = None
    model: Any = None
    images: Any = None
    error: Any = None


def _take(answer: Answer, piece: Piece, type_: CallType) -> None:
    answer.id = answer.id or name(piece.id)
    answer.model = answer.model or name(piece.model)
    if type_ == "image" and isinstance(piece.images, list):
        answer.tell("images", len(piece.images))
    if piece.error:
        answer.error = answer.error or error_of({"error": piece.error})


def _count(usage: dict[str, Any], type_: CallType) -> Counted:
    return Counted(None)


def _label(labels: Labels, asked: Asked) -> None:
    labels.set_user(asked.user)


GENERIC = Dialect(Shape(Piece), _take, _count, _label, metered=False)
