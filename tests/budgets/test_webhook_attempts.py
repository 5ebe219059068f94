"""A message is tried until it is taken, for a day, across restarts; nothing about it holds anything else up."""

import asyncio
import logging
import re
import shutil
import socket
import ssl
import subprocess
from pathlib import Path

import pytest
from aiohttp import web

from store.webhook import Standing
from store.webhook.queue import Patience
from tests.budgets.receiver import Hears, never, receiving, status
from tests.budgets.told import DAY_US, SOON, Desk, failing, settled, state


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (status(500), "the receiver answered 500"),
        (status(302, Location="/elsewhere"), "the receiver answered 302, a redirect, which is not followed"),
    ],
)
async def test_what_is_not_taken_is_sent_again(desk: Desk, answer: object, words: str) -> None:
    """An answer but 2xx is a failure that can be seen; the same body comes until it is taken, signed each time."""
    hold = asyncio.Event()

    async def held() -> web.StreamResponse:
        await hold.wait()
        return web.Response(status=200)

    desk.states = [state("8.5")]
    desk.hears.answers = [answer, answer, held]  # type: ignore[list-item]
    async with desk.telling() as told:
        await desk.hears.until(3)
        assert told() == Standing(1, 0, words)
        hold.set()
        assert await settled(told) == Standing(0, 0, None)
    assert len({heard.body for heard in desk.hears.heard}) == 1
    assert {heard.path for heard in desk.hears.heard} == {"/t0psecret/a%2Fb?k=s3cret"}
    assert len(desk.hears.heard) == 3


