"""A response that was made in the background is charged once, however often it is asked for.

Its POST was answered before anything was known; from then on every call that asks for it is told the same usage. The
first such call that enters the book has the tokens and the cost. Those after it have neither, cost nothing and say why.
A response that the stream of its POST told of is charged there.

Which response was charged to which call is kept in the book, so it holds after a restart, and also when a journal is
read again.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from msgspec.structs import replace

from store.book import Entry
from store.call import Call, Cost, Units

ALREADY_COUNTED: Final = "already_counted"
"""The anomaly of a call that was told what another one is charged."""

Charged = Callable[[Iterable[str]], Mapping[str, bytes]]
"""The calls, by their public ids, that the book knows these responses to be charged to."""


def once(entries: Iterable[Entry], charged: Charged) -> list[Entry]:
    """The same calls; those that tell what was charged before are not charged again."""
    entries = list(entries)
    told = [response for entry in entries if (response := entry.call.charged_response) is not None]
    if not told:
        return entries
    charges = dict(charged(told))
    found = []
    for entry in entries:
        response = entry.call.charged_response
        if response is not None and charges.setdefault(response, entry.call.call_id) != entry.call.call_id:
            entry = replace(entry, call=_uncharged(entry.call))
        found.append(entry)
    return found


def _uncharged(call: Call) -> Call:
    return replace(
        call,
        reading=replace(call.reading, tokens=None, units=Units(), portions=(), reported_cost_usd=None),
        cost=Cost("free", 0),
        usage_micro=0,
        anomalies=(*call.anomalies, ALREADY_COUNTED),
    )
