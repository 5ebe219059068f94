"""How much is kept while the disk fills or fails: a ladder, climbed down a step at a time and up again by itself.

The first steps are told by the room there is, the last two by what the disk answers to the journal's writes. A step is
left upwards only once there is half as much room again as it is entered for, so that nothing flutters.

Pure: knows no disk, no clock and no thread (see `proxy/journal/room.py` and `proxy/journal/writer.py`).
"""

from enum import IntEnum
from typing import Final

LOW_BYTES: Final = 256_000_000
"""Free bytes from which on there are no bodies in the book, where nothing else is configured. On a small disk it is a
twentieth of all."""
_OF_ALL: Final = 20

BALLAST_BYTES: Final = 16 * 1024 * 1024
"""Room for the notes of about ten thousand calls; less than a quarter of what it is released for, so that releasing it
does not look like recovery."""

ENDS_BYTES: Final = 32 * 1024
"""As much of a body, its beginning and its end, as is noted while the disk fills: model and tokens are found in it."""


class Step(IntEnum):
    """From everything to nothing."""

    FULL = 0
    BODIES_OFF = 1
    BALLAST_RELEASED = 2
    METADATA_ONLY = 3
    MEMORY = 4
    LOSING = 5

    @property
    def label(self) -> str:
        """Its name for users."""
        return self.name.lower()


_MARKS: Final = ((Step.BODIES_OFF, 1), (Step.BALLAST_RELEASED, 4), (Step.METADATA_ONLY, 8))

MEANING: Final[dict[Step, str]] = {
    Step.FULL: "Everything is kept.",
    Step.BODIES_OFF: (
        "The disk is nearly full: requests and answers of new calls are not kept; their tokens and costs are. "
        "Make room, or keep bodies for a shorter time (keep_bodies, max_bodies)."
    ),
    Step.BALLAST_RELEASED: (
        "The disk is nearly full, and the room that was held back for this moment is released: requests and answers of "
        "new calls are not kept; their tokens and costs are. Make room, or `tollbook prune`."
    ),
    Step.METADATA_ONLY: (
        "The disk is all but full: of new calls only who called what, when and how it ended is kept, so their tokens "
        "and costs are unknown. Make room now."
    ),
    Step.MEMORY: (
        "The disk cannot be written: calls are kept in memory only, and are lost if this machine ends before the disk "
        "can be written again, and what is more than 4 MB of them if a worker does. Make room, and look at the disk."
    ),
    Step.LOSING: (
        "The disk cannot be written and the memory for notes is full: calls are being lost, and counted. Make room, "
        "and look at the disk."
    ),
}
"""What is not kept at each step, and what to do."""


def low_mark(chosen: int | None, total: int) -> int:
    """The free bytes below which the first step is taken, on a disk of `total` bytes."""
    return min(LOW_BYTES, total // _OF_ALL) if chosen is None else chosen


def ballast_size(low: int) -> int:
    """How large the ballast is to be."""
    return min(BALLAST_BYTES, low // 16)


def by_room(before: Step, free: int, low: int) -> Step:
    """The step that so many free bytes are good for, coming from another one."""
    step = Step.FULL
    for candidate, part in _MARKS:
        mark = low // part
        if before >= candidate:
            mark += mark // 2
        if free < mark:
            step = candidate
    return step
