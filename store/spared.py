"""Calls of which less is kept than the configuration says, because the disk fills or fails, say so on their rows.

Either their notes lack what the worker had no room for, or the book itself has no room for their bodies.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from msgspec.structs import replace

from proxy.journal.notes import Body
from store.book import Entry, KeptBody
from store.metering import Noted

LEFT_OUT: Final = "bodies_left_out"
"""The anomaly of such a call."""


def spared(calls: Sequence[Noted], entries: Sequence[Entry], *, keep_bodies: bool) -> list[Entry]:
    """The records of these calls as far as there is room, marked where something is missing."""
    return [_as_kept(noted, entry, keep_bodies) for noted, entry in zip(calls, entries, strict=True)]


def without_bodies(packed: Iterable[Entry]) -> list[Entry]:
    """The same for records that are packed already: the book turned out to be full."""
    return [_emptied(entry) for entry in packed]


def _as_kept(noted: Noted, entry: Entry, keep_bodies: bool) -> Entry:
    asked, ended = noted.asked, noted.ended
    lacks = (ended is not None and ended.body.spared and _shows(ended.body, entry.response)) or (
        asked is not None and asked.body.spared and _shows(asked.body, entry.request)
    )
    if not keep_bodies and (entry.request is not None or entry.response is not None):
        entry = replace(entry, request=None, response=None)
        lacks = True
    return _marked(entry) if lacks else entry


def _shows(body: Body, kept: KeptBody | None) -> bool:
    """Whether it makes a difference: of a body that is not kept anyway, its ends are all that is needed."""
    return kept is not None or not (body.head or body.tail)


def _emptied(entry: Entry) -> Entry:
    if entry.packed is None or entry.packed[-1] is None:
        return entry
    asked_headers, _, _, answered_headers, *_ = entry.packed
    return _marked(replace(entry, packed=(asked_headers, None, None, answered_headers, None, None, None)))


def _marked(entry: Entry) -> Entry:
    if LEFT_OUT in entry.call.anomalies:
        return entry
    return replace(entry, call=replace(entry.call, anomalies=(*entry.call.anomalies, LEFT_OUT)))
