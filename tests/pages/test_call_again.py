"""The command on the page of a call, run by a real shell and a real curl, makes the same call again."""

import asyncio
import os
import re
import shutil
from html import unescape

import aiohttp
import pytest

from tests.conftest import OpenHouse

CALLS = [
    ("openai/v1/chat/completions", {"Authorization": "Bearer sk-sample-1234567890"},
     {"model": "gpt-4o-mini", "messages": [
         {"role": "user", "content": "It's \"quoted\" `$HOME` \\ grüße \x1b[31m 日本\n"}]}),
    ("openai/v1/chat/completions", {"Authorization": "Bearer sk-sample-1234567890", "X-Tollbook-Session": "a'b"},
     {"model": "gpt-4o-mini", "stream": True, "messages": [{"role": "user", "content": "x" * 150_000}]}),
    ("anthropic/v1/messages", {"x-api-key": "sk-ant-sample-123456", "anthropic-version": "2023-06-01"},
     {"model": "claude-sonnet-4-5", "max_tokens": 50, "messages": [{"role": "user", "content": "@file"}]}),
    ("gemini/v1beta/models/gemini-2.5-flash:generateContent?key=AIza-sample-123456", {},
     {"contents": [{"role": "user", "parts": [{"text": "Hello?"}]}]}),
]  # fmt: skip


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl here")
@pytest.mark.parametrize(("path", "headers", "body"), CALLS, ids=["openai", "large", "anthropic", "gemini"])
async def test_the_command_makes_the_same_call_again(
    house: OpenHouse, path: str, headers: dict[str, str], body: object, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Two rows come of it that agree in everything but when and by whom they were made."""
    here = await house()
    async with aiohttp.ClientSession() as client:
        async with client.post(f"{here.proxy}/{path}", json=body, headers=headers) as answer:
            await answer.read()
            assert answer.status == 200
        first = await here.row()
        async with client.get(f"{here.dashboard}/logs/{first['id']}") as page:
            (shown,) = re.findall(r'<pre[^>]* id="curl-[^"]*">(.*?)</pre>', await page.text(), re.DOTALL)
        command = unescape(shown)
        assert "sample" not in command
        cwd = tmp_path_factory.mktemp("shell")
        if named := re.search(r"@(tollbook-\S+)", command):
            async with client.get(f"{here.dashboard}/logs/{first['id']}/request") as raw:
                (cwd / named[1]).write_bytes(await raw.read())
    keys = dict.fromkeys(("API_KEY", "ANTHROPIC_API_KEY", "GEMINI_API_KEY"), "sk-another-1234567890")
    shell = await asyncio.create_subprocess_exec(
        "/bin/bash", "-c", command, cwd=cwd, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
        env={"PATH": os.environ["PATH"], **keys},
    )  # fmt: skip
    await shell.communicate()
    assert shell.returncode == 0
    again, _ = await here.rows(2)
    same = ("model", "requested_model", "type", "upstream", "status", "outcome", "stream", "session", "tokens", "cost")
    assert {name: again[name] for name in same} == {name: first[name] for name in same}
    bodies = [(await here.details(call["id"]))["request"]["body"] for call in (first, again)]
    assert bodies[0] == bodies[1]
    assert again["key"] != first["key"]
