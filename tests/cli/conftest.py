"""The command, run in this process or as a process of its own, and a book to ask."""

import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import pytest

from proxy.cli import main
from store.book import Entry, KeptBody
from store.call import CallError, Cost, CostLine, Tokens
from tests.books import NOON_US, a_book, a_call

ROOT = Path(__file__).resolve().parents[2]
HOSTILE = "\x1b[31mevil\u202egpt[bold]x[/bold]\x07\x9b2J"


@dataclass(frozen=True, slots=True)
class Ran:
    """What a command did."""

    status: int
    out: str
    err: str


Run = Callable[..., Ran]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Run the command in this process, away from any configuration or data of whoever runs the tests."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    monkeypatch.setenv("XDG_DATA_HOME", str(elsewhere))

    def ran(*arguments: object) -> Ran:
        capsys.readouterr()
        status = main([str(argument) for argument in arguments])
        return Ran(status, *capsys.readouterr())

    return ran


def start(*arguments: object) -> "subprocess.Popen[bytes]":
    """Start the command as a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "proxy.cli", *map(str, arguments)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


@pytest.fixture
def book(tmp_path: Path) -> Path:
    """A book with calls of every kind: priced, free, cached, of unknown cost, failed, left, labelled, hostile."""
    data_dir = tmp_path / "data"
    data_dir.mkdir(mode=0o700)
    lines = (
        CostLine("input", Decimal(2000), Decimal("0.15"), Decimal("0.0003")),
        CostLine("web_search", Decimal(2), Decimal("0.01"), Decimal("0.02"), True, "adviser", "config: prices[2] */a"),
    )
    request = b'{"model":"gpt-4o-mini","temperature":0.2,"messages":[{"role":"user","content":"Say hello\\u001b[2J"}]}'
    response = b'{"choices":[{"message":{"role":"assistant","content":"Hello there"},"finish_reason":"stop"}]}'
    return a_book(
        data_dir,
        [
            a_call(key="phone", tags={"app": "bot"}),
            a_call(type="embedding", model="text-embedding-3-small", cost=Cost("free", 0), usage_micro=0),
            a_call(
                model="claude-sonnet-4-5",
                upstream="anthropic",
                tokens=Tokens("reported", input_uncached=100, cache_read=2000, output_text=7),
                cost=Cost("priced", 20_300_000, lines, "config", "prices[1] */*"),
            ),
            a_call(status=429, error=CallError("insufficient_quota", None, "You have no money"), tokens=None),
            a_call(
                outcome="client_left",
                usage_micro=None,
                model="nobody-knows-it",
                cost=Cost("unknown", missing="price:nobody-knows-it"),
            ),
            a_call(outcome="interrupted", status=None, duration_us=None, tokens=None),
            a_call(
                model=HOSTILE, key=None, error=CallError("x", None, HOSTILE), cost=Cost("unknown"), usage_micro=None
            ),
            Entry(
                a_call(started_at_us=NOON_US + 1_000_000),
                (("content-type", "application/json"),),
                KeptBody(request),
                (("content-type", "application/json"), ("x-request-id", "req_1")),
                KeptBody(response),
            ),
        ],
    )
