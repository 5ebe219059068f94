"""Pages of memory that processes share: what is on one stays, and a file system without room for one ends nobody."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from proxy.journal.page import mapped
from proxy.journal.tally import read_tally, tally_dir
from proxy.keys.counted import CountedPage
from tests.journal.test_writer import fill, small_disk

_WRITES = """
import os, sys
from pathlib import Path
from proxy.journal.page import mapped

path = Path(sys.argv[1])
page = mapped(os.open(path, os.O_CREAT | os.O_RDWR), 80, path)
page[:4] = b"page"
print(page[:4].decode())
"""

_COUNTS = """
import resource, sys
from pathlib import Path
from proxy.journal.tally import Tally
from proxy.keys.counted import CountedPage

resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
tally, page = Tally(Path(sys.argv[1]), "boot"), CountedPage(Path(sys.argv[1]))
page.write(1.5, 2)
print(tally.count("received"), *page.read())
tally.close()
"""


_COUNTS_FAST = """
import sys, time
from pathlib import Path
from proxy.journal.tally import Tally
from proxy.keys.counted import CountedPage

tally, page = Tally(Path(sys.argv[1]), "boot"), CountedPage(Path(sys.argv[1]))
until = time.monotonic() + 0.5
while time.monotonic() < until:
    for number in range(1, 500):
        told = tally.count("received")
        page.write(float(told), told)
print(told)
tally.close()
page.close()
"""


def run(script: str, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", script, *words], capture_output=True, text=True, check=False)


def test_a_page_without_room_ends_nobody(tmp_path: Path) -> None:
    """Where a file system is full, a process writes to memory of its own, and says so."""
    with small_disk(tmp_path / "disk", "64k") as disk:
        fill(disk)
        done = run(_WRITES, str(disk / "page"))
    assert (done.returncode, done.stdout) == (0, "page\n")
    assert "there is no page of memory at" in done.stderr


def test_counting_goes_on_without_a_page(tmp_path: Path) -> None:
    """A worker that has no page counts all the same; the store, which finds nothing on it, goes by the notes."""
    done = run(_COUNTS, str(tmp_path))
    assert (done.returncode, done.stdout) == (0, "1 1.5 2\n"), done.stderr
    assert read_tally(tmp_path, "boot") is None


def test_no_number_is_ever_read_half_written(tmp_path: Path) -> None:
    """Who looks while others count sees numbers that only grow: a count of calls that fell would be a new beginning."""
    shutil.rmtree(tally_dir(tmp_path), ignore_errors=True)  # of an earlier directory of this name
    page = CountedPage(tmp_path)
    with subprocess.Popen([sys.executable, "-c", _COUNTS_FAST, str(tmp_path)], stdout=subprocess.PIPE) as counting:
        received = edition = 0
        counted_to = 0.0
        while counting.poll() is None:
            before, (counted_to_before, edition_before) = received, (counted_to, edition)
            received = (read_tally(tmp_path, "boot") or {}).get("received", 0)
            counted_to, edition = page.read()
            assert received >= before
            assert counted_to >= counted_to_before
            assert edition >= max(edition_before, counted_to)
        assert counting.stdout is not None
        assert int(counting.stdout.read()) == page.read()[1] > 0
    page.close()


def test_what_is_on_a_page_stays(tmp_path: Path) -> None:
    """Whoever comes second finds what the first wrote, and sees what it writes next."""
    path = tmp_path / "page"
    fd = os.open(path, os.O_CREAT | os.O_RDWR)
    first = mapped(fd, 80, path)
    first[:5] = b"first"
    second = mapped(fd, 80, path)
    os.close(fd)
    first[5:6] = b"!"
    assert second[:6] == b"first!"
    first.close()
    second.close()
