"""What is measured: starts each, knows its processes, stops it."""

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

from bench import processes
from bench.lab import HERE, LAB, ROOT, Tools, free_port

NAMES = ("direct", "aiohttp", "nginx", "tollbook")
_PATIENCE_S = 30.0


@dataclass
class Subject:
    """One running subject, listening on `port`; `direct` is the upstream itself."""

    name: str
    port: int
    path: str = "/v1/chat/completions"
    process: subprocess.Popen[bytes] | None = None
    data_dir: Path | None = None
    dashboard_port: int | None = None
    pids: list[int] = field(default_factory=list)
    relay_pid: int | None = None

    def find_processes(self) -> None:
        """Whom the measurements count; the relaying one apart."""
        if self.process is None:
            return
        self.pids = processes.tree(self.process.pid)
        named = {pid: processes.command(pid) for pid in self.pids}
        relays = [pid for pid, words in named.items() if "worker" in words or "worker process" in " ".join(words)]
        self.relay_pid = relays[0] if relays else self.process.pid

    def rows(self) -> int | None:
        """How many calls are in the book; None for a subject without one."""
        if self.data_dir is None:
            return None
        book = sqlite3.connect(f"file:{self.data_dir / 'book.db'}?mode=ro", uri=True)
        try:
            return int(book.execute("select count(*) from calls").fetchone()[0])
        finally:
            book.close()

    def settle(self) -> None:
        """Wait until every call it has received is in its book."""
        deadline = time.monotonic() + _PATIENCE_S
        while self.dashboard_port is not None and time.monotonic() < deadline:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.dashboard_port}/api/health", timeout=10) as answer:
                health = json.load(answer)
            if not health["waiting"] and not health["open"]:
                return
            time.sleep(0.1)

    def stop(self) -> None:
        """Ask it to end, wait, and remove what it wrote."""
        if self.process is not None:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                for pid in reversed(self.pids):
                    _kill(pid)
                self.process.wait()
        if self.data_dir is not None:
            shutil.rmtree(self.data_dir, ignore_errors=True)


def start(name: str, tools: Tools, upstream_port: int, processors: set[int], book: Path | None = None) -> Subject:
    """Start this subject on these processors and wait until it answers; Tollbook with a copy of this book."""
    port = free_port()
    match name:
        case "direct":
            return Subject(name, upstream_port)
        case "aiohttp":
            subject = Subject(name, port)
            command = [sys.executable, "-m", "bench.bare", str(port), str(upstream_port)]
        case "nginx":
            subject = Subject(name, port)
            run = LAB / "nginx"
            run.mkdir(exist_ok=True)
            text = (HERE / "nginx.conf.in").read_text()
            for word, value in {"@RUN@": str(run), "@UP@": str(upstream_port), "@PORT@": str(port)}.items():
                text = text.replace(word, value)
            (run / "nginx.conf").write_text(text)
            command = [str(tools.nginx), "-p", str(run), "-c", str(run / "nginx.conf")]
        case _:
            subject, command = _tollbook(port, upstream_port, book)
    with (LAB / f"{name}.log").open("wb") as log:
        subject.process = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            preexec_fn=lambda: os.sched_setaffinity(0, processors),
        )  # fmt: skip
    _wait_until_it_answers(subject)
    subject.find_processes()
    return subject


def _tollbook(port: int, upstream_port: int, book: Path | None) -> tuple[Subject, list[str]]:
    """As users run it: one worker, everything on, bodies kept."""
    dashboard_port = free_port()
    data_dir = LAB / f"data-{port}"
    shutil.rmtree(data_dir, ignore_errors=True)
    if book is not None:
        data_dir.mkdir(mode=0o700)
        subprocess.run(["cp", "--reflink=auto", *book.glob("*.db"), data_dir], check=True)
    config = LAB / "tollbook.toml"
    config.write_text(f'[upstreams.openai]\nbase_url = "http://127.0.0.1:{upstream_port}"\n')
    subject = Subject("tollbook", port, "/openai/v1/chat/completions", data_dir=data_dir, dashboard_port=dashboard_port)
    command = [
        sys.executable, "-m", "proxy.cli", "serve", "--config", str(config), "--data-dir", str(data_dir),
        "--listen", f"127.0.0.1:{port}", "--dashboard", f"127.0.0.1:{dashboard_port}", "--workers", "1",
    ]  # fmt: skip
    return subject, command


def _wait_until_it_answers(subject: Subject) -> None:
    deadline = time.monotonic() + _PATIENCE_S
    ports = [port for port in (subject.port, subject.dashboard_port) if port is not None]
    while True:
        try:
            for port in ports:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=2).close()
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
