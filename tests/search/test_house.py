"""Full text search in a whole house: real calls, relayed, stored, and found a moment later."""

import asyncio
import subprocess
import sys
from pathlib import Path
from typing import Any

import aiohttp
import orjson
from aiohttp import web

from proxy.config.model import Capture
from tests.conftest import OpenHouse
from tests.house import House

ROOT = Path(__file__).resolve().parents[2]
SECRET = "sk-canary-5ecret-0123456789"
IMAGE = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAAB" * 40


def speaking(text: str) -> web.Application:
    """An upstream that streams this text word by word."""

    async def answer(request: web.Request) -> web.StreamResponse:
        await request.read()
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        for index in range(0, len(text), 3):
            delta = {"choices": [{"index": 0, "delta": {"content": text[index : index + 3]}}]}
            await response.write(b"data: " + orjson.dumps(delta) + b"\n\n")
        await response.write(b"data: [DONE]\n\n")
        return response

    app = web.Application()
    app.router.add_post("/{path:.*}", answer)
    return app


async def say(house: House, content: Any) -> None:
    """One streamed chat through the house, with a secret in its header and its query."""
    async with aiohttp.ClientSession() as session:
        answer = await session.post(
            f"{house.proxy}/openai/v1/chat/completions?api_key={SECRET}",
            json={"model": "gpt-4o-mini", "stream": True, "messages": [{"role": "user", "content": content}]},
            headers={"Authorization": f"Bearer {SECRET}"},
        )
        await answer.read()


async def asked(house: House, path: str) -> dict[str, Any]:
    async with aiohttp.ClientSession() as session, session.get(f"{house.dashboard}{path}") as answer:
        assert answer.status == 200
        return dict(await answer.json())


async def settled(house: House, calls: int) -> None:
    """Wait until every call is stored and indexed."""
    await house.rows(calls)
    deadline = asyncio.get_running_loop().time() + 60
    while (told := (await asked(house, "/api/health"))["search"])["waiting"] or not told["to"]:
        assert asyncio.get_running_loop().time() < deadline
        await asyncio.sleep(0.02)


async def command(*arguments: str) -> "subprocess.CompletedProcess[bytes]":
    """The command, as a process of its own."""
    line = [sys.executable, "-m", "proxy.cli", *arguments]
    return await asyncio.to_thread(subprocess.run, line, cwd=ROOT, capture_output=True, check=False)


async def found(house: House, text: str) -> int:
    url = f"{house.dashboard}/api/logs"
    async with aiohttp.ClientSession() as session, session.get(url, params={"q": text}) as answer:
        return len((await answer.json())["logs"])


async def test_a_call_is_found_by_what_was_asked_and_streamed(house: OpenHouse) -> None:
    """Words of the request and words that came in pieces are found in moments; encoded bytes and secrets are not."""
    home = await house(speaking("the quick brown fox jumps"))
    picture = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{IMAGE}"}}
    await say(home, [{"type": "text", "text": "tell me about zoology"}, picture])
    await settled(home, 1)
    assert await found(home, "zoology") == 1
    assert await found(home, '"brown fox" zoo*') == 1
    assert await found(home, "zoology cats") == 0
    for hidden in (SECRET, "canary", IMAGE[:100], "iVBOR*", "base64", "Bearer"):
        assert await found(home, hidden) == 0, hidden
    data = home.config.store.data_dir
    for path in data.glob("search.db*"):
        assert b"canary" not in path.read_bytes()
        assert b"5ecret" not in path.read_bytes()


async def test_the_command_finds_what_was_indexed(house: OpenHouse) -> None:
    """It reads the files alone, and names a text that cannot be searched for."""
    home = await house(speaking("the quick brown fox jumps"))
    await say(home, "tell me about zoology")
    await settled(home, 1)
    data_dir = str(home.config.store.data_dir)
    for option in ("-q", "--q"):
        ran = await command("logs", option, "zoology fox", "--json", "--data-dir", data_dir)
        assert ran.returncode == 0, ran.stderr
        answer = orjson.loads(ran.stdout)
        assert (len(answer["logs"]), answer["searched"]["waiting"]) == (1, 0)
    wrong = await command("logs", "-q", "...", "--data-dir", data_dir)
    assert wrong.returncode == 2
    assert b"--q: " in wrong.stderr


async def test_without_bodies_the_search_says_so(house: OpenHouse) -> None:
    """Health has null for the search where no text is kept, and no word is found."""
    home = await house(speaking("the quick brown fox jumps"), capture=Capture(bodies="none"))
    await say(home, "tell me about zoology")
    await home.rows(1)
    assert (await asked(home, "/api/health"))["search"] is None
    assert await found(home, "zoology") == 0
