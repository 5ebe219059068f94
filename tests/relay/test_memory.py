"""What a rush took goes back to the system."""

import subprocess
import sys

import pytest

from proxy.memory import Heap

RUSH = """
from pathlib import Path
from proxy.memory import Heap

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096

def give_back():
    before = resident()
    done = heap.give_back()
    return done, before - resident()

heap = Heap()
rush = [b"x" * 20_000 for _ in range(4_000)]
kept = rush[::40]
assert not give_back()[0], "nothing is free while it runs"
rush.clear()
done, given = give_back()
assert done and given > 40_000_000, f"{given} bytes of 78 million"
assert not give_back()[0], "the same again"
rush = [b"x" * 20_000 for _ in range(4_000)]
rush.clear()
done, given = give_back()
assert done and given > 40_000_000, f"{given} bytes the second time"
"""


def test_what_lies_between_things_in_use_is_given_back() -> None:
    try:
        Heap()
    except (AttributeError, OSError, MemoryError):
        pytest.skip("the C library here has no way to give memory back")
    subprocess.run([sys.executable, "-c", RUSH], check=True)
