"""Models with calls whose cost is unknown, and what is missing: a price to be given, or counts that nobody told."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from store.conditions import Condition, all_of, between
from store.moments import at, rfc3339
from store.pricing.missing import in_words, may_be_given
from store.pricing.missing import parts_of as missing_parts
from store.pricing.stub import stub
from store.questions.row import Json
from store.questions.statements import statement
from store.questions.windows import Allowance, windows
from store.reader import Row, Snapshot, Source, TookTooLong
from store.sums import DAY_US

_MOST = 100
_PATIENCE_S = 0.25
_KINDS = (
    "input", "cache_read", "cache_write_5m", "cache_write_1h", "input_audio", "input_image", "cache_read_audio",
    "cache_read_image", "output", "output_audio", "output_image",
    "image", "second", "character", "page", "search_unit", "web_search", "file_search",
)  # fmt: skip
"""As a price calls what unpriced_calls.sql looks for, in that order."""


async def unpriced(source: Source, *, allowed_s: float = 0.3, most: int = _MOST) -> Json:
    """{"unpriced": [{"model", "upstream", "calls", "waiting_calls", "tokens", "untold_calls", "first_seen",
    "last_seen", "last_day", "missing", "lacks", "stub"}, ...], "unpriced_read_back_to": time or null}.

    The most calls first. `calls` are all of unknown cost. Of these `waiting_calls` wait for a price that can be given,
    with so many `tokens`; the cost of `untold_calls` is unknown for another reason. These are told of the calls that
    are still in the book, the newest first, as far as the time allows: back to `unpriced_read_back_to`, null when all
    were read. `missing` is "price", "tokens" or "both"; null when none of the calls were seen. `lacks` says it in
    words, and `stub` is a [[prices]] table to be filled in.

    Raises:
        NoAnswer: the book cannot be read in time.
    """
    async with source.snapshot() as snapshot:
        models = await snapshot.rows(statement("unpriced_models", most=str(most)))
        seen, read_to = await _seen(snapshot, allowed_s) if models else ({}, None)
    return {
        "unpriced": [_told(row, seen.get((row[0], row[2]), _Seen())) for row in models],
        "unpriced_read_back_to": None if read_to is None else rfc3339(read_to),
    }


@dataclass(slots=True)
class _Seen:
    """What the rows tell of one model at one upstream."""

    waiting: int = 0
    untold: int = 0
    input_tokens: int | None = None
    output_tokens: int | None = None
    first_us: int | None = None
    last_us: int | None = None
    first_waiting_us: int | None = None
    model: str | None = None  # whose price it is that calls wait for: another one, where that did a part of them
    lacks: dict[str, None] = field(default_factory=dict)
    kinds: set[str] = field(default_factory=set)

    def add(self, missing: str | None, told: bool, row: Sequence[int | None]) -> None:
        """So many calls alike; `row` is the rest of unpriced_calls.sql."""
        calls, into, out, first, last, *counted = row
        self.first_us = _least(self.first_us, first)
        self.last_us = last if self.last_us is None else max(self.last_us, last or 0)
        words = in_words(missing) if missing is not None else _OLDER[told]
        self.lacks[words] = None
        if may_be_given(missing) if missing is not None else told:
            self.waiting += calls or 0
            self.input_tokens = _sum(self.input_tokens, into)
            self.output_tokens = _sum(self.output_tokens, out)
            self.first_waiting_us = _least(self.first_waiting_us, first)
            if missing is not None:
                what, of, model = missing_parts(missing)
                self.model = self.model or model
                if what == "rate" and of is not None:
                    self.kinds.add(of)
            self.kinds |= {kind for kind, there in zip(_KINDS, counted, strict=True) if there}
        else:
            self.untold += calls or 0


_OLDER = {True: "no price is known for it, or not for everything that was counted", False: "nobody told its tokens"}
"""What rows of earlier versions, which did not say, are likely to lack."""


async def _seen(snapshot: Snapshot, allowed_s: float) -> tuple[dict[tuple[int, int], _Seen], int | None]:
    """By model and upstream; and back to when the calls were read, None when all were."""
    found: dict[tuple[int, int], _Seen] = {}
    allowance = Allowance(allowed_s)
    read_to: int | None = None
    unknown = Condition("cost is null")
    ways = windows(snapshot, None, None, among="calls indexed by calls_unpriced", of=unknown)
    async for window in ways:
        if read_to is not None and allowance.spent:
            return found, read_to
        where = all_of((unknown, between("started_at", window.start_us, window.stop_us)))
        text = statement("unpriced_calls", conditions=where.text)
        try:
            rows: list[Row] = await snapshot.rows(text, where.values, allowance.left + _PATIENCE_S)
        except TookTooLong:
            return found, read_to if read_to is not None else window.stop_us
        for model, upstream, missing, told, *rest in rows:
            found.setdefault((model, upstream), _Seen()).add(missing, bool(told), rest)
        read_to = window.start_us
    return found, None


def _told(row: Row, seen: _Seen) -> Json:
    _, model, _, upstream, calls, day = row
    return {
        "model": model,
        "upstream": upstream,
        "calls": calls,
        "waiting_calls": seen.waiting,
        "tokens": {"input": seen.input_tokens, "output": seen.output_tokens},
        "untold_calls": seen.untold,
        "first_seen": None if seen.first_us is None else rfc3339(seen.first_us),
        "last_seen": None if seen.last_us is None else rfc3339(seen.last_us),
        "last_day": at(day * DAY_US).date().isoformat(),
        "missing": _missing(seen),
        "lacks": list(seen.lacks),
        "stub": _stub(upstream, seen.model or model, seen),
    }


def _stub(upstream: str | None, model: str | None, seen: _Seen) -> str | None:
    if seen.first_waiting_us is None or model is None or upstream is None:
        return None
    return stub(upstream, model, at(seen.first_waiting_us).date(), seen.kinds)


def _missing(seen: _Seen) -> str | None:
    if not (seen.waiting or seen.untold):
        return None
    return "price" if not seen.untold else "tokens" if not seen.waiting else "both"


def _sum(one: int | None, other: int | None) -> int | None:
    return one if other is None else other if one is None else one + other


def _least(one: int | None, other: int | None) -> int | None:
    return one if other is None else other if one is None else min(one, other)
