"""What the index of words costs, which waits while calls are measured: its own processor time, told apart."""

import time

from bench import processes
from bench.subjects import Subject

_ENOUGH = 10_000  # calls
_LONGEST_S = 15.0


def told_cost(subject: Subject) -> str:
    """Let it read what has waited, for a while, and tell in Markdown what a call took; nothing where none waited."""
    assert subject.store_pid is not None
    subject.free_index()
    deadline = time.monotonic() + _LONGEST_S
    waiting = first = int(subject.health()["search"]["waiting"])
    while waiting == first and time.monotonic() < deadline:  # it looks again after up to five seconds
        time.sleep(0.1)
        waiting = int(subject.health()["search"]["waiting"])
    first, used = waiting, processes.cpu_s(subject.store_pid)
    while waiting and first - waiting < _ENOUGH and time.monotonic() < deadline:
        time.sleep(0.25)
        waiting = int(subject.health()["search"]["waiting"])
    used = processes.cpu_s(subject.store_pid) - used
    if first - waiting < 100:
        return ""
    return (
        "### The index of words\n\n"
        "It is filled later, when the store has time, and is in none of the figures above: afterwards it read "
        f"{first - waiting:,} of the calls with {used / (first - waiting) * 1e6:.0f} µs of processor time each, "
        f"at {(first - waiting) / max(used, 1e-9):,.0f} calls for a second of it.\n"
    )
