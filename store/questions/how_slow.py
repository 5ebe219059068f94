"""From which duration on a call is slow for its model: what colours the durations of a list."""

from collections import Counter, defaultdict
from collections.abc import Collection
from datetime import datetime

import orjson

from store import histogram
from store.moments import epoch_us
from store.pace import Thresholds
from store.questions.statements import statement
from store.reader import Snapshot
from store.sums import DAY_US

_DAYS = 30
_ENOUGH = 2000  # calls; older days than those that hold so many change little and cost time
_FEWEST = 20


async def how_slow(snapshot: Snapshot, models: Collection[str | None], now: datetime) -> dict[str, Thresholds]:
    """For each of these models its thresholds, from its newest days; models with too few calls are left out.

    Raises:
        NoAnswer: the book cannot be read in time.
    """
    wanted = sorted({model for model in models if model is not None})
    today = epoch_us(now) // DAY_US
    values = (orjson.dumps(wanted).decode(), orjson.dumps(list(range(today - _DAYS, today + 1))).decode())
    durations: defaultdict[str, int] = defaultdict(int)
    counted: Counter[str] = Counter()
    for model, calls, packed in await snapshot.rows(statement("model_durations"), values) if wanted else []:
        if counted[model] < _ENOUGH:
            counted[model] += calls
            durations[model] += histogram.unpack(packed)
    return {model: _thresholds(counts) for model, counts in durations.items() if counts and counted[model] >= _FEWEST}


def _thresholds(counts: int) -> Thresholds:
    half, most = histogram.percentiles_us(counts, (0.5, 0.95))
    return Thresholds(round((half or 0.0) / 1000, 3), round((most or 0.0) / 1000, 3))
