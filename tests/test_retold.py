"""A response that was made in the background is charged to one call, whoever asks for it and however often."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from store import retold
from store.book import Book, Entry
from store.call import Call, Units
from tests.books import a_call
from tests.conftest import OpenHouse


def asking(response_id: str = "resp_1", **changes: Any) -> Call:
    """A call that fetches a finished response."""
    told: dict[str, Any] = {"method": "GET", "type": "other", "background": True, "response_id": response_id}
    return a_call(**(told | changes))


def entered(book: Book, *calls: Call) -> list[Call]:
    """These calls as they enter the book, as one batch."""
    entries = retold.once(map(Entry, calls), book.charged)
    book.add(entries)
    return [entry.call for entry in entries]


def is_charged(call: Call) -> bool:
    counted = call.reading.tokens is not None
    assert (
        counted == bool(call.usage_micro) == bool(call.cost.nano_usd) == (retold.ALREADY_COUNTED not in call.anomalies)
    )
    return counted


def test_the_first_who_is_told_is_charged(tmp_path: Path) -> None:
    """Of several calls that ask for one response, in one batch or in several, the first has its tokens and cost."""
    with Book(tmp_path) as book:
        first = entered(book, asking(), asking(), asking("resp_2"))
        second = entered(book, asking(), asking("resp_2"))
    assert [is_charged(call) for call in first + second] == [True, False, True, False, False]


def test_it_is_known_after_a_restart(tmp_path: Path) -> None:
    """A book that was closed and opened again knows what was charged."""
    with Book(tmp_path) as book:
        entered(book, asking())
    with Book(tmp_path) as book:
        (again,) = entered(book, asking())
    assert not is_charged(again)


def test_a_journal_read_twice_takes_no_charge_away(tmp_path: Path) -> None:
    """The call that was charged stays charged when it is read again."""
    call = asking()
    with Book(tmp_path) as book:
        entered(book, call)
        assert is_charged(entered(book, call)[0])
        assert book.ask("select count(*), sum(cost) from calls") == [(1, 45_000)]


def test_a_stream_that_told_is_charged(tmp_path: Path) -> None:
    """What the stream of its own POST told is not charged again to who asks for the response."""
    with Book(tmp_path) as book:
        calls = entered(book, asking(method="POST", type="chat"), asking())
    assert [is_charged(call) for call in calls] == [True, False]


def test_other_calls_are_charged_each(tmp_path: Path) -> None:
    """Calls that were not made in the background are charged each, whatever the ids of their responses."""
    with Book(tmp_path) as book:
        calls = entered(book, *(a_call(response_id=one) for one in ("chatcmpl-1", "chatcmpl-1", None)))
    assert all(map(is_charged, calls))


def test_an_answer_without_usage_is_not_the_first(tmp_path: Path) -> None:
    """A call that asked too early is not taken for the one that was told."""
    with Book(tmp_path) as book:
        entered(book, asking(tokens=None))
        (later,) = entered(book, asking())
    assert is_charged(later)


def test_a_cost_without_tokens_is_charged_once(tmp_path: Path) -> None:
    """A video of which only the cost is told, or an image, is charged to the first who is told it."""
    with Book(tmp_path) as book:
        video = asking("video_1", tokens=None, reported_cost_usd=Decimal("0.05"))
        image = asking("image_1", tokens=None, units=Units(images=1))
        calls = entered(
            book, video, asking("video_1", reading=video.reading), image, asking("image_1", reading=image.reading)
        )
    assert [call.cost.nano_usd for call in calls] == [45_000, 0, 45_000, 0]


async def test_asking_through_the_proxy(house: OpenHouse) -> None:
    """Who waits for a response is charged when it is done, once, and not for asking on the way or again."""
    usage = {"input_tokens": 100, "output_tokens": 40, "total_tokens": 140}
    answers = iter([("queued", None), ("in_progress", None), ("completed", usage), ("completed", usage)])

    async def answer(_: web.Request) -> web.Response:
        status, told = next(answers)
        return web.json_response(
            {
                "id": "resp_1",
                "object": "response",
                "background": True,
                "model": "gpt-4o",
                "status": status,
                "usage": told,
            }
        )

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    home = await house(app)
    async with aiohttp.ClientSession(home.proxy) as client:
        await client.post("/openai/v1/responses", json={"model": "gpt-4o", "input": "Hi", "background": True})
        for number in range(3):
            await client.get("/openai/v1/responses/resp_1")
            await home.rows(number + 2)
    rows = [await home.details(row["id"]) for row in reversed(await home.rows(4))]
    assert [row["tokens"]["total"] for row in rows] == [None, None, 140, None]
    assert [row["anomalies"] for row in rows] == [[], [], [], [retold.ALREADY_COUNTED]]
    assert [row["cost"]["state"] for row in rows[1:]] == ["free", "priced", "free"]


async def test_polling_a_run_through_the_proxy(house: OpenHouse) -> None:
    """Who polls the run of an assistant is charged what it took, once, because its beginning was told nothing."""
    usage = {"prompt_tokens": 100, "completion_tokens": 40, "total_tokens": 140}
    answers = iter([("queued", None), ("in_progress", None), ("completed", usage), ("completed", usage)])

    async def answer(_: web.Request) -> web.Response:
        status, told = next(answers)
        run = {"id": "run_1", "object": "thread.run", "model": "gpt-4o", "status": status, "usage": told}
        return web.json_response(run)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    home = await house(app)
    async with aiohttp.ClientSession(home.proxy) as client:
        await client.post("/openai/v1/threads/thread_1/runs", json={"assistant_id": "asst_1"})
        for number in range(3):
            await client.get("/openai/v1/threads/thread_1/runs/run_1")
            await home.rows(number + 2)
    rows = [await home.details(row["id"]) for row in reversed(await home.rows(4))]
    assert [row["tokens"]["total"] for row in rows] == [None, None, 140, None]
    assert [row["cost"]["state"] for row in rows[1:]] == ["free", "priced", "free"]
