"""The place where a page ended, as an opaque word that only fits the question it came from."""

import base64
import binascii
from dataclasses import dataclass

import orjson

from store.filters import Filter, WrongFilter


@dataclass(frozen=True, slots=True)
class Place:
    """The last call of a page: what the page is sorted by, and its id."""

    value: int | None
    number: int


def write(asked: Filter, place: Place) -> str:
    """The cursor for the page after this place."""
    raw = orjson.dumps([asked.shape, place.value, place.number])
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def read(asked: Filter) -> Place | None:
    """The place the filter's cursor stands for; None when it has none.

    Raises:
        WrongFilter: it is no cursor, or one of another question.
    """
    if asked.cursor is None:
        return None
    try:
        text = asked.cursor.encode("ascii")
        raw = base64.b64decode(text + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
        shape, value, number = orjson.loads(raw)
    except (ValueError, TypeError, binascii.Error):
        raise WrongFilter("cursor", "this is not a cursor; take `next` of the page before") from None
    if shape != asked.shape:
        raise WrongFilter("cursor", "it belongs to another filter or order; start again without it")
    if not (_is_int(number) and (value is None or _is_int(value))):
        raise WrongFilter("cursor", "this is not a cursor; take `next` of the page before")
    return Place(value, number)


def _is_int(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63
