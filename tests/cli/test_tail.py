"""`tollbook tail` prints calls as they enter the book."""

import signal
import threading
from pathlib import Path

import orjson

from store.book import Book, Entry
from tests.books import a_call
from tests.cli.conftest import start


def test_new_calls_are_printed_until_ctrl_c(book: Path) -> None:
    """Calls that match are printed once each, in the order they came, and Ctrl-C ends it with status 0."""
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
    rest, complaint = process.communicate()
    seen += [orjson.loads(line) for line in rest.splitlines()]
    users = [call["user"] for call in seen]
    assert process.returncode == 0
    assert complaint == b""
    assert {call["key"] for call in seen} == {"walker"}
    first = written.index(users[0])
    assert users == written[first : first + len(users)]
