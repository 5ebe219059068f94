"""Something happens at the first system call that keeps a call, then at the second, until a run has no more of them."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.faults.rounds import FILLING, NOT_REACHED, WRITING, buffered_although, filled_although, kept_although
from tests.faults.strace import works

Round = Callable[[Path, str, int, str], Awaitable[str]]

_AT_ONCE = 3
_WRITE = ",".join(WRITING[:2])


@dataclass
class Course:
    """All rounds of one kind."""

    who: str
    what: str
    tried: int = 0
    broken: list[str] = field(default_factory=list)


async def every_step(folder: Path, tell: Callable[[str], None]) -> list[Course]:
    """All kinds."""
    if not works():
        raise SystemExit("This takes strace, and leave to trace processes (apt-get install strace).")
    courses = []

    async def go(who: str, what: str, at: str, one: Round) -> None:
        course = Course(who, f"{what.partition('=')[2]} at {at.partition(',')[0]}")
        place = folder / str(len(courses))
        first, over = 1, False
        while not over:
            numbers = range(first, first + _AT_ONCE)
            found = await asyncio.gather(*(one(place / str(nth), what, nth, at) for nth in numbers))
            course.tried += sum(wrong != NOT_REACHED for wrong in found)
            course.broken += [f"{course}: {wrong}" for wrong in found if wrong not in ("", NOT_REACHED)]
            first, over = first + _AT_ONCE, NOT_REACHED in found
        courses.append(course)
        tell(f"{who}: {course.what}: {course.tried} rounds, {len(course.broken)} broken")

    for who, kept in (("worker", buffered_although), ("worker without a buffer", kept_although)):
        await go(who, "signal=SIGKILL", _WRITE, kept)
        for name in WRITING[2:]:
            await go(who, "signal=SIGKILL", name, kept)
        await go(who, "error=EIO", _WRITE, kept)
        await go(who, "error=ENOSPC", _WRITE, kept)
    for name in FILLING:
        await go("store", "signal=SIGKILL", name, filled_although)
    for name in FILLING[:2]:
        await go("store", "error=EIO", name, filled_although)
    await go("store", "error=ENOSPC", FILLING[0], filled_although)
    return courses
