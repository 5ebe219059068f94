"""`tollbook tail` prints calls as they enter the book."""

import fcntl
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

import orjson
import pytest

from proxy.parent import LOCK
from store.book import Book, Entry
from tests.books import a_call
from tests.cli.conftest import start


@contextmanager
def served(data_dir: Path) -> Iterator[None]:
    """The lock of a `serve` is held."""
    with (data_dir / LOCK).open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@pytest.mark.parametrize(
    ("circumstance", "said"),
    [(served, b""), (nullcontext, b"No `tollbook serve` runs with this data: calls come once one does.\n")],
    ids=["served", "not served"],
)
def test_new_calls_are_printed_until_ctrl_c(
    book: Path, circumstance: Callable[[Path], AbstractContextManager[object]], said: bytes
) -> None:
    """Calls that match are printed once each, in the order they came, and Ctrl-C ends it with status 0."""
    with circumstance(book):
        _follow(book, said)


def _follow(book: Path, said: bytes) -> None:
    process = start("tail", "--data-dir", book, "--json", "--key", "walker")
    assert process.stdout is not None
    assert process.stderr is not None
    written: list[str] = []
    stop = threading.Event()

    def write() -> None:
        # A call more every moment: nobody knows when the other process has begun to look.
        with Book(book) as pen:
            for number in range(600):
                if stop.wait(0.1):
                    return
                pen.add([Entry(a_call(key="walker", user=str(number))), Entry(a_call(key="other"))])
                written.append(str(number))

    writer = threading.Thread(target=write)
    writer.start()
    try:
        seen = [orjson.loads(process.stdout.readline()) for _ in range(5)]
    finally:
        stop.set()
        writer.join()
    process.send_signal(signal.SIGINT)
    seen += [orjson.loads(line) for line in process.stdout]  # `communicate` would miss what was read ahead
    _, complaint = process.communicate()
    users = [call["user"] for call in seen]
    assert process.returncode == 0
    assert complaint == said
    assert {call["key"] for call in seen} == {"walker"}
    first = written.index(users[0])
    assert users == written[first : first + len(users)]
