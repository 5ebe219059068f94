"""`python -m tests.upstream --minutes 60`: the own client against aiohttp's, on answers that are wrong."""

import argparse
import asyncio
import sys
import time

import uvloop

from tests.upstream.run import Course, run


def main() -> int:
    """The exit status: 1 when there is a difference that nobody has explained."""
    parser = argparse.ArgumentParser(prog="python -m tests.upstream", description=__doc__)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--plain", action="store_true", help="on plain asyncio instead of uvloop")
    options = parser.parse_args()
    running = run(options.seed, minutes=options.minutes, tell=_tell)
    course = asyncio.run(running) if options.plain else uvloop.run(running)
    print(f"\n{course.played:,} cases with seed {options.seed}")
    for why, times in course.explained.most_common():
        print(f"  {times:>9,}  {why}")
    for finding in course.findings:
        print(
            f"\n{finding.seed}  {finding.case.method}, then {finding.case.ends}\n  sent   {finding.case.pieces!r:.900}"
        )
        print(f"  ours   {finding.ours!r:.500}\n  theirs {finding.theirs!r:.500}")
    return 1 if course.findings else 0


def _tell(course: Course) -> None:
    if course.played % 5000 == 0:
        print(f"{course.played:,} cases, {len(course.findings)} findings", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
