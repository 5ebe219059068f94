"""Something happens at the first system call that keeps a call, then at the second, until a run has no more of them."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.faults.rounds import FILLING, NOT_REACHED, WRITING, filled_although, kept_although
from tests.faults.strace import works

_TOO_MANY = 1000  # a run that never ends by itself is a mistake of the test
_ERRORS_AT = "pwrite64", "fdatasync"


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

    async def go(who: str, what: str, one: Callable[[Path, int], Awaitable[str]]) -> None:
        course = Course(who, what)
        for nth in range(1, _TOO_MANY):
            wrong = await one(folder / f"{len(courses)}-{nth}", nth)
            if wrong == NOT_REACHED:
                break
            course.tried += 1
            if wrong:
                course.broken.append(f"{who}, {what}, {nth}: {wrong}")
        courses.append(course)
        tell(f"{who}: {what}: {course.tried} rounds, {len(course.broken)} broken")

    for error in ("EIO", "ENOSPC"):
        await go("worker", f"{error} at pwritev", lambda at, nth, error=error: kept_although(at, f"error={error}", nth))
    await go("worker", f"SIGKILL at {WRITING.names}", lambda at, nth: kept_although(at, "signal=SIGKILL", nth))
    for name in _ERRORS_AT:
        await go("store", f"EIO at {name}", lambda at, nth, name=name: filled_although(at, "error=EIO", nth, name))
    await go("store", "ENOSPC at pwrite64", lambda at, nth: filled_although(at, "error=ENOSPC", nth, "pwrite64"))
    await go("store", f"SIGKILL at {FILLING.names}", lambda at, nth: filled_although(at, "signal=SIGKILL", nth))
    return courses
