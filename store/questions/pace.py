"""Why was it slow? One call against up to 500 completed ones of the same model, type and way of answering.

Those before it come first, because they are what was usual then; a model's first calls are compared with later ones.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from proxy.journal.notes import Headers
from store.pace import FEWEST, Measured, Retries, Spread, Usual, parts, reasons, usual
from store.questions.figures import ms
from store.questions.row import Json
from store.questions.statements import statement
from store.reader import Snapshot

MOST_COMPARED = 500
_SHORTLY_US = 120_000_000
_RETRY_COUNT = "x-stainless-retry-count"
_MOST_RETRIES = 1000  # what a client says beyond this is no count


@dataclass(frozen=True, slots=True)
class Paced:
    """What the book knows of a call's pace: its own figures, the usual ones, failed attempts before it."""

    call: Measured
    usual: Usual
    failed_before: int = 0
    first_before_us: int = 0

    def as_json(self, headers: Headers) -> Json:
        """{"usual", "reasons": [{"reason", "sentence"}], "compared_with"}; `headers` are those kept of the request."""
        retries = Retries(_told_retries(headers), self.failed_before, self.first_before_us)
        found = reasons(self.call, self.usual, retries)
        return {
            "usual": usual_as_json(self.usual),
            "reasons": [{"reason": reason.name, "sentence": reason.sentence} for reason in found],
            "compared_with": self.usual.calls,
        }

    def parts_as_json(self) -> list[Json]:
        """[{"part", "ms", "means"}], which together are the duration."""
        return [{"part": part.part, "ms": ms(part.us), "means": part.means} for part in parts(self.call)]


async def pace(snapshot: Snapshot, number: int) -> Paced:
    """The pace of the call with this number; it must be in the book."""
    ((started_at, model_id, type_id, key_id, size, *figures),) = await snapshot.rows(statement("paced"), (number,))
    *told, streamed, outcome, status, failed = figures
    call = replace(_measured(told, streamed), outcome=outcome, status=status, failed=bool(failed))
    compared = [] if model_id is None else await _others(snapshot, model_id, started_at, type_id, streamed)
    before, first_at = 0, None
    if size and outcome != "rejected":
        values = (started_at - _SHORTLY_US, started_at, model_id, key_id, size)
        ((before, first_at),) = await snapshot.rows(statement("retries"), values)
    return Paced(call, usual(compared), before, started_at - first_at if first_at is not None else 0)


async def _others(snapshot: Snapshot, model_id: int, started_at: int, type_id: int, streamed: int) -> list[Measured]:
    values = (model_id, started_at, type_id, streamed)
    earlier = statement("usual", side="< ?2", order="desc")
    rows = await snapshot.rows(earlier, (*values, MOST_COMPARED))
    if len(rows) < FEWEST:
        later = statement("usual", side="> ?2", order="asc")
        rows += await snapshot.rows(later, (*values, MOST_COMPARED - len(rows)))
    return [_measured(told, streamed) for told in rows]


def _measured(told: Sequence[int | None], streamed: int) -> Measured:
    """A completed call by the figures that the statements select."""
    duration, asked, answered, first_token, overhead, pause, held, uploaded, into, out = told
    return Measured(duration, asked, answered, first_token, overhead, pause, held, uploaded, into, out, bool(streamed))


def usual_as_json(usually: Usual) -> Json:
    """What is usual: p10, p50 and p90 of each figure, or null where too few calls told it."""
    return {
        "first_token_ms": _spread(usually.first_token_us, 1000),
        "tokens_per_second": _spread(usually.tokens_per_second),
        "input_tokens": _spread(usually.input_tokens),
        "output_tokens": _spread(usually.output_tokens),
        "duration_ms": _spread(usually.duration_us, 1000),
    }


def _spread(spread: Spread | None, unit: int = 1) -> Json | None:
    if spread is None:
        return None
    return {name: round(getattr(spread, name) / unit, 3) for name in ("p10", "p50", "p90")}


def _told_retries(headers: Headers) -> int:
    for name, value in headers:
        if name.lower() == _RETRY_COUNT and value.isascii() and value.isdigit() and len(value) <= 4:
            return min(int(value), _MOST_RETRIES)
    return 0
