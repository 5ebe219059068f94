"""What can be asked about the book, one file per question. All of them read; none of them writes.

    asked = parse(params, now, also=PAGING)              # store.filters; WrongFilter names the parameter
    async with Reader.open(data_dir) as source:          # store.reader; a book that does not exist yet is empty
        await logs(source, asked)                        # {"logs": [...], "next", ...}
        await call(source, "0193...")                    # everything about one call | None
        await stats(source, asked)                       # {"stats": [...], "total", ...}; parse(also=GROUPING)
        await facets(source, asked, without_own=False)   # {"model": [{"value", "calls"}, ...], ...}
        async for arrivals in new_calls(source, asked):  # a look each quarter second, perhaps in vain:
            ...                                          #   [Arrival(cursor, call), ...]; go on with after=cursor
        await comparison(source, asked, now)             # this time against the time before; cache, what is uncertain
        await movers(source, asked, now)                 # whose cost changed most
        await forecast(source, asked, now)               # what the month will have cost
        await scatter(source, asked, limit=POINTS)       # duration against tokens, each call with why it was slow
        await keys(source, now)                          # the keys that were ever used
        await unpriced(source), anomalies(source)        # models without a price, oddities of calls
        await growth(source, now, free_bytes)            # how fast the files grow
        async with source.snapshot() as snapshot:
            await how_slow(snapshot, models, now)        # {model: Thresholds}, for store.pace.slowness
    health(live, data_dir, now, prices)                  # {"received", "stored", ...}

Rows are read for about a second and a half (`allowed_s`). Then what was found is told: beside it stand "complete" and
"read_back_to", the time down to which it has read (in ascending order up to which), null when complete.
Answers are JSON values of the shapes promised to users. Each is of one moment, also while the book is written; those
made of several sums (comparison, movers, forecast) are of one moment for each sum.
NoAnswer (store.reader) says that the book could not be read in time.
"""

from store.questions.anomalies import anomalies
from store.questions.call import call
from store.questions.comparison import comparison
from store.questions.facets import facets
from store.questions.forecast import forecast
from store.questions.growth import growth
from store.questions.health import health
from store.questions.how_slow import how_slow
from store.questions.keys import keys
from store.questions.logs import logs
from store.questions.movers import movers
from store.questions.scatter import scatter
from store.questions.stats import stats
from store.questions.tail import Arrival, new_calls
from store.questions.unpriced import unpriced

__all__ = [
    "Arrival", "anomalies", "call", "comparison", "facets", "forecast", "growth", "health", "how_slow", "keys", "logs",
    "movers", "new_calls", "scatter", "stats", "unpriced",
]  # fmt: skip
