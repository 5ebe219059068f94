"""What can be asked about the book, one file per question. All of them read; none of them writes.

    asked = parse(params, now, also=PAGING)             # store.filters; WrongFilter names the parameter
    async with Reader.open(data_dir) as reader:         # store.reader; a book that does not exist yet is empty
        await logs(reader, asked)                       # {"logs": [...], "next": cursor | None}
        await call(reader, "0193...")                   # everything about one call | None
        await stats(reader, asked)                      # {"stats": [...], "total": {...}}; parse(also=GROUPING)
        await facets(reader, asked)                     # {"model": [{"value", "calls"}, ...], ...}
        async for arrivals in new_calls(reader, asked): # a look each quarter second, perhaps in vain:
            ...                                         #   [Arrival(cursor, call), ...]; go on with after=cursor
    health(live, data_dir, now, prices)                 # {"received", "stored", ...}

Answers are JSON values of the shapes promised to users. Every answer is of one moment, also while the book is written.
NoAnswer (store.reader) says that the book could not be read in time.
"""

from store.questions.call import call
from store.questions.facets import facets
from store.questions.health import health
from store.questions.logs import logs
from store.questions.stats import stats
from store.questions.tail import Arrival, new_calls

__all__ = ["Arrival", "call", "facets", "health", "logs", "new_calls", "stats"]
