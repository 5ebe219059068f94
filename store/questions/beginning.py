"""When the book begins: what came before is not zero but unknown."""

from store.questions.statements import statement
from store.reader import Source
from store.sums import QUARTER_US


async def beginning_us(source: Source) -> int | None:
    """The start of the quarter hour in which the first call was received; None while there is none.

    Raises:
        NoAnswer: the book cannot be read in time.
    """
    async with source.snapshot() as snapshot:
        rows = await snapshot.rows(statement("beginning"))
    quarter = rows[0][0] if rows else None
    return None if quarter is None else quarter * QUARTER_US
