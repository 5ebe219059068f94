"""`tollbook serve` tells its webhook of budgets as calls use them, and goes on where a killed store left off."""

import asyncio
import json
import signal
from pathlib import Path

import aiohttp
import psutil
import pytest

from tests.budgets.callers import call
from tests.budgets.conftest import Start
from tests.budgets.receiver import SECRET, Hears, receiving, status
from tests.relay.served import Served

GROUPS = """
[credits]
webhook_url = "{url}"
webhook_secret_env = "TOLLBOOK_WEBHOOK_SECRET"
[groups.default]
budget = ["10/day", "12"]
"""
TOLD = {("budget_nearly_used", "day"), ("budget_used_up", "day"), ("budget_nearly_used", "total")}


@pytest.fixture(autouse=True)
def secret(monkeypatch: pytest.MonkeyPatch) -> None:
    """The variable that the configuration names."""
    monkeypatch.setenv("TOLLBOOK_WEBHOOK_SECRET", SECRET)


async def spend(served: Served, credits_: int) -> None:
    """So many calls of one credit each."""
    async with aiohttp.ClientSession() as session:
        for _ in range(credits_):
            assert await call(session, served.proxy) == 200


async def webhook(served: Served) -> dict[str, object]:
    """How the telling goes, once nothing waits."""
    for _ in range(3000):
        told: dict[str, object] = (await served.asked("/api/health"))["webhook"]
        if not told["pending"]:
            return told
        await asyncio.sleep(0.02)
    raise AssertionError(f"messages wait: {told}")


async def noted(data_dir: Path) -> None:
    """Wait until the file says that everything was taken."""
    for _ in range(3000):
        if not json.loads((data_dir / "webhook.json").read_text())["pending"]:
            return
        await asyncio.sleep(0.02)
    raise AssertionError("it is not noted that everything was taken")


def told(hears: Hears) -> list[tuple[str, str]]:
    """The events and the periods of their budgets."""
    return [(one.told["event"], one.told["period"]) for one in hears.heard]


async def test_a_killed_store_tells_nothing_twice(start: Start, tmp_path: Path) -> None:
    """Each mark is told as it is passed; a store that follows one that was killed repeats none, and ends in peace."""
    async with receiving() as hears:
        served = await start(GROUPS.format(url=hears.url))
        await spend(served, 8)
        await hears.until(1)
        assert told(hears) == [("budget_nearly_used", "day")]
        await spend(served, 2)
        await hears.until(3)
        assert await webhook(served) == {"pending": 0, "failed": 0, "last_error": None}
        await noted(tmp_path / "data")
        killed: psutil.Process = served.child("store")
        killed.kill()
        await served.another("store", than=killed)
        await webhook(served)
        ended, said = await served.stop(signal.SIGTERM)
    assert sorted(told(hears)) == sorted(TOLD)
    assert ended == 0
    assert not any(secret in said for secret in ("t0psecret", "s3cret", SECRET))


async def test_trouble_is_told_on_the_health_page(start: Start) -> None:
    """A receiver that refuses is told of in words, and calls go on as if it was not there."""
    async with receiving() as hears:
        hears.answers = [status(500)] * 100
        served = await start(GROUPS.format(url=hears.url))
        await spend(served, 8)
        await hears.until(2)
        async with aiohttp.ClientSession() as session, session.get(served.dashboard + "/health") as answer:
            page = await answer.text()
        assert "1 message about a budget waits to be sent again: the receiver answered 500." in page
        assert not any(secret in page for secret in ("t0psecret", "s3cret", SECRET))
        await spend(served, 1)
        ended, said = await served.stop(signal.SIGTERM)
    assert ended == 0
    assert "http://127.0.0.1" in said
    assert not any(secret in said for secret in ("t0psecret", "s3cret", SECRET))
