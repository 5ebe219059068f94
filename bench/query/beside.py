"""The relay beside the heaviest page: delays of proxied calls with and without someone reloading it in a loop.

Pairs of runs follow each other directly, and every second pair the other way round; the ratio of their p99 is taken
inside a pair, and the median of the ratios is told.
"""

import statistics
import threading
import time
import urllib.error
import urllib.request
from contextlib import ExitStack
from pathlib import Path

from bench.lab import Missing, places, prepare
from bench.measure import Result, measure
from bench.subjects import Subject, start
from bench.upstreams import upstream
from bench.workloads import Workload, warm_up

AIM = 1.5
_PAIRS = 6
_READERS = 2
HEAVIEST = (
    "/api/logs?tag.team=nobody", "/api/logs?sort=duration", "/api/stats?by=day,model&from=180d",
    "/api/facets?user=*-123", "/api/logs?limit=1000",
)  # fmt: skip
_CALLS = Workload("beside", "json", "2 KB request, 1.2 KB answer", "bench-json-1200-5", 8, 3.0, more=())


def run(data_dir: Path) -> tuple[str, float]:
    """Markdown that tells what was measured, and the ratio."""
    try:
        tools = prepare()
    except Missing as missing:
        return f"Relayed calls beside it were not measured: {missing}.", 0.0
    for_tools, for_subject = places()
    with ExitStack() as stack:
        behind = stack.enter_context(upstream(tools, for_tools))
        subject = start("tollbook", tools, behind, for_subject, book=data_dir)
        stack.callback(subject.stop)
        for workload in warm_up():
            measure(subject, workload, tools, for_tools, 0)
        pairs: list[tuple[Result, Result]] = []
        loads = 0
        for number in range(_PAIRS):
            alone = with_pages = None
            for loaded in (False, True) if number % 2 else (True, False):
                if loaded:
                    with _Reloading(subject) as reloading:
                        with_pages = measure(subject, _CALLS, tools, for_tools, number)
                    loads += reloading.loads
                else:
                    alone = measure(subject, _CALLS, tools, for_tools, number)
            if alone is not None and with_pages is not None:
                pairs.append((alone, with_pages))
    ratios = {name: statistics.median(b.latency[name] / a.latency[name] for a, b in pairs) for name in ("p50", "p99")}
    told = {
        name: [statistics.median(one.latency[name] for one in side) for side in zip(*pairs, strict=True)]
        for name in ("p50", "p99")
    }
    ran = [one for pair in pairs for one in pair]
    text = (
        f"A Tollbook with the largest of these books, beside {_READERS} clients that reload heavy pages one after the "
        f"other ({loads} loads; {', '.join(f'`{page}`' for page in HEAVIEST)}); "
        f"{_CALLS.connections} connections at once; medians of {_PAIRS} pairs of runs:\n\n"
        "| | alone, ms | beside heavy pages, ms | ratio | aim |\n|---|---|---|---|---|\n"
        f"| p50 | {told['p50'][0]:.2f} | {told['p50'][1]:.2f} | {ratios['p50']:.2f} | |\n"
        f"| p99 | {told['p99'][0]:.2f} | {told['p99'][1]:.2f} | **{ratios['p99']:.2f}** | {AIM} |\n\n"
        f"Rows in the book for these calls: {sum(one.rows or 0 for one in ran):,} of {sum(one.calls for one in ran):,}."
    )
    return text, ratios["p99"]


class _Reloading:
    """Clients that load heavy pages without a pause, for as long as the block lasts."""

    def __init__(self, subject: Subject) -> None:
        self._base = f"http://127.0.0.1:{subject.dashboard_port}"
        self._ended = threading.Event()
        self._threads = [threading.Thread(target=self._load, args=(number,)) for number in range(_READERS)]
        self.loads = 0

    def __enter__(self) -> "_Reloading":
        for thread in self._threads:
            thread.start()
        time.sleep(0.2)
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join()

    def _load(self, number: int) -> None:
        while not self._ended.is_set():
            number += 1
            try:
                with urllib.request.urlopen(self._base + HEAVIEST[number % len(HEAVIEST)], timeout=20) as answer:
                    answer.read()
            except urllib.error.HTTPError as refused:
                refused.close()
            self.loads += 1
