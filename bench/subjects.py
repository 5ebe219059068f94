"""What is measured: starts each, knows its processes, stops it."""

import contextlib
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench import peers, processes
from bench.lab import HERE, LAB, ROOT, Tools, free_port
from bench.upstreams import Upstream
from bench.workloads import PEERS
from proxy.journal.directory import JOURNAL
from proxy.journal.tally import read_tally, tally_dir
from store.search.file import SEARCH_FILE

NAMES = ("direct", "nginx", "aiohttp", "tollbook", "tollbook-2", "tollbook-asyncio", *PEERS)
_CHAT = "/v1/chat/completions"
_PATIENCE_S = 60.0
_ASIDE = "index-held"


@dataclass
class Subject:
    """One running subject, listening on `port`; `direct` is the upstream itself."""

    name: str
    port: int
    path: str = _CHAT
    by_tls: tuple[int, str] | None = None  # port and path of calls that go to the upstream by TLS
    headers: tuple[str, ...] = ()
    rewrites: bool = False  # it writes bodies anew, so bytes cannot be compared
    alive: str = "/healthz"
    process: subprocess.Popen[bytes] | None = None
    data_dir: Path | None = None
    dashboard_port: int | None = None
    pids: list[int] = field(default_factory=list)
    relay_pids: list[int] = field(default_factory=list)
    store_pid: int | None = None

    def arguments(self, *, by_tls: bool = False) -> list[str]:
        """For the load client."""
        port, path = self.by_tls if by_tls and self.by_tls is not None else (self.port, self.path)
        headers = [word for line in self.headers for word in ("-H", line)]
        return ["-p", str(port), "-u", path, *headers, *(["-l"] if self.rewrites else [])]

    def find_processes(self) -> None:
        """Whom the measurements count; the relaying ones apart."""
        if self.process is None:
            return
        self.pids = processes.tree(self.process.pid)
        named = {pid: processes.command(pid) for pid in self.pids}
        relays = [pid for pid, words in named.items() if "worker" in words or "worker process" in " ".join(words)]
        self.relay_pids = relays or [self.process.pid]
        if self.data_dir is not None:
            self.store_pid = next(pid for pid, words in named.items() if "proxy.child" in words and "store" in words)

    def rows(self) -> int | None:
        """How many calls are in the book; None for a subject without one."""
        if self.data_dir is None:
            return None
        with contextlib.closing(sqlite3.connect(f"file:{self.data_dir / 'book.db'}?mode=ro", uri=True)) as book:
            return int(book.execute("select count(*) from calls").fetchone()[0])

    def calls_by_worker(self) -> dict[str, int]:
        """How many calls each worker has received, by its own count: needs no process to answer."""
        if self.data_dir is None:
            return {}
        boot_ids = [one.name for one in (self.data_dir / JOURNAL).iterdir() if not one.name.startswith(".")]
        pages = {boot_id: read_tally(self.data_dir, boot_id) for boot_id in boot_ids}
        return {boot_id: counts["received"] for boot_id, counts in pages.items() if counts is not None}

    def health(self, patience_s: float = 30.0) -> Any:
        """What the dashboard's listener says of the book. Raises OSError when it does not answer."""
        url = f"http://127.0.0.1:{self.dashboard_port}/api/health"
        with urllib.request.urlopen(url, timeout=patience_s) as answer:
            return json.load(answer)

    def settle(self) -> None:
        """Wait until every call it has received is in its book."""
        deadline = time.monotonic() + _PATIENCE_S
        while self.dashboard_port is not None and time.monotonic() < deadline:
            health = self.health()
            if not health["waiting"] and not health["open"]:
                return
            time.sleep(0.1)

    def hold_index(self) -> None:
        """Let the index of words wait until `free_index`: it finds a folder where its file was.

        It waits by itself while calls come fast; but what is left of one run would be read during
        the next, on the processor of whoever is measured then.
        """
        if self.data_dir is None:
            return
        file, aside = self.data_dir / SEARCH_FILE, self.data_dir / _ASIDE
        deadline = time.monotonic() + _PATIENCE_S
        while not file.exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        aside.mkdir()
        for one in self.data_dir.glob(f"{SEARCH_FILE}*"):
            one.rename(aside / one.name)
        file.mkdir()

    def free_index(self) -> None:
        """Let it read on."""
        if self.data_dir is None or not (aside := self.data_dir / _ASIDE).exists():
            return
        (self.data_dir / SEARCH_FILE).rmdir()
        for one in sorted(aside.iterdir(), reverse=True):  # the file itself last
            one.rename(self.data_dir / one.name)
        aside.rmdir()

    def stop(self) -> None:
        """Ask it to end, wait, and remove what it wrote."""
        self.free_index()
        if self.process is not None:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                for pid in reversed(self.pids):
                    _kill(pid)
                self.process.wait()
        if self.data_dir is not None:
            shutil.rmtree(tally_dir(self.data_dir), ignore_errors=True)
            shutil.rmtree(self.data_dir, ignore_errors=True)


def why_not(name: str, tools: Tools) -> str | None:
    """Why this subject cannot be measured here, as a part of a sentence; None when it can."""
    if name == "nginx" and tools.nginx is None:
        return "not installed"
    if name in PEERS and peers.version(name) is None:
        return "not installed: `make bench-peers` installs it"
    return None


