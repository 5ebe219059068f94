"""One receiver is told, in signed messages, once in each period that a budget is nearly used and that it is used up."""

import asyncio
import hashlib
import hmac
import os
import re
import time
from pathlib import Path

import pytest

from proxy.config.model import Config, Store
from store.budgets import BudgetState
from store.moments import rfc3339
from store.webhook import telling
from tests.books import NOON_US
from tests.budgets.receiver import SECRET
from tests.budgets.told import DAY_US, SOON, Desk, settled, state

EXAMPLE = Path(__file__).parents[2] / "config.example.toml"


async def test_a_message_says_what_stands(desk: Desk) -> None:
    """The body is one JSON object with the fields of the budget, in their order."""
    desk.states = [state("8.5")]
    async with desk.telling():
        (heard,) = await desk.hears.until(1)
    message = heard.told
    assert re.fullmatch("[0-9a-f]{32}", message.pop("id"))
    assert list(message.items()) == [
        ("event", "budget_nearly_used"), ("of", "group"), ("name", "lab"), ("credits", 10.0), ("period", "day"),
        ("used", 8.5), ("share", 0.85), ("until", "2026-11-22T12:00:00.000000Z"), ("time", rfc3339(NOON_US + 1)),
    ]  # fmt: skip
    assert heard.path == "/t0psecret/a%2Fb?k=s3cret"
    assert heard.headers["Content-Type"] == "application/json"


async def test_nobody_is_told_unless_asked_for(tmp_path: Path) -> None:
    """Without an address no budget is looked at, nothing is written, and health has nothing to tell."""

    def passed() -> list[BudgetState]:
        raise AssertionError("the budgets were looked at")

    async with telling(Config(store=Store(tmp_path)), passed, SOON) as told:
        await asyncio.sleep(5 * SOON.look_s)
        assert told() is None
    assert os.listdir(tmp_path) == []


async def test_the_signature_is_right(desk: Desk) -> None:
    """The header holds the time of the attempt, and the HMAC of it and the body under the secret."""
    desk.states = [state("8.5")]
    async with desk.telling():
        (heard,) = await desk.hears.until(1)
    header = heard.headers["x-tollbook-signature"]
    stamp = NOON_US // 1_000_000
    right = hmac.new(SECRET.encode(), f"{stamp}.".encode() + heard.body, hashlib.sha256).hexdigest()
    assert header == f"t={stamp},v1={right}"


@pytest.mark.parametrize(
    ("secret", "spoilt", "age_s", "genuine"),
    [(SECRET, b"", 0, True), ("other", b"", 0, False), (SECRET, b" ", 0, False), (SECRET, b"", 600, False)],
)
async def test_the_manual_tells_how_to_check(desk: Desk, secret: str, spoilt: bytes, age_s: int, genuine: bool) -> None:
    """The lines of Python in the example of the configuration take a message for what it is."""
    desk.now_us = time.time_ns() // 1000 - age_s * 1_000_000
    desk.states = [state("8.5", start_us=desk.now_us - 1)]
    async with desk.telling():
        (heard,) = await desk.hears.until(1)
    lines = "".join(re.findall(r"^#     (.*\n)", EXAMPLE.read_text(), re.MULTILINE))
    names: dict[str, object] = {
        "header": heard.headers["x-tollbook-signature"],
        "body": heard.body + spoilt,
        "secret": secret,
    }
    exec(lines, names)
    assert names["genuine"] is genuine


async def test_each_mark_is_told_once_in_a_period(desk: Desk) -> None:
    """However often it is looked, a budget is told once as nearly used and once as used up; the next day again."""
    async with desk.telling() as told:
        for used in ("7.999999", "8", "9.999999", "10", "12"):
            desk.states = [state(used)]
            await asyncio.sleep(5 * SOON.look_s)
            await settled(told)
        assert desk.hears.events() == [("budget_nearly_used", "lab"), ("budget_used_up", "lab")]
        desk.states = [state("8", start_us=NOON_US + DAY_US)]
        await desk.hears.until(3)
        await settled(told)
    ids = [heard.told["id"] for heard in desk.hears.heard]
    assert len(set(ids)) == len(ids) == 3


async def test_budgets_are_told_apart(desk: Desk) -> None:
    """Each budget of each holder is told for itself, also one that was changed; a total has no end."""
    desk.states = [state("9"), state("9", "9/day"), state("9", "10/week"), state("9", "10"), state("9", name="b")]
    async with desk.telling() as told:
        await desk.hears.until(5)
        await settled(told)
    found = {(one.told["name"], one.told["credits"], one.told["period"], one.told["event"]) for one in desk.hears.heard}
    assert found == {
        ("lab", 10.0, "day", "budget_nearly_used"), ("lab", 9.0, "day", "budget_used_up"),
        ("lab", 10.0, "week", "budget_nearly_used"), ("lab", 10.0, "total", "budget_nearly_used"),
        ("b", 10.0, "day", "budget_nearly_used"),
    }  # fmt: skip
    assert [one.told["until"] for one in desk.hears.heard if one.told["period"] == "total"] == [None]


async def test_a_renamed_key_is_not_told_again(desk: Desk) -> None:
    """What was told under a former name is not told under the new one, but what is new is."""
    async with desk.telling() as told:
        desk.states = [state("8")]
        await desk.hears.until(1)
        desk.states = [state("8", name="new", former_names=("lab",))]
        await asyncio.sleep(5 * SOON.look_s)
        desk.states = [state("10", name="new", former_names=("lab",))]
        await desk.hears.until(2)
        await settled(told)
    assert desk.hears.events() == [("budget_nearly_used", "lab"), ("budget_used_up", "new")]


async def test_a_long_time_later_nothing_old_is_remembered(desk: Desk) -> None:
    """What was told of periods that are long over is forgotten, so that the file does not grow for ever."""
    async with desk.telling() as told:
        for day in range(5):
            desk.now_us = NOON_US + day * DAY_US + 1
            desk.states = [state("8", start_us=NOON_US + day * DAY_US)]
            await desk.hears.until(day + 1)
            await settled(told)
    text = (desk.data_dir / "webhook.json").read_text()
    kept = [heard.told["id"] in text for heard in desk.hears.heard]
    assert kept == [False, False, False, True, True]
