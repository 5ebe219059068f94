"""`tollbook doctor` finds what is wrong, says what to do, and changes nothing."""

import asyncio
import fcntl
import os
import socket
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from resource import RLIM_INFINITY

import orjson
import pytest

from proxy.cli.checkup.anomalies import anomalies
from proxy.cli.checkup.book import lost
from proxy.cli.checkup.engines import aiohttp, python, sqlite
from proxy.cli.checkup.errands import errands
from proxy.cli.checkup.finding import Level
from proxy.cli.checkup.open_files import found
from proxy.cli.checkup.prices import age
from proxy.cli.checkup.running import kept, stood_still, waits_unread
from proxy.config.model import Config, Proxy
from proxy.journal.directory import claim, new_boot_id
from proxy.journal.ladder import MEANING, Step
from proxy.open_files import needed
from proxy.parent import LOCK
from store.anomalies import Anomalies
from tests.books import NOON_US, a_book, a_call
from tests.cli.conftest import Run
from tests.house import open_house


def findings(run: Run, *arguments: object) -> tuple[int, dict[str, list[str]], str]:
    ran = run("doctor", "--json", *arguments)
    levels: dict[str, list[str]] = {}
    for finding in orjson.loads(ran.out)["findings"]:
        levels.setdefault(finding["check"], []).append(finding["level"])
        assert finding["level"] == "ok" or finding["next"]
    return ran.status, levels, ran.out


@pytest.fixture
def ports(tmp_path: Path) -> Path:
    """A configuration with two ports that are free."""
    with socket.socket() as one, socket.socket() as other:
        one.bind(("127.0.0.1", 0))
        other.bind(("127.0.0.1", 0))
        first, second = one.getsockname()[1], other.getsockname()[1]
    file = tmp_path / "ports.toml"
    file.write_text(f'[proxy]\nlisten = "127.0.0.1:{first}"\n[dashboard]\nlisten = "127.0.0.1:{second}"\n')
    return file


def test_a_sound_place(run: Run, book: Path, ports: Path) -> None:
    """Nothing fails on a sound book, and the unpriced models in use are counted by name only when recent."""
    status, levels, _ = findings(run, "--data-dir", book, "--config", ports)
    assert status == 0
    for check in ("configuration", "data directory", "permissions", "book", "bodies", "lost records", "serve"):
        assert levels[check] == ["ok"], check
    assert levels["proxy port"] == levels["dashboard port"] == ["ok"]


def test_nothing_there_yet(run: Run, tmp_path: Path, ports: Path) -> None:
    """Before the first `serve` nothing is wrong, and nothing is made."""
    status, levels, _ = findings(run, "--data-dir", tmp_path / "new", "--config", ports)
    assert (status, levels["data directory"], levels["book"]) == (0, ["ok"], ["ok"])
    assert not (tmp_path / "new").exists()


def test_open_permissions(run: Run, book: Path, ports: Path) -> None:
    """A directory or a file that others may read is named with the command that closes it."""
    (book / "book.db").chmod(0o644)
    _, levels, out = findings(run, "--data-dir", book, "--config", ports)
    assert (levels["permissions"], "book.db" in out) == (["warn"], True)
    book.chmod(0o755)
    _, levels, out = findings(run, "--data-dir", book, "--config", ports)
    assert (levels["permissions"], "chmod 700" in out) == (["warn"], True)


def test_a_damaged_book(run: Run, book: Path, ports: Path) -> None:
    """A book with pages overwritten fails."""
    with (book / "book.db").open("r+b") as file:
        file.seek(8192 * 3)
        file.write(b"\xff" * 8192 * 8)
    status, levels, _ = findings(run, "--data-dir", book, "--config", ports)
    assert (status, "fail" in levels["book"]) == (1, True)


