"""Looks once a second for budgets that passed a mark, writes down what is to be told, and sends it until it is taken.

A budget that passes both marks between two looks is told as used up only. What was noticed is in the file before it is
sent, and what was taken is noted there by the next look: killed in between, the message comes again with the same id.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

from store.budgets import BudgetState
from store.moments import epoch_us
from store.webhook import memory
from store.webhook.memory import Memory
from store.webhook.message import Message, ids_of, message_of
from store.webhook.queue import Patience, Queue, Waiting
from store.webhook.receiver import Receiver
from store.webhook.standing import Standing

_MOST_PENDING = 1000  # more are noticed once some of these are gone
_AT_ONCE = 8

log = logging.getLogger("tollbook.store")

Passed = Callable[[], Sequence[BudgetState]]
"""Gives the budgets of which the warned share is used."""


class Teller:
    """Belongs to the loop: `watch` and `send` are to run beside each other until `stop`."""

    def __init__(
        self,
        receiver: Receiver,
        data_dir: Path,
        remembered: Memory,
        passed: Passed,
        patience: Patience,
        now_us: Callable[[], int],
    ) -> None:
        self._receiver = receiver
        self._data_dir = data_dir
        self._memory = remembered
        self._passed = passed
        self._patience = patience
        self._now_us = now_us
        self._queue = Queue()
        self._queue.add(remembered.pending.values())
        self._failed = 0
        self._last_error: str | None = None
        self._unsaved = False
        self._unwritable = False
        self._stopping = asyncio.Event()
        self._wake = asyncio.Event()

    def standing(self) -> Standing:
        """How it goes."""
        left = self._failed or any(one.tries for one in self._queue.waiting)
        return Standing(len(self._memory.pending), self._failed, self._last_error if left else None)

    def stop(self) -> None:
        """Begin nothing more."""
        self._stopping.set()
        self._wake.set()

    async def watch(self) -> None:
        """Notice, write down, and hand over what is to be told."""
        while not self._stopping.is_set():
            new = self._notice()
            await self.save()
            if new:
                self._queue.add(new)
                self._wake.set()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._patience.look_s):
                    await self._stopping.wait()

    async def send(self) -> None:
        """Send what is due, a few at a time."""
        while not self._stopping.is_set():
            self._wake.clear()
            if due := self._queue.due(time.monotonic(), _AT_ONCE):
                await asyncio.gather(*map(self._attempt, due))
                continue
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._queue.next_s(time.monotonic())):
                    await self._wake.wait()

    async def save(self) -> None:
        """Write down what changed. A file that cannot be written keeps nobody from being told."""
        if not self._unsaved:
            return
        self._unsaved = False
        try:
            await asyncio.to_thread(memory.write, self._data_dir, self._memory.as_bytes())
            self._unwritable = False
        except OSError as error:
            self._unsaved = True
            if not self._unwritable:
                log.error("what the webhook was told cannot be noted: %s; after a restart it is told again", error)
            self._unwritable = True

    def _notice(self) -> list[Message]:
        now_us = self._now_us()
        new: list[Message] = []
        for state in self._passed():
            if len(self._memory.pending) >= _MOST_PENDING:
                break
            ids = ids_of(state)
            if (
                not ids
                or memory.long_over(state.window.stop_us, now_us)
                or not self._memory.told.keys().isdisjoint(ids)
            ):
                continue
            message = message_of(state, now_us)
            self._memory.told[message.id] = state.window.stop_us
            self._memory.pending[message.id] = message
            new.append(message)
        if new:
            self._memory.forget_ended(now_us)
            self._unsaved = True
        return new

    async def _attempt(self, one: Waiting) -> None:
        error = await self._receiver.take(one.message, self._now_us() // 1_000_000)
        if error is None:
            self._done(one)
            return
        if self._last_error != error:
            log.warning("the webhook at %r is not told of a budget: %s; trying again", self._receiver, error)
        self._last_error = error
        one.tries += 1
        one.due = time.monotonic() + self._patience.wait_s(one.tries)
        if self._age_s(one.message) >= self._patience.give_up_s:
            log.error("the webhook at %r was not told of a budget for too long; given up", self._receiver)
            self._failed += 1
            self._done(one)

    def _done(self, one: Waiting) -> None:
        self._queue.waiting.remove(one)
        del self._memory.pending[one.message.id]
        self._unsaved = True

    def _age_s(self, message: Message) -> float:
        return (self._now_us() - epoch_us(datetime.fromisoformat(message.time))) / 1_000_000
