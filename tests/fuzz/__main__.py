"""`python -m tests.fuzz --minutes 10`: damaged exchanges through metering into a book, until the time is up.

Prints how many inputs there were, the slowest, and how much memory it took; fails at the first input that raises, that
the book refuses, or that needs more memory than any should. `--seed N --count 1` repeats one input.
"""

import argparse
import resource
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator
from pathlib import Path

from store.book import Entry
from tests.fuzz.checking import a_meter, accepted, metered
from tests.fuzz.exchanges import sources
from tests.fuzz.inputs import drawn

_BATCH = 500
_MOST_MEMORY_MB = 2048
_SLOWEST_SHOWN = 5


def main() -> int:
    """Exit status 1 when something was found."""
    asked = _arguments()
    resource.setrlimit(resource.RLIMIT_AS, (_MOST_MEMORY_MB << 20, _MOST_MEMORY_MB << 20))
    given = sources()
    meter = a_meter()
    begun = time.monotonic()
    found = 0
    slowest: list[tuple[float, int]] = []
    batch: list[Entry] = []
    seed = asked.seed - 1
    with tempfile.TemporaryDirectory() as folder:
        for seed in _seeds(asked, begun):
            noted = drawn(given, seed)
            try:
                before = time.process_time()  # what another process takes from the machine is not ours
                batch.append(metered(meter, noted))
                slowest = sorted([*slowest, (time.process_time() - before, seed)], reverse=True)[:_SLOWEST_SHOWN]
                if len(batch) >= _BATCH:
                    accepted(Path(folder), batch)
                    batch.clear()
            except (Exception, MemoryError):
                found += 1
                print(f"seed {seed}: {traceback.format_exc(limit=-6)}", file=sys.stderr)
                batch.clear()
        accepted(Path(folder), batch)
    taken = time.monotonic() - begun
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(f"{seed - asked.seed + 1} inputs made of {len(given)} exchanges in {taken:.0f} s: {found} failed")
    print(f"most memory {peak} MB; slowest to meter: " + ", ".join(f"{s * 1000:.0f} ms (seed {n})" for s, n in slowest))
    return 1 if found else 0


def _seeds(asked: argparse.Namespace, begun: float) -> Iterator[int]:
    seed = asked.seed
    while (asked.count is None or seed < asked.seed + asked.count) and (
        asked.minutes is None or time.monotonic() - begun < asked.minutes * 60
    ):
        yield seed
        seed += 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--minutes", type=float, help="how long to go on")
    parser.add_argument("--count", type=int, help="how many inputs to make")
    parser.add_argument("--seed", type=int, default=1, help="which input is the first")
    asked = parser.parse_args()
    if asked.minutes is None and asked.count is None:
        asked.minutes = 1.0
    return asked


if __name__ == "__main__":
    sys.exit(main())