def test_a_taken_port(run: Run, book: Path, ports: Path) -> None:
    """A port that another program holds fails while `serve` does not run."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        text = ports.read_text().splitlines()
        text[1] = f'listen = "127.0.0.1:{other.getsockname()[1]}"'
        ports.write_text("\n".join(text))
        status, levels, out = findings(run, "--data-dir", book, "--config", ports)
    assert (status, levels["proxy port"], levels["dashboard port"]) == (1, ["fail"], ["ok"])
    assert "another program" in out


def test_too_few_open_files() -> None:
    """A limit of open files below what the connections and calls of a worker take is a warning with both numbers."""
    proxy = Proxy(max_connections=3000, max_concurrent=1000)
    enough = needed(proxy)
    assert enough > 4000
    assert found(enough, proxy).level == found(RLIM_INFINITY, proxy).level == "ok"
    few = found(4000, proxy)
    assert (few.level, "4,000" in few.message, f"{enough:,}" in few.message) == ("warn", True, True)


def test_every_mistake_of_the_configuration(run: Run, tmp_path: Path, book: Path) -> None:
    """A wrong configuration is one failure per mistake, and the rest is looked at all the same."""
    file = tmp_path / "wrong.toml"
    file.write_text('[proxy]\nworkers = -3\nlissten = "x"\n')
    status, levels, _ = findings(run, "--config", file, "--data-dir", book)
    assert (status, levels["configuration"], levels["book"]) == (1, ["fail", "fail"], ["ok"])


def test_a_worker_that_lives(run: Run, tmp_path: Path, book: Path, ports: Path) -> None:
    """`serve` counts as running exactly as long as a worker holds its journal."""
    own = claim(book, new_boot_id())
    _, _, out = findings(run, "--data-dir", book, "--config", ports)
    assert "It is running" in out
    own.segment(1).write_bytes(b"")
    os.close(own.lock_fd)
    _, levels, out = findings(run, "--data-dir", book, "--config", ports)
    assert "It is not running" in out
    assert levels["journal"] == ["warn"]


def test_notes_that_a_running_store_does_not_read(book: Path) -> None:
    """Notes of a worker that is gone are a warning when they lie there for long while `serve` runs, and no sooner."""
    own = claim(book, new_boot_id())
    own.segment(1).write_bytes(b"notes")
    written = own.segment(1).stat().st_mtime
    assert list(waits_unread(book, written + 3600)) == []  # it lives: it may have nothing to note
    os.close(own.lock_fd)
    assert list(waits_unread(book, written + 5)) == []
    assert [found.level for found in waits_unread(book, written + 3600)] == ["warn"]


def test_a_worker_that_stood_still() -> None:
    """A stall that every call of a worker felt is a warning, a shorter one is not."""
    assert [found.level for found in stood_still({"longest_stall_ms": 2100})] == ["warn"]
    assert list(stood_still({"longest_stall_ms": 300})) == []


def test_how_much_is_kept() -> None:
    """Every step of the ladder but the first is a finding that says what is not kept, and what to do."""
    found = {step: kept(step.label, meaning) for step, meaning in MEANING.items()}
    assert [one.level for one in found.values()] == ["ok", "warn", "fail", "fail", "fail", "fail"]
    assert "metadata_only" in found[Step.METADATA_ONLY].message
    assert all("oom" in (found[step].next or "") for step in list(Step)[1:])


async def test_a_store_that_takes_no_errands(tmp_path: Path) -> None:
    """A running store is asked whether it listens to commands, and asked for nothing else."""
    async with open_house(tmp_path, Config()) as house:
        data_dir = house.config.store.data_dir
        assert [found.level for found in await asyncio.to_thread(lambda: list(errands(data_dir)))] == ["ok"]
    assert [found.level for found in await asyncio.to_thread(lambda: list(errands(data_dir)))] == ["warn"]


def test_odd_calls(tmp_path: Path) -> None:
    """Kinds of oddities seen within a week are told with their calls and with what to do; where there is nothing to
    do, nothing is told."""
    marked: list[Anomalies] = [("no_usage",), ("no_usage", "no_terminator"), ("already_counted",)]
    a_book(tmp_path, [a_call(anomalies=names) for names in marked])
    noon = datetime.fromtimestamp(NOON_US / 1_000_000, UTC)
    found = list(anomalies(tmp_path, noon + timedelta(days=6)))
    assert [one.level for one in found] == ["warn", "warn"]
    assert "2 calls are marked no_usage" in found[0].message
    assert "stream_options.include_usage" in (found[0].next or "")
    assert "1 call is marked no_terminator" in found[1].message
    assert [one.level for one in anomalies(tmp_path, noon + timedelta(days=9))] == ["ok"]


def test_a_serve_that_holds_the_directory(run: Run, book: Path, ports: Path) -> None:
    """The parent's lock alone counts as running."""
    fd = os.open(book / LOCK, os.O_CREAT | os.O_RDWR, 0o600)
    fcntl.flock(fd, fcntl.LOCK_EX)
    _, _, out = findings(run, "--data-dir", book, "--config", ports)
    assert "It is running" in out
    os.close(fd)
    _, _, out = findings(run, "--data-dir", book, "--config", ports)
    assert "It is not running" in out


