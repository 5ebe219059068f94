"""What a repricing takes on a book of 100,000 calls: `python -m bench.reprice`. As users run it, and checked by SQL.

Three runs on copies of one made book: a dry run, applying while nothing serves, and applying while `tollbook serve`
runs and calls come in. Before and after each, sums and rows are compared by statements that share nothing with the
program, and what calls said before is put together again from what is kept.
"""

import argparse
import itertools
import os
import platform
import re
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from contextlib import closing
from pathlib import Path
from typing import Any

import orjson

from bench.lab import ROOT
from bench.page import write_between
from bench.query import made
from store.book import BOOK_FILE

_PAGE = ROOT / "docs" / "performance.md"
_PRICES = """
[[prices]]
upstream = "*"
model = "*"
input = 2.5
cache_read = 0.25
output = 10.0

[[prices]]
upstream = "*"
model = "gpt-4o*"
from = 2026-09-01
input = 1.75
output = 14.0

[[prices]]
upstream = "mistral"
model = "*"
free = true
"""
_TABLES = ("quarter_models", "hour_models", "hour_keys", "day_models", "day_keys", "day_sums")
_CALL_EVERY_S = 0.02
_FIGURES = (
    "sum(cost), sum((1 + repeats) * (cost is null)), sum(usage), count(usage), sum(cache_saved), "
    "sum(cost_state = 'free'), sum(iif(cost_state = 'estimated', cost, 0))"
)
_SUMMED = (
    "sum(cost), sum(unknown_cost_calls), sum(usage), sum(usage_told), sum(cache_saved), "
    "sum(free_calls), sum(estimated_cost)"
)


def main() -> int:
    """The exit status: 1 when a sum is not that of its rows, or an old amount is lost."""
    parser = argparse.ArgumentParser(prog="python -m bench.reprice", description=__doc__)
    parser.add_argument("--calls", type=int, default=100_000)
    parser.add_argument("--no-write", dest="write", action="store_false", help="print only, leave the page alone")
    options = parser.parse_args()
    source = made.book(options.calls)
    with tempfile.TemporaryDirectory(prefix="tollbook-reprice-") as directory:
        lab = Path(directory)
        config = lab / "tollbook.toml"
        config.write_text(_PRICES)
        lines, right = _measured(source, lab, config, options.calls)
    text = "\n".join([_circumstances(), *lines])
    print(text)
    if options.write:
        write_between(_PAGE, "repricing", text)
    return 0 if right else 1


def _measured(source: Path, lab: Path, config: Path, calls: int) -> tuple[list[str], bool]:
    alone, served = _copy(source, lab / "alone"), _copy(source, lab / "served")
    right = all(_sums_are_of_the_rows(one) for one in (alone, served))
    before = _amounts(alone)
    clock = [_cpu_s()]
    shown, dry_s = _run("--dry-run", alone, config)
    clock.append(_cpu_s())
    right &= _amounts(alone) == before and _sums_are_of_the_rows(alone)
    told, alone_s = _run("--apply", alone, config)
    clock.append(_cpu_s())
    right &= told["total"] == shown["total"] and _sums_are_of_the_rows(alone) and _before(alone) == before
    right &= _difference(alone) == told["total"]["cost_usd"]["difference"]
    again, again_s = _run("--apply", alone, config)
    clock.append(_cpu_s())
    right &= again["total"]["calls"] == 0
    meanwhile, served_s, delays = _while_serving(served, config)
    clock.append(_cpu_s())
    cpu_s = [after - before for before, after in itertools.pairwise(clock)]
    right &= meanwhile["total"]["calls"] >= told["total"]["calls"] and _sums_are_of_the_rows(served)
    total = told["total"]
    lines = [
        f"{total['calls']:,} of {calls:,} calls change: {total['cost_usd']['before']} USD become "
        f"{total['cost_usd']['after']}, {total['became_known']:,} costs become known.\n",
        "| | seconds | processor, s | processor, µs a call |",
        "|---|---|---|---|",
        _row("dry run", dry_s, cpu_s[0], calls),
        _row("apply, while nothing serves", alone_s, cpu_s[1], calls),
        _row("apply once more: nothing changes", again_s, cpu_s[2], calls),
        _row("apply, while `serve` runs and calls come in", served_s, cpu_s[3], calls),
        "",
        f"Processor time is of all processes, starting included; in the last row also of relaying and recording. "
        f"At the same time {os.getloadavg()[0]:.0f} processes wanted the {os.cpu_count()} processors.",
        "",
        f"Of the {len(delays)} calls that came in during the last, the median was in the book "
        f"{statistics.median(delays) * 1000:.0f} ms after its answer, the slowest {max(delays) * 1000:.0f} ms.",
        "",
        f"Rows and all {len(_TABLES)} tables of sums agree before and after, to the nano-dollar, and old amounts "
        f"can be put together again: {'yes' if right else '**no**'}.",
    ]
    return lines, bool(right)


def _row(name: str, seconds: float, cpu_s: float, calls: int) -> str:
    return f"| {name} | {seconds:.1f} | {cpu_s:.1f} | {cpu_s / calls * 1e6:,.0f} |"


