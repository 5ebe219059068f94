"""The live numbers of the thread that reads the journal, as the health page and endpoint show them.

Whoever ingests makes these values; asking only reads them. Counted since the book began, so that
received = stored + waiting + open + the sum of lost.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from proxy.journal.ladder import Step


@dataclass(frozen=True, slots=True)
class LiveCounts:
    """Where every call that was received stands at one moment."""

    received: int = 0
    stored: int = 0
    waiting: int = 0  # ended, noted in the journal, not yet in the book
    open: int = 0  # running calls
    repeats: int = 0  # of those stored: refusals counted on the row of another, of which there were too many
    malformed: int = 0  # requests the HTTP parser refused; these are not calls
    late_heads: int = 0  # requests whose headers did not come in time; no calls either
    stalls: int = 0  # how often the loop of a worker stood still
    longest_stall_ms: int = 0  # the longest of those of the workers that run now
    turned_away: int = 0  # connections of which there were too many
    late_notes: int = 0  # notes that a client did not wait for, because the disk was too slow
    lost: Mapping[str, int] = field(default_factory=dict)  # reason: calls
    oldest_waiting_ms: float | None = None  # age of the oldest waiting call; None when nothing waits
    journal_bytes: int = 0
    step: Step = Step.FULL  # the lowest that a worker or the book stands on (`proxy/journal/ladder.py`)
    step_since_us: int | None = None  # since the epoch; None: for as long as anybody knows
    low_bytes: int | None = None  # of free space, below which less is kept; None: not known yet
    book_error: str | None = None  # why the book could not be written at the last try
