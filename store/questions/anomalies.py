"""Which oddities were noted on calls, how often, when first and when last."""

from store.moments import rfc3339
from store.questions.row import Json
from store.questions.statements import statement
from store.reader import Source

_EDGE = (
    "select started_at from calls indexed by calls_odd where anomalies is not null "
    "order by started_at desc limit 1 offset ?"
)


async def anomalies(source: Source, most: int = 100_000) -> Json:
    """{"anomalies": [{"anomaly", "calls", "first_seen", "last_seen"}, ...], "complete", "read_back_to"}.

    The most frequent first. Looks at the newest `most` odd calls; where there are more, `read_back_to` is the time of
    the last looked at.

    Raises:
        NoAnswer: the book cannot be read in time.
    """
    async with source.snapshot() as snapshot:
        found = await snapshot.rows(statement("anomalies"), (most,))
        edge = await snapshot.rows(_EDGE, (most - 1,))
        more = bool(edge) and bool(await snapshot.rows(_EDGE, (most,)))
    return {
        "anomalies": [
            {"anomaly": name, "calls": calls, "first_seen": rfc3339(first), "last_seen": rfc3339(last)}
            for name, calls, first, last in found
        ],
        "complete": not more,
        "read_back_to": rfc3339(edge[0][0]) if more else None,
    }