async def test_a_receiver_that_is_not_there_is_waited_for(tmp_path: Path) -> None:
    """A refused connection is tried again; once somebody listens, the message arrives, once."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        hears = Hears(port=free.getsockname()[1])
    desk = Desk(tmp_path, hears, [state("10")])
    async with desk.telling() as told:
        standing = await failing(told)
        assert standing == Standing(1, 0, "no connection to the receiver")
        async with receiving(hears):
            await hears.until(1)
            assert await settled(told) == Standing(0, 0, None)
    assert hears.events() == [("budget_used_up", "lab")]


async def test_a_day_in_vain_is_enough(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    """A message nobody took for a day is given up and counted, and not noticed anew."""
    desk.states = [state("10")]
    desk.hears.answers = [status(503)] * 1000
    async with desk.telling() as told:
        await desk.hears.until(2)
        desk.now_us += DAY_US
        assert await settled(told) == Standing(0, 1, "the receiver answered 503")
    assert "given up" in caplog.text


async def test_a_restart_tells_nothing_twice(desk: Desk) -> None:
    """What was taken is not sent again by the next process."""
    desk.states = [state("8"), state("10", name="b")]
    for _ in range(3):
        async with desk.telling() as told:
            await desk.hears.until(2)
            await settled(told)
    assert sorted(desk.hears.events()) == [("budget_nearly_used", "lab"), ("budget_used_up", "b")]


async def test_what_waits_survives_a_restart(desk: Desk) -> None:
    """A message that was not taken is sent by the next process, as it was, though the budget has begun anew."""
    desk.states = [state("8.5")]
    desk.hears.answers = [status(500)]
    async with desk.telling(Patience(look_s=0.01, last_s=0.1)):
        await desk.hears.until(1)
    desk.states = []
    async with desk.telling() as told:
        await desk.hears.until(2)
        await settled(told)
    first, second = desk.hears.heard
    assert first.body == second.body


async def test_what_is_told_twice_has_the_same_id(desk: Desk) -> None:
    """When what was remembered is damaged, the message comes again with the id it had; and it is remembered anew."""
    desk.states = [state("8.5")]
    for count, spoil in enumerate(("", "{", '{"version":9,"told":{},"pending":[]}', None), start=1):
        if spoil:
            (desk.data_dir / "webhook.json").write_text(spoil)
        async with desk.telling() as told:
            await desk.hears.until(min(count, 3))
            await settled(told)
    assert len(desk.hears.heard) == 3
    assert len({heard.told["id"] for heard in desk.hears.heard}) == 1


async def test_a_file_that_cannot_be_written_keeps_nobody_from_being_told(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    """Without a file the message is sent all the same, once, and the log says so once."""
    (desk.data_dir / ".webhook.json").mkdir()
    desk.states = [state("8.5")]
    async with desk.telling() as told:
        await desk.hears.until(1)
        await settled(told)
    assert len(desk.hears.heard) == 1
    assert caplog.text.count("cannot be noted") == 1


async def test_the_file_is_the_owners_alone(desk: Desk) -> None:
    """Others of the machine cannot read what was told; no URL and no secret is in it."""
    desk.states = [state("8.5")]
    async with desk.telling() as told:
        await desk.hears.until(1)
        await settled(told)
    file = desk.data_dir / "webhook.json"
    assert file.stat().st_mode & 0o777 == 0o600
    assert not re.search("t0psecret|s3cret|hunter2", file.read_text())


async def test_a_receiver_that_never_answers_holds_up_no_end(desk: Desk) -> None:
    """The end waits a moment for an answer, not for as long as an attempt may take; the message waits for the next."""
    desk.states = [state("8.5")]
    desk.hears.answers = [never]
    async with asyncio.timeout(30):
        async with desk.telling(Patience(look_s=0.01, answer_s=3600, last_s=0.05)):
            await desk.hears.until(1)
    async with desk.telling() as told:
        await desk.hears.until(2)
        assert await settled(told) == Standing(0, 0, None)


async def test_silence_is_a_failure(desk: Desk) -> None:
    """An attempt that is not answered in time is given up and made again."""
    desk.states = [state("8.5")]
    desk.hears.answers = [never]
    async with desk.telling(Patience(look_s=0.01, waits_s=(0.3,), answer_s=0.05)) as told:
        standing = await failing(told)
        assert standing.last_error == "the receiver did not answer within 0.05 s"
        await desk.hears.until(2)
        await settled(told)


async def test_an_answer_before_the_end_counts(desk: Desk) -> None:
    """A receiver that answers while everything ends has taken the message."""

    async def late() -> web.StreamResponse:
        await asyncio.sleep(0.1)
        return web.Response()

    desk.states = [state("8.5")]
    desk.hears.answers = [late]
    async with desk.telling(Patience(look_s=0.01, last_s=30)):
        await desk.hears.until(1)
    async with desk.telling() as told:
        await settled(told)
    assert len(desk.hears.heard) == 1


async def test_no_more_wait_than_is_bounded(desk: Desk) -> None:
    """Of very many at once a thousand wait; the others are noticed when there is room, and all are told once."""
    desk.states = [state("9", name=f"g{number}") for number in range(1200)]
    desk.hears.answers = [status(500)] * 8
    most = 0
    async with desk.telling() as told:
        while len(set(desk.hears.events())) < 1200:
            await asyncio.sleep(SOON.look_s)
            standing = told()
            assert standing is not None
            most = max(most, standing.pending)
        await settled(told)
    assert most <= 1000
    assert len(desk.hears.heard) == 1208


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("https://127.0.0.1:{port}/t0psecret", "no secure connection to the receiver"),
        ("http://no-such-host.invalid/t0psecret", "the receiver's host name is not known"),
    ],
)
async def test_nothing_but_the_origin_is_logged(
    desk: Desk, caplog: pytest.LogCaptureFixture, url: str, words: str
) -> None:
    """Failures are told in words without the path, query or secret, in the log and in health."""
    caplog.set_level(logging.DEBUG)
    desk.states = [state("8.5")]
    async with desk.telling(url=url.format(port=desk.hears.port)) as told:
        standing = await failing(told)
    assert standing.last_error == words
    assert "/***" in caplog.text
    assert not re.search("t0psecret|s3cret|hunter2", caplog.text + str(standing))


@pytest.fixture
def stranger(tmp_path: Path) -> ssl.SSLContext:
    """The TLS of a server whose certificate nobody but itself has signed."""
    if shutil.which("openssl") is None:
        pytest.skip("nothing here makes certificates")
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate],
        check=True, capture_output=True,
    )  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context


async def test_only_a_trusted_receiver_is_told(tmp_path: Path, stranger: ssl.SSLContext) -> None:
    """A certificate that is not trusted gets nothing."""
    async with receiving(tls=stranger) as hears:
        desk = Desk(tmp_path, hears, [state("8.5")])
        async with desk.telling(url=hears.url.replace("http://", "https://")) as told:
            standing = await failing(told)
    assert standing.last_error == "the receiver's certificate is not trusted"
    assert hears.heard == []
