"""`python -m tests.endurance`: every long run, one after the other; each writes its figures into docs/endurance.md.

First every system call that keeps a call, failing or killing, then rounds of kill -9 under mixed load.
"""

import argparse
import asyncio
import platform
import sys
import tempfile
import time
from pathlib import Path

from bench.page import write_between
from tests.conservation import __main__ as kills
from tests.endurance.steps import Course, every_step

_PAGE = Path(__file__).parents[2] / "docs" / "endurance.md"


def main() -> int:
    """The exit status: whether all of it held."""
    parser = argparse.ArgumentParser(prog="python -m tests.endurance", description=__doc__)
    parser.add_argument("--rounds", type=int, default=500, help="of kill -9 under load; 0 leaves them out")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--no-write", dest="write", action="store_false", help="print only, leave the page alone")
    options = parser.parse_args()
    worst = _steps(write=options.write)
    if options.rounds:
        more = [] if options.write else ["--no-write"]
        worst = max(worst, kills.main(["--rounds", str(options.rounds), "--seed", str(options.seed), *more]))
    return worst


def _steps(*, write: bool) -> int:
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="tollbook-endurance-") as folder:
        courses = asyncio.run(every_step(Path(folder), lambda line: print(line, file=sys.stderr, flush=True)))
    text = _report(courses, time.monotonic() - began)
    print("\n" + text)
    broken = [one for course in courses for one in course.broken]
    print("\n".join(broken[:20]), file=sys.stderr)
    if write and not broken:
        write_between(_PAGE, "steps", text)
    return bool(broken)


def _report(courses: list[Course], took_s: float) -> str:
    day = time.strftime("%Y-%m-%d", time.gmtime())
    lines = "\n".join(
        f"| {course.who} | {course.what} | **{course.tried - len(course.broken)} of {course.tried}** |"
        for course in courses
    )
    return f"""\
`python -m tests.endurance`, {day}, CPython {platform.python_version()}, {took_s / 60:.0f} minutes.

| process | at the n-th such call, for every n | what was promised was in the book, once |
|---|---|---|
{lines}"""


if __name__ == "__main__":
    sys.exit(main())
