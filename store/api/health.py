"""How the book stands at this moment, as the endpoint and the metrics tell it."""

import asyncio

from store.api.parts import Parts
from store.questions.health import health
from store.questions.row import Json


async def told_health(parts: Parts) -> Json:
    """The state of the book. Looks at files: not on the event loop, whose disk may be the one that hangs."""
    indexed, telling = parts.search(), parts.webhook()
    return await asyncio.to_thread(
        health, parts.live(), parts.data_dir, parts.now(), parts.prices,
        sandbox=parts.sandbox, search=indexed.as_json() if indexed else None,
        budgets=parts.budgets(), webhook=telling.as_json() if telling else None,
    )  # fmt: skip
