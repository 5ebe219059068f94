"""Ids of calls as people write them, and which calls have one that begins so: people copy the beginning of one."""

import re
from uuid import UUID

from store.questions.statements import statement
from store.reader import Source

_BEGINNING = re.compile(r"[0-9a-f]{1,32}")


def id_of(text: str) -> bytes | None:
    """The id in any common spelling; None when it is none."""
    try:
        return UUID(text).bytes
    except ValueError:
        return None


async def ids_beginning(source: Source, beginning: str, most: int) -> list[str]:
    """Ids that begin with these hexadecimal digits, hyphens or not, in order of time; at most so many.

    Raises:
        NoAnswer: the book cannot be read in time.
    """
    digits = beginning.lower().replace("-", "")
    if not _BEGINNING.fullmatch(digits):
        return []
    first, last = bytes.fromhex(f"{digits:0<32}"), bytes.fromhex(f"{digits:f<32}")
    async with source.snapshot() as snapshot:
        rows = await snapshot.rows(statement("ids"), (first, last, most))
    return [str(UUID(bytes=call_id)) for (call_id,) in rows]