def start(
    name: str, tools: Tools, upstream: Upstream, processors: set[int], book: Path | None = None,
    data_dir: Path | None = None,
) -> Subject:  # fmt: skip
    """Start this subject on these processors and wait until it answers; Tollbook with a copy of this book, or here."""
    port = free_port()
    environment = upstream.trusted()
    url, tls_url = f"http://127.0.0.1:{upstream.port}", f"https://127.0.0.1:{upstream.tls_port}"
    match name:
        case "direct":
            return Subject(name, upstream.port)
        case "aiohttp":
            subject = Subject(name, port)
            command = [sys.executable, "-m", "bench.bare", str(port), url]
            if upstream.tls_port is not None:
                subject.by_tls = (free_port(), _CHAT)
                command += [str(subject.by_tls[0]), tls_url]
        case "nginx":
            subject = Subject(name, port, by_tls=(free_port(), _CHAT))
            command = [str(tools.nginx), *_nginx(subject, upstream)]
        case _ if name in PEERS:
            how = peers.launch(name, port, upstream.port)
            subject = Subject(name, port, how.path, headers=how.headers, rewrites=how.rewrites, alive=how.alive)
            command, environment = how.command, how.environment
        case _:
            by_tls = tls_url if upstream.tls_port is not None else None
            subject, command = _tollbook(name, port, url, by_tls, book, data_dir or LAB / f"data-{port}")
            if name == "tollbook-asyncio":
                environment = environment | _without_uvloop()
            if name == "tollbook-2" and len(processors) < 2:
                processors = os.sched_getaffinity(0)  # two workers on one processor would show nothing
    with (LAB / f"{name}.log").open("wb") as log:
        subject.process = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=os.environ | environment,
            preexec_fn=lambda: os.sched_setaffinity(0, processors),
        )  # fmt: skip
    wait_until_it_answers(subject)
    subject.find_processes()
    return subject


def _nginx(subject: Subject, upstream: Upstream) -> list[str]:
    run = LAB / "nginx"
    run.mkdir(exist_ok=True)
    text = (HERE / "nginx.conf.in").read_text()
    tls_port = subject.by_tls[0] if subject.by_tls is not None else 0
    for word, value in {
        "@RUN@": str(run), "@UP@": str(upstream.port), "@PORT@": str(subject.port),
        "@TLS_UP@": str(upstream.tls_port or upstream.port), "@TLS_PORT@": str(tls_port),
    }.items():  # fmt: skip
        text = text.replace(word, value)
    (run / "nginx.conf").write_text(text)
    return ["-p", str(run), "-c", str(run / "nginx.conf")]


def _tollbook(
    name: str, port: int, url: str, tls_url: str | None, book: Path | None, data_dir: Path
) -> tuple[Subject, list[str]]:
    """As users run it: everything on, bodies kept."""
    dashboard_port = free_port()
    shutil.rmtree(data_dir, ignore_errors=True)
    if book is not None:
        data_dir.mkdir(mode=0o700)
        subprocess.run(["cp", "--reflink=auto", *book.glob("*.db"), data_dir], check=True)
    config = LAB / f"{name}.toml"
    text = f'[upstreams.openai]\nbase_url = "{url}"\n'
    if tls_url is not None:
        # As [upstreams.openai] is of itself: without usage the store would count tokens, which is not what TLS costs.
        text += '[upstreams.by_tls]\ndialect = "openai"\nprovider = "openai"\nstream_usage = "ask"\n'
        text += f'base_url = "{tls_url}"\n'
    config.write_text(text)
    subject = Subject(name, port, f"/openai{_CHAT}", data_dir=data_dir, dashboard_port=dashboard_port)
    if tls_url is not None:
        subject.by_tls = (port, f"/by_tls{_CHAT}")
    command = [
        sys.executable, "-m", "proxy.cli", "serve", "--config", str(config), "--data-dir", str(data_dir),
        "--listen", f"127.0.0.1:{port}", "--dashboard", f"127.0.0.1:{dashboard_port}",
        "--workers", "2" if name == "tollbook-2" else "1",
    ]  # fmt: skip
    return subject, command


def _without_uvloop() -> dict[str, str]:
    """An environment in which `import uvloop` finds the loop of the standard library."""
    instead = LAB / "asyncio"
    instead.mkdir(exist_ok=True)
    (instead / "uvloop.py").write_text("from asyncio import run\n\n__all__ = ['run']\n")
    return {"PYTHONPATH": str(instead)}


def wait_until_it_answers(subject: Subject) -> None:
    deadline = time.monotonic() + _PATIENCE_S
    ports = [port for port in (subject.port, subject.dashboard_port) if port is not None]
    while True:
        try:
            for port in ports:
                urllib.request.urlopen(f"http://127.0.0.1:{port}{subject.alive}", timeout=2).close()
            return
        except urllib.error.HTTPError:
            return
        except OSError as error:
            ended = subject.process is not None and subject.process.poll() is not None
            if ended or time.monotonic() > deadline:
                said = (LAB / f"{subject.name}.log").read_text(errors="replace")[-1500:]
                subject.stop()
                raise RuntimeError(f"{subject.name} did not start ({error}); it said:\n{said}") from None
            time.sleep(0.05)


def _kill(pid: int) -> None:
    try:
        os.kill(pid, 9)
    except ProcessLookupError:
        pass
