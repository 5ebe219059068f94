"""What a repricing is asked to do, small enough to be handed to the process that writes the book."""

from collections.abc import Iterable
from datetime import UTC, datetime

import msgspec

from store.charging import Tariff
from store.filters import Filter, parse
from store.moments import rfc3339

Pairs = tuple[tuple[str, str], ...]


class Asked(msgspec.Struct, frozen=True, tag="reprice", tag_field="errand"):
    """Which calls, by which tariff, and who wants it."""

    who: str
    source: str | None  # the configuration file that the tariff is of; None: the defaults
    filter: Pairs  # query parameters; times do not depend on when they are read
    tariff: Tariff


def fixed(pairs: Iterable[tuple[str, str]], judged: Filter) -> Pairs:
    """The parameters of this filter, with moments where ages and dates were."""
    moments = {"from": judged.from_us, "to": judged.to_us}
    told = []
    for name, value in pairs:
        moment = moments.get(name)
        told.append((name, value if moment is None else rfc3339(moment)))
    return tuple(told)


def asked_of(pairs: Pairs) -> Filter:
    """The filter again.

    Raises:
        WrongFilter: it is none.
    """
    return parse(pairs, datetime.now(UTC))