def _cpu_s() -> float:
    """Of all processes started here that have ended."""
    used = os.times()
    return used.children_user + used.children_system


def _copy(source: Path, target: Path) -> Path:
    shutil.copytree(source, target, ignore=shutil.ignore_patterns("sums-*"))
    target.chmod(0o700)
    return target


def _run(how: str, data_dir: Path, config: Path) -> tuple[dict[str, Any], float]:
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "proxy.cli", "reprice", how, "--json", "--data-dir", data_dir, "--config", config],
        cwd=ROOT, capture_output=True, check=True,
    )  # fmt: skip
    return orjson.loads(done.stdout), time.monotonic() - began


# ---------------------------------------------------------------------------------------- looked at from outside


def _ask(data_dir: Path, statement: str) -> list[Any]:
    with closing(sqlite3.connect(f"file:{data_dir / BOOK_FILE}?mode=ro", uri=True)) as connection:
        return connection.execute(statement).fetchall()


def _sums_are_of_the_rows(data_dir: Path) -> bool:
    """In all, and day by day."""
    (rows,) = _ask(data_dir, f"select {_FIGURES} from calls")
    days = _ask(data_dir, f"select started_at / 86400000000, {_FIGURES} from calls group by 1 order by 1")
    summed = _ask(data_dir, f"select day, {_SUMMED} from day_sums group by 1 order by 1")
    return days == summed and all(_ask(data_dir, f"select {_SUMMED} from {table}") == [rows] for table in _TABLES)


def _amounts(data_dir: Path) -> list[Any]:
    return _ask(data_dir, "select id, cost, cost_state, cost_lines, usage, cache_saved from calls order by id")


def _before(data_dir: Path) -> list[Any]:
    """What every call said before the first repricing."""
    return _ask(
        data_dir,
        """
        select calls.id,
               iif(call is null, calls.cost, repriced.cost),
               iif(call is null, calls.cost_state, repriced.cost_state),
               iif(call is null, calls.cost_lines, repriced.cost_lines),
               iif(call is null, calls.usage, repriced.usage),
               iif(call is null, calls.cache_saved, repriced.cache_saved)
          from calls
          left join repriced on repriced.call = calls.id and repriced.repricing = 1
         order by calls.id""",
    )


def _difference(data_dir: Path) -> str:
    """After minus before, out of the rows."""
    statement = "select sum(coalesce(calls.cost, 0) - coalesce(repriced.cost, 0)) from calls join repriced on call = id"
    ((nano,),) = _ask(data_dir, statement)
    return f"{'-' if nano < 0 else ''}{abs(nano) // 10**9}.{abs(nano) % 10**9:09}"


# ---------------------------------------------------------------------------------------- while it serves


def _while_serving(data_dir: Path, config: Path) -> tuple[dict[str, Any], float, list[float]]:
    """The answer, the seconds, and how long after its answer each call was in the book."""
    served = subprocess.Popen(
        [sys.executable, "-m", "proxy.cli", "serve", "--listen", "127.0.0.1:0", "--dashboard", "127.0.0.1:0",
         "--data-dir", data_dir, "--config", config],
        cwd=ROOT, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert served.stdout is not None
        proxy = re.findall(r"http://[\d.]+:\d+", served.stdout.readline())[0]
        over = threading.Event()
        delays: list[float] = []
        calling = threading.Thread(target=_call, args=(proxy, data_dir, over, delays))
        calling.start()
        told, seconds = _run("--apply", data_dir, config)
        over.set()
        calling.join()
    finally:
        served.terminate()
        served.wait()
    return told, seconds, delays


def _call(proxy: str, data_dir: Path, over: threading.Event, delays: list[float]) -> None:
    """Calls one after the other, of an upstream that is not there: rows like any other."""
    with closing(sqlite3.connect(f"file:{data_dir / BOOK_FILE}?mode=ro", uri=True)) as book:
        number = 0
        while not over.is_set():
            number += 1
            request = urllib.request.Request(f"{proxy}/ollama/api/tags?n={number}")
            try:
                with urllib.request.urlopen(request) as answer:
                    call_id = answer.headers["x-tollbook-call-id"]
            except urllib.error.HTTPError as error:
                call_id = error.headers["x-tollbook-call-id"]
            answered = time.monotonic()
            wanted = bytes.fromhex(call_id.replace("-", ""))
            while book.execute("select 1 from calls where call_id = ?", (wanted,)).fetchone() is None:
                time.sleep(0.002)
            delays.append(time.monotonic() - answered)
            time.sleep(_CALL_EVERY_S)


def _circumstances() -> str:
    return (
        f"Measured {time.strftime('%Y-%m-%d')} by `{' '.join(['python -m bench.reprice', *sys.argv[1:]])}`: "
        f"{os.cpu_count()} processors, Linux {platform.release()}, Python {platform.python_version()}, "
        f"SQLite {sqlite3.sqlite_version}.\n"
    )


if __name__ == "__main__":
    sys.exit(main())
