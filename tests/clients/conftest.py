"""A house before the sandbox, with a price ratio and a credit of its own, and what it has written down."""

from collections.abc import AsyncIterator

import aiohttp
import pytest

from proxy.config.model import Credits, Group
from tests.clients.ledger import PER_USD, RATIO, Ledger
from tests.conftest import OpenHouse


@pytest.fixture
async def ledger(house: OpenHouse) -> AsyncIterator[Ledger]:
    """The rows of a house before the sandbox."""
    opened = await house(groups={"default": Group("default", RATIO)}, credits=Credits(PER_USD))
    async with aiohttp.ClientSession() as session:
        yield Ledger(opened, session)
