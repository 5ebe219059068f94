"""Calls as people write them with an SDK, and the row each must become."""

import asyncio
import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

Counts = dict[str, int | None]


@dataclass(frozen=True, slots=True)
class Sample:
    """One use of a client. It is written once, for the synchronous and the asynchronous client alike."""

    name: str
    use: Callable[[Any], Any]  # gets the client; gives an answer, a stream, or something to await for either
    type: str
    requested_model: str | None
    model: str | None
    counts: Callable[[Any], Counts | None]  # from what the SDK got; None: nobody tells
    stream: bool = False
    cost: str = "priced"
    more: dict[str, Any] = field(default_factory=dict)  # other members of the row


async def use_async(sample: Sample, client: Any) -> Any:
    """The answer; of a stream, all its events."""
    result = sample.use(client)
    if inspect.isawaitable(result):
        result = await result
    return [event async for event in result] if hasattr(result, "__aiter__") and sample.stream else result


async def use_sync(sample: Sample, client: Any) -> Any:
    """The same with the synchronous client, in a thread of its own as a script would have it."""

    def use() -> Any:
        result = sample.use(client)
        return list(result) if sample.stream else result

    return await asyncio.to_thread(use)


def counts(
    incoming: int,
    outgoing: int,
    *,
    read: int | None = 0,
    written: int | None = 0,
    reasoning: int | None = 0,
) -> Counts:
    """The tokens of a row, as the book tells them."""
    return {
        "total": incoming + outgoing,
        "input": incoming,
        "output": outgoing,
        "cache_read": read,
        "cache_write": written,
        "reasoning": reasoning,
    }
