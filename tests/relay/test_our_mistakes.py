"""A mistake of our own costs one call, is in the book, and tells nobody's secrets to the log."""

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from proxy.admission import Admission
from proxy.call_id import CallIds
from proxy.calls import Calls
from proxy.config.model import Config, Store, Upstream
from proxy.floods import Floods
from proxy.forward import Parts
from proxy.journal.directory import claim, new_boot_id
from proxy.journal.tally import Tally
from proxy.journal.writer import Journal
from proxy.keys.keyring import Keyring
from proxy.me import Me
from proxy.server import ProxyServer
from proxy.upstream import Answer, Asking
from tests.house import listening
from tests.journal.runs import ingested, rows
from tests.relay.neighbours import RawClient

SECRET = "sk-canary-0123456789"


class Mistaken:
    """An upstream side with a bug in it."""

    async def ask(self, upstream: Upstream, asking: Asking) -> Answer:
        """Fails, and quotes what it was given."""
        raise KeyError(f"no idea what to do with {asking.headers}")

    async def close(self) -> None:
        """Nothing is open."""


async def test_a_mistake_of_ours_is_a_row(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The client's connection ends, the row says that we broke, the log says where, and no credential is in it."""
    upstreams = {"groq": Upstream("groq", "http://127.0.0.1:1", "openai", "groq")}
    config = Config(store=Store(tmp_path), upstreams=upstreams)
    boot_id = new_boot_id()
    tally = Tally(tmp_path, boot_id)
    directory = claim(tmp_path, boot_id)
    journal = Journal(directory, tally)
    keyring = Keyring(tmp_path)
    parts = Parts(
        config, journal, tally, Mistaken(), ThreadPoolExecutor(1), CallIds(), Admission(config, keyring), Floods()
    )
    calls = Calls(parts, Me(config, keyring))
    sock = listening()
    server = await asyncio.get_running_loop().create_server(ProxyServer(calls.handle, tally, config.proxy), sock=sock)
    with caplog.at_level(logging.ERROR):
        client = await RawClient.dial(f"http://127.0.0.1:{sock.getsockname()[1]}")
        await client.ask("/groq/v1/models", "GET", f"Authorization: Bearer {SECRET}")
        assert await client.rest() == b""
        client.leave()
    server.close()
    await journal.close()
    tally.close()
    directory.release()
    assert (await ingested(tmp_path))["stored"] == 1
    (row,) = await rows(tmp_path)
    assert (row["outcome"], row["status"], row["error"]["code"]) == ("interrupted", None, "internal")
    assert "KeyError" in caplog.text
    assert "test_our_mistakes.py" in caplog.text
    assert SECRET not in caplog.text
