"""What `deploy/` promises of the program is true, as far as that can be seen without an init system or a container."""

import asyncio
import json
import re
import shutil
import signal
import socket
import subprocess
from collections.abc import Sequence
from pathlib import Path

import click
import pytest

from proxy.children import GRACE_S
from proxy.cli.serve import serve
from proxy.config.load import load
from proxy.config.model import Proxy
from proxy.open_files import needed
from tests.relay.served import serve as serve_it

ROOT = Path(__file__).parents[1]
UNIT = (ROOT / "deploy" / "tollbook.service").read_text()
CONTAINER = (ROOT / "deploy" / "Containerfile").read_text()


def setting(name: str) -> str:
    """What the unit says under this name."""
    (found,) = re.findall(rf"^{name}=(.*)$", UNIT, re.MULTILINE)
    return str(found)


def started(words: Sequence[str]) -> click.Context:
    """The command line of `serve` with these words, which must be right."""
    assert words[0] == "serve"
    return serve.make_context("serve", list(words[1:]))


def test_the_unit_starts_what_there_is() -> None:
    """The command line of the unit is right, and its files are where the unit lets it write."""
    program, *words = setting("ExecStart").split()
    given = started(words).params
    assert program.endswith("/bin/tollbook")
    assert given["data_dir"] == Path("/var/lib") / setting("StateDirectory")
    assert setting("ProtectSystem") == "strict"


def test_the_unit_stops_and_reloads_in_order() -> None:
    """It gives the parent the time it may need, tells it alone, has files enough, and reloads by SIGHUP."""
    patience_s = Proxy().shutdown_timeout_s + GRACE_S
    assert int(setting("TimeoutStopSec")) > 2 * patience_s
    assert setting("KillMode") == "mixed"
    assert int(setting("LimitNOFILE")) >= needed(Proxy())
    assert setting("ExecReload").split()[1:] == ["-HUP", "$MAINPID"]


async def test_it_tells_the_service_manager_where_it_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the unit's type asks for: ready once it answers, ready again after a reload, and that it is about to end."""
    assert setting("Type") == "notify"
    (file := tmp_path / "tollbook.toml").write_text("")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.setblocking(False)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))

        async def told() -> list[str]:
            async with asyncio.timeout(60):
                return (await asyncio.get_running_loop().sock_recv(manager, 1000)).decode().splitlines()

        served = await serve_it(tmp_path / "data", file)
        try:
            assert await told() == ["READY=1"]
            assert await served.asked("/api/health")
            served.process.send_signal(signal.SIGHUP)
            reloading, clock = await told()
            assert reloading == "RELOADING=1"
            assert re.fullmatch(r"MONOTONIC_USEC=\d+", clock)
            assert await told() == ["READY=1"]
            file.write_text("nonsense")
            served.process.send_signal(signal.SIGHUP)
            assert (await told())[0] == "RELOADING=1"
            assert await told() == ["READY=1"]  # it goes on as before
        finally:
            await served.stop(signal.SIGTERM)
        assert await told() == ["STOPPING=1"]


def test_the_unit_leaves_the_counts_of_what_was_killed() -> None:
    """systemd removes nothing from /dev/shm when the unit ends: the pages of counts there outlive the workers."""
    assert setting("RemoveIPC") == "no"


def test_systemd_accepts_the_unit(tmp_path: Path) -> None:
    """systemd finds nothing wrong with the unit, and little that it leaves open."""
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("there is no systemd-analyze here")
    unit = tmp_path / "tollbook.service"
    unit.write_text(UNIT.replace(setting("ExecStart").split()[0], "/bin/true"))  # it must exist
    for words in (["verify"], ["security", "--offline=true", "--threshold=20", "--no-pager"]):
        judged = subprocess.run([analyze, *words, str(unit)], capture_output=True, text=True, check=False)
        assert judged.returncode == 0, judged.stdout + judged.stderr
        assert "tollbook.service:" not in judged.stderr


def test_the_container_starts_what_there_is(tmp_path: Path) -> None:
    """What it copies is there, what it starts is right once there is a token, and its health check is a program."""
    for line in re.findall(r"^COPY (?!--from)(.*) \S+$", CONTAINER, re.MULTILINE):
        assert all((ROOT / source).exists() for source in line.split())
    (command,) = re.findall(r"^CMD (\[.*\])$", CONTAINER, re.MULTILINE)
    given = started(json.loads(command)).params
    del given["config"]
    config = load(cwd=tmp_path, environ={"HOME": "/", "TOLLBOOK_DASHBOARD_TOKEN": "token"}, **given)
    (check,) = re.findall(r"CMD (\[\"python\".*\])$", CONTAINER, re.MULTILINE)
    program = json.loads(check)[2]
    compile(program, "HEALTHCHECK", "exec")
    assert f":{config.proxy.listen.port}/healthz" in program
    assert str(config.store.data_dir) in re.findall(r"^VOLUME (.*)$", CONTAINER, re.MULTILINE)
    assert re.search(r"^USER (?!root|0)", CONTAINER, re.MULTILINE)
