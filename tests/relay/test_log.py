"""What the processes say on stderr: one form for all of it, and no credential in any."""

import asyncio
import json
import logging
import signal
import subprocess
import sys
from asyncio.subprocess import PIPE, Process
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from proxy.config.model import Config, Dashboard, Log, LogFormat, Secret, Upstream
from proxy.keys.secret import new_secret
from proxy.log import formatter
from tests.relay.served import ROOT, Served

TOKEN = "a/token+of=19-chars"
UPSTREAM = "0123456789upstream"
PASSED = "c0ffee5ca1ab1edecade"
CONFIG = Config(
    dashboard=Dashboard(token=Secret(TOKEN)),
    upstreams={"a": Upstream("a", "https://a.example", "openai", "a", api_key=Secret(UPSTREAM))},
)
FORMATS: tuple[LogFormat, ...] = ("text", "json")


def written(form: LogFormat, message: str, *arguments: object, error: BaseException | None = None) -> str:
    """The line of this record, as a worker writes it."""
    record = logging.LogRecord(
        "tollbook.proxy", logging.ERROR, __file__, 1, message, arguments,
        None if error is None else (type(error), error, error.__traceback__),
    )  # fmt: skip
    return formatter("worker", replace(CONFIG, log=Log(form)), 3).format(record)


def raised(message: str) -> ValueError:
    """An error that was raised, so that it has a traceback."""
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - it is our own
        raise ValueError(message)
    return caught.value


def told(secret: str) -> list[str]:
    """How a secret that nobody knows here may stand in what somebody sent."""
    return [
        f"Authorization: Bearer {secret}",
        f"authorization: {secret}",
        repr(f"GET / HTTP/1.1\r\nx-api-key: {secret}\r\n\r\n".encode()),
        f"{[(b'Cookie', secret.encode()), (b'X-Goog-Api-Key', secret.encode())]}",
        f"{ ({'api_key': secret, 'n': 1}) }",
        json.dumps({"client_secret": secret}),
        json.dumps({"error": json.dumps({"api_key": secret})}),
        f"https://a.example/v1?key={secret}&b=1",
        f"/v1?a=1;access_token={secret}",
        f"https://user:{secret}@a.example/",
        f"Basic {secret}",
        f"Authorization: Key {secret}",
        f"xi-api-key: {secret}",
        f"passed sk-proj-{secret} by mistake",
    ]


@pytest.mark.parametrize("form", FORMATS)
def test_no_credential_is_printed(form: LogFormat) -> None:
    """Neither a message, nor its arguments, nor a traceback shows a credential, known here or told by a stranger."""
    issued = new_secret()
    for secret in (TOKEN, UPSTREAM, issued):
        assert secret not in written(form, f"x{secret}x %s %r", secret, [secret], error=raised(f"{secret} is wrong"))
    for said in told(PASSED):
        line = written(form, "%s", said, error=raised(said))
        assert PASSED not in line, line
        assert "REDACTED" in line


@pytest.mark.parametrize("form", FORMATS)
def test_what_is_long_is_cut_in_its_middle(form: LogFormat) -> None:
    """Of a long message the beginning and the end are kept, and no part of a credential that stood at the cut."""
    line = written(form, "first %s last", f"{'x' * 16_370}{UPSTREAM}{'x' * 100_000}")
    assert len(line) < 40_000
    assert "first" in line
    assert "last" in line
    assert UPSTREAM[:8] not in line


@pytest.mark.parametrize("form", FORMATS)
def test_words_stay(form: LogFormat) -> None:
    """What is no credential is printed, also beside such words."""
    for said in (
        "dashboard.token_env: unknown key", "upstreams.a.api_key_env: must be the name of an environment variable",
        "the journal cannot be written: No space left on device", "2000 tokens: more than 1000",
        "call 0193a5f2-7c3d-7abc-8def-0123456789ab broke", "key = 12",
    ):  # fmt: skip
        assert said in written(form, said)


def test_a_line_of_json_is_one_object() -> None:
    """It has the time, the level, the logger, the process and the message; what a stranger wrote cannot break it."""
    line = written("json", "it broke:\n%s", "\x1b[2J\u2028\u202e", error=raised("for\nthis \u202e reason"))
    assert line.isascii()
    assert line.isprintable()
    said = json.loads(line)
    assert datetime.fromisoformat(said.pop("time")).utcoffset() is not None
    assert "ValueError: for\nthis" in said.pop("exception")
    assert isinstance(said.pop("pid"), int)
    assert said == {
        "level": "error", "logger": "tollbook.proxy", "process": "worker 3", "message": "it broke:\n\x1b[2J\u2028\u202e"
    }  # fmt: skip


def test_a_line_of_text_is_harmless() -> None:
    """It says who, how bad and what; control characters are escapes, and a traceback keeps its lines."""
    assert written("text", "it broke: %s", "\x1b[2J\u202e") == "tollbook worker: ERROR it broke: \\x1b[2J\\u202e"
    assert len(written("text", "it broke", error=raised("so")).splitlines()) > 2


_UNFORESEEN = """
import threading
from proxy.config.model import Config, Log
from proxy.log import begin
begin("store", Config(log=Log("json")))
broken = threading.Thread(target=lambda: {}["token=c0ffee5ca1ab1edecade"])
broken.start()
broken.join()
raise ValueError("Authorization: Bearer c0ffee5ca1ab1edecade")
"""


def test_what_nobody_foresaw_has_the_same_form() -> None:
    """An exception that ends a thread or the process is a record as any other, without the credential it quotes."""
    ran = subprocess.run([sys.executable, "-c", _UNFORESEEN], cwd=ROOT, capture_output=True, text=True, check=False)
    said = [json.loads(line) for line in ran.stderr.splitlines()]
    assert [one["exception"].splitlines()[-1] for one in said] == [
        "KeyError: 'token=REDACTED'", "ValueError: Authorization: Bearer REDACTED",
    ]  # fmt: skip
    assert {one["level"] for one in said} == {"critical"}


async def test_every_process_says_json(tmp_path: Path, started: list[Process]) -> None:
    """With --log-format json every line of stderr is an object, the addresses too, and stdout is empty."""
    config = tmp_path / "tollbook.toml"
    config.write_text('[log]\nformat = "text"\n')
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "proxy.cli", "serve", "--config", config, "--data-dir", tmp_path / "data",
        "--listen", "127.0.0.1:0", "--dashboard", "127.0.0.1:0", "--log-format", "json",
        cwd=ROOT, stdout=PIPE, stderr=PIPE,
    )  # fmt: skip
    started.append(process)
    assert process.stderr is not None
    first = [json.loads(await asyncio.wait_for(process.stderr.readline(), 60)) for _ in range(2)]
    address = first[0]["message"].removeprefix("relays calls on ")
    served = Served(process, address, first[1]["message"].removeprefix("answers questions on "))
    assert await served.rows(0) == []
    worker = served.child("worker")
    worker.kill()
    await served.another("worker", worker)
    (tmp_path / "data" / "keys.json").write_text("{")
    said: dict[str, str] = {}
    async with asyncio.timeout(60):
        while said.keys() < {"parent", "worker 1", "store"}:
            line = json.loads(await process.stderr.readline())
            said[line["process"]] = line["message"]
    assert said["parent"] == "the worker process ended unasked; starting another"
    assert "keys.json" in said["worker 1"]
    process.send_signal(signal.SIGTERM)
    out, rest = await asyncio.wait_for(process.communicate(), 60)
    assert (process.returncode, out) == (0, b"")
    assert all(json.loads(line)["pid"] for line in rest.splitlines())