@pytest.mark.parametrize(
    ("version", "level"),
    [
        ((3, 40, 1), "warn"), ((3, 44, 6), "ok"), ((3, 44, 7), "warn"), ((3, 50, 7), "ok"), ((3, 51, 2), "warn"),
        ((3, 51, 3), "ok"), ((3, 52, 0), "ok"), ((3, 6, 23), "ok"),
    ],
)  # fmt: skip
def test_sqlite_versions(version: tuple[int, ...], level: Level) -> None:
    """Versions with the WAL-reset bug are named, those with the fix are not."""
    assert sqlite(version).level == level


def test_engine_versions() -> None:
    """Too old a Python or aiohttp fails; a missing C parser is a warning."""
    assert [python((3, 10, 9)).level, python((3, 11, 0)).level] == ["fail", "ok"]
    assert [aiohttp(v, c_parser=True).level for v in ("3.14.2", "3.14.3", "3.15.0", "4.0.0")] == [
        "fail",
        "ok",
        "ok",
        "ok",
    ]
    assert aiohttp("3.14.5", c_parser=False).level == "warn"


def test_lost_records() -> None:
    """Every reason a call was lost for is told with its number."""
    found = lost({"stored": 10, "lost.disk_full": 2, "lost.unreadable": 1, "lost.other": 0})
    assert found.level == "warn"
    assert "3 calls were lost (disk_full 2, unreadable 1), 10 stored" in found.message
    assert lost({"stored": 10}).level == "ok"


def test_old_price_lists() -> None:
    """Lists whose newest price is older than sixty days are a warning."""
    today = date(2026, 11, 22)
    assert age("1", date(2026, 9, 23), today).level == "ok"
    assert age("1", date(2026, 9, 22), today).level == "warn"
    assert age("1", None, today).level == "warn"


def test_a_provider_without_a_price_list(run: Run, book: Path, ports: Path) -> None:
    """A mistyped provider would leave all costs unknown: it is named, with those there are; other names are fine."""
    with ports.open("a") as file:
        file.write('[upstreams.mine]\nbase_url = "http://127.0.0.1:9"\nprovider = "antropic"\n')
        file.write('[upstreams.box]\nbase_url = "http://127.0.0.1:9"\n')
        file.write('[upstreams.eu]\nbase_url = "http://127.0.0.1:9"\nprovider = "claude"\n')
        file.write('[upstreams.free]\nbase_url = "http://127.0.0.1:9"\nprovider = "none"\n')
    _, levels, out = findings(run, "--data-dir", book, "--config", ports)
    assert levels["price lists"].count("warn") == 1 + (levels["price lists"][0] == "warn")
    said = " ".join(
        finding["message"] + finding["next"] for finding in orjson.loads(out)["findings"] if finding["next"]
    )
    assert "upstreams.mine.provider" in said
    assert "anthropic, " in said
    assert not any(f"upstreams.{name}" in said for name in ("box", "eu", "free", "openai", "vllm"))
