"""Which oddities were noted on calls, how often, and when last."""

from store.moments import rfc3339
from store.questions.row import Json
from store.questions.statements import statement
from store.reader import Source

_MOST = 5000
_EDGE = (
    "select started_at from calls indexed by calls_odd where anomalies is not null "
    "order by started_at desc limit 1 offset ?"
)


async def anomalies(source: Source) -> Json:
    """{"anomalies": [{"anomaly", "calls", "last_seen"}, ...], "complete", "read_back_to"}, the most frequent first.

    Looks at the newest five thousand odd calls; where there are more, `read_back_to` is the time of the last looked at.

    Raises:
        NoAnswer: the book cannot be read in time.
    """
    async with source.snapshot() as snapshot:
        found = await snapshot.rows(statement("anomalies"), (_MOST,))
        edge = await snapshot.rows(_EDGE, (_MOST - 1,))
        more = bool(edge) and bool(await snapshot.rows(_EDGE, (_MOST,)))
    return {
        "anomalies": [{"anomaly": name, "calls": calls, "last_seen": rfc3339(last)} for name, calls, last in found],
        "complete": not more,
        "read_back_to": rfc3339(edge[0][0]) if more else None,
    }
