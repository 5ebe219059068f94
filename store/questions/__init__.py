"""What can be asked about the book, one file per question. All of them read; none of them writes.

    filter = parse(params, now, also=PAGING)            # store.filters; WrongFilter names the parameter
    async with Reader.open(data_dir) as reader:         # store.reader; a book that does not exist yet is empty
        await logs(reader, filter)                      # {"logs": [...], "next": cursor | None}
        await call(reader, "0193...")                   # everything about one call | None
        await stats(reader, filter)                     # {"stats": [...], "total": {...}}; filter.by, also=GROUPING
        await facets(reader, filter)                    # {"model": [{"value", "calls"}], ...}
        async for cursor, row in new_calls(reader, filter, after=None): ...
    health(live, data_dir, now)                         # {"received", "stored", ...}

Answers are JSON values of the shapes promised to users. Every answer is of one moment, also while the book
is written.
"""

from store.questions.logs import logs

__all__ = ["logs"]
