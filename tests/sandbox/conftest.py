"""A sandbox listening on loopback, and one that is asked without a socket."""

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from proxy.sandbox.answer import Answer, Request
from proxy.sandbox.answering import answer
from proxy.sandbox.behaviour import NO_HABITS, Habits
from proxy.sandbox.server import serve

Ask = Callable[..., Answer]


@pytest.fixture
async def sandbox_url() -> AsyncIterator[str]:
    """The base URL of a sandbox without habits."""
    async with serve() as url:
        yield url


@pytest.fixture
def ask() -> Ask:
    """Asks the pure middle: `ask(target, body, wishes="...", headers=..., habits=...)`."""

    def asking(
        target: str,
        body: dict[str, Any] | bytes | None = None,
        wishes: str = "",
        headers: tuple[tuple[str, str], ...] = (),
        habits: Habits = NO_HABITS,
        method: str = "",
    ) -> Answer:
        sent = b"" if body is None else body if isinstance(body, bytes) else orjson.dumps(body)
        wished = (("x-sandbox", wishes),) if wishes else ()
        at = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
        return answer(Request(method or ("POST" if sent else "GET"), target, (*headers, *wished), sent, at), habits)

    return asking
