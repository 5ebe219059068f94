"""The place where a page ended, as an opaque word that only fits the question it came from."""

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass

import orjson

from store.filters import Filter, WrongFilter

MOST_PARTS = 8
"""As many fit into a parameter."""
_MOST = 2**63 - 2  # one more still fits into a column
_LATEST_US = 2**57  # in the year 6537; what is written here are times of calls


@dataclass(frozen=True, slots=True)
class Place:
    """The last call of a page: what the page is sorted by, and its id."""

    value: int | None
    number: int


@dataclass(frozen=True, slots=True)
class Part:
    """What is left of some stretch of time: start <= time < stop, beyond a place; None is an open end."""

    start_us: int | None
    stop_us: int | None
    beyond: Place | None = None


def write(asked: Filter, parts: Sequence[Part]) -> str | None:
    """The cursor to what is left; None when nothing is.

    The parts follow each other backwards in time, without gaps; the last begins where the filter does.
    """
    if not parts:
        return None
    places = [[part.beyond.value, part.beyond.number] if part.beyond else None for part in parts]
    edges = [parts[0].stop_us if parts[0].stop_us != asked.to_us else None, *(part.start_us for part in parts[:-1])]
    return base64.urlsafe_b64encode(orjson.dumps([asked.shape, places, edges])).rstrip(b"=").decode()


def read(asked: Filter) -> list[Part]:
    """What is left behind the filter's cursor: everything when it has none.

    Raises:
        WrongFilter: it is no cursor, or one of another question.
    """
    if asked.cursor is None:
        return [Part(asked.from_us, asked.to_us)]
    try:
        text = asked.cursor.encode("ascii")
        raw = base64.b64decode(text + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
        shape, places, edges = orjson.loads(raw)
        if not (isinstance(places, list) and isinstance(edges, list) and 1 <= len(edges) == len(places) <= MOST_PARTS):
            raise ValueError(edges)
        found = [None if place is None else _place(*place) for place in places]
        if not all(_is_int(edge, _LATEST_US) for edge in edges if edge is not None) or None in edges[1:]:
            raise ValueError(edges)
    except (ValueError, TypeError, binascii.Error):
        raise WrongFilter("cursor", "this is not a cursor; take `next` of the page before") from None
    if shape != asked.shape:
        raise WrongFilter("cursor", "it belongs to another filter or order; start again without it")
    stops = [asked.to_us if edges[0] is None else edges[0], *edges[1:]]
    starts = [*edges[1:], asked.from_us]
    return [Part(start, stop, place) for start, stop, place in zip(starts, stops, found, strict=True)]


def _place(value: object, number: object) -> Place:
    if not (isinstance(number, int) and _is_int(number) and (value is None or _is_int(value))):
        raise ValueError(number)
    return Place(value if isinstance(value, int) else None, number)


def _is_int(value: object, most: int = _MOST) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) <= most
