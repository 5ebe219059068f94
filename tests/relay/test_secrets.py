"""What must never be kept: credentials, wherever a client puts them. And our own key is not for strangers."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from proxy.config.model import Secret
from tests.conftest import OpenHouse
from tests.relay.conftest import Dial, OpenUpstream
from tests.relay.neighbours import answering, sized

CANARY = "sk-canary-0123456789abcdefghij"


def everything(data_dir: Path) -> bytes:
    """All bytes of all files in a data directory, and all text of the book."""
    found = b"".join(path.read_bytes() for path in data_dir.rglob("*") if path.is_file())
    with closing(sqlite3.connect(data_dir / "book.db")) as book:
        found += "\n".join(book.iterdump()).encode()
    return found


@pytest.mark.parametrize(
    ("target", "line"),
    [
        (f"/openai/v1/models?key={CANARY}", "X-A: b"),
        (f"/openai/v1/models?a=1;key={CANARY}", "X-A: b"),
        (f"/openai/v1/models?X-Amz-Signature={CANARY}", "X-A: b"),
        (f"/{CANARY}/v1/models", "X-A: b"),
        (f"/openai/../v1?api_key={CANARY}", "X-A: b"),
        (f"/openai/v1#{CANARY}", "X-A: b"),
        (f"http://user:{CANARY}@host/openai/v1", "X-A: b"),
        ("/openai/v1/models", f"Authorization: Bearer {CANARY}"),
        ("/openai/v1/models", f"x-api-key: {CANARY}"),
        ("/openai/v1/models", f"Cookie: session={CANARY}"),
        ("/openai/v1/models", f"HTTP-Referer: http://x/?key={CANARY}"),
        ("/openai/v1/models", f"Helicone-Auth: Bearer {CANARY}"),
    ],
)
async def test_a_credential_is_not_kept(
    house: OpenHouse, raw_upstream: OpenUpstream, dial: Dial, target: str, line: str
) -> None:
    """However a credential is presented, and whatever becomes of the call, no file holds it afterwards."""
    upstream = await raw_upstream(answering(sized(b"{}")))
    home = await house(upstream.url)
    client = await dial(home.proxy)
    await client.ask(target, "GET", line)
    assert CANARY.encode() not in (await client.answer()).body
    for _ in range(3000):
        live = home.ingest.live()
        if live.stored + live.malformed and live.stored == live.received:
            break
        await asyncio.sleep(0.02)
    else:
        raise AssertionError("the call never came to its end")
    assert CANARY.encode() not in everything(home.config.store.data_dir)


@pytest.mark.parametrize(
    ("host", "line"),
    [
        ("evil.example", "X-A: b"),
        ("localhost", "Origin: https://evil.example"),
        ("localhost", "Sec-Fetch-Site: cross-site"),
    ],
)
async def test_a_web_page_cannot_spend_our_key(
    house: OpenHouse, raw_upstream: OpenUpstream, dial: Dial, host: str, line: str
) -> None:
    """Where the upstream's key is ours, a request that a web page may have made is refused and goes nowhere."""
    upstream = await raw_upstream(answering(sized(b"{}")))
    home = await house(upstream.url, upstream={"api_key": Secret(CANARY)})
    client = await dial(home.proxy)
    await client.ask("/openai/v1/models", "GET", line, host=host)
    assert (await client.answer()).status == 403
    row = await home.row()
    assert row["outcome"] == "rejected"
    assert row["error"]["code"] == "cross_site"
    assert not upstream.visits
