"""Turns with the thread that owns the book: whoever wants to change it waits, and is let in between two batches.

So there is one writer, and what it does for others takes no longer than what they ask for in one turn.
"""

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from threading import Lock
from typing import Any, Generic, TypeVar

Of = TypeVar("Of")
T = TypeVar("T")


class Closed(Exception):
    """The owner is stopping, and lets nobody in any more."""


class Turns(Generic[Of]):
    """A queue of what to do with something that one thread owns."""

    def __init__(self, wake: Callable[[], None]) -> None:
        """`wake`: called whenever somebody comes."""
        self._wake = wake
        self._lock = Lock()
        self._waiting: deque[tuple[Callable[[Of], Any], Future[Any]]] = deque()
        self._closed = False

    def ask(self, work: Callable[[Of], T]) -> Future[T]:
        """To be done in a turn of its own; from any thread. The future ends with what `work` returns or raises."""
        future: Future[T] = Future()
        with self._lock:
            if self._closed:
                future.set_exception(Closed("the store is stopping"))
                return future
            self._waiting.append((work, future))
        self._wake()
        return future

    def give(self, of: Of) -> bool:
        """Let the first who waits have a turn; whether anybody did. Only the owner calls this."""
        with self._lock:
            if not self._waiting:
                return False
            work, future = self._waiting.popleft()
        if not future.set_running_or_notify_cancel():
            return True
        try:
            done = work(of)
        except Exception as reason:
            future.set_exception(reason)
        else:
            future.set_result(done)
        return True

    def close(self) -> None:
        """Send away whoever waits, and whoever comes."""
        with self._lock:
            self._closed = True
            waiting, self._waiting = self._waiting, deque()
        for _, future in waiting:
            if future.set_running_or_notify_cancel():
                future.set_exception(Closed("the store is stopping"))
