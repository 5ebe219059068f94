"""From the figures of all runs to Markdown: medians, and medians of ratios taken inside a repetition."""

import statistics
from collections.abc import Callable, Iterable, Sequence
from typing import Literal

from bench.measure import Result
from bench.workloads import Workload

Figure = Callable[[Result], float | None]


class Results:
    """All runs, asked by subject and workload."""

    def __init__(self, results: Iterable[Result]) -> None:
        self._by: dict[tuple[str, str], dict[int, Result]] = {}
        for one in results:
            self._by.setdefault((one.subject, one.workload), {})[one.repetition] = one

    def of(self, subject: str, workload: str) -> dict[int, Result]:
        """{repetition: result}."""
        return self._by.get((subject, workload), {})

    def median(self, subject: str, workload: str, figure: Figure) -> float | None:
        """Over the repetitions."""
        return _median(figure(one) for one in self.of(subject, workload).values())

    def ratio(self, subject: str, base: str, workload: str, figure: Figure, base_figure: Figure) -> float | None:
        """To another subject of the same repetition."""
        others = self.of(base, workload)
        found = []
        for repetition, one in self.of(subject, workload).items():
            other = base_figure(others[repetition]) if repetition in others else None
            own = figure(one)
            found.append(own / other if own is not None and other else None)
        return _median(found)

    def added(self, subject: str, workload: str, figure: Figure) -> float | None:
        """Above direct, in the same repetition."""
        others = self.of("direct", workload)
        found = []
        for repetition, one in self.of(subject, workload).items():
            own, other = figure(one), figure(others[repetition]) if repetition in others else None
            found.append(own - other if own is not None and other is not None else None)
        return _median(found)


def tables(results: Results, subjects: Sequence[str], workloads: Sequence[Workload]) -> str:
    """Everything that was measured."""
    parts = []
    for kind, title, unit, scale in (
        ("json", "Small calls", "call, µs", 1e6),
        ("stream", "Streams", "event, µs", 1e6),
        ("large", "Large bodies", "call, µs", 1e6),
    ):
        chosen = [one for one in workloads if one.kind == kind]
        if chosen:
            parts.append(f"### {title}\n")
            parts += [_table(results, subjects, one, unit, scale) for one in chosen]
    return "\n".join(parts)


def _table(results: Results, subjects: Sequence[str], workload: Workload, unit: str, scale: float) -> str:
    name, stream = workload.name, workload.kind == "stream"
    waits = [_quantile("first_byte" if stream else "latency", quantile) for quantile in ("p50", "p99")]
    delays = [_quantile("chunk_delay", quantile) for quantile in ("p50", "p99")]

    def relay(one: Result) -> float | None:
        return one.relay_cpu_s / one.units * scale if one.relay_cpu_s else None

    def everyone(one: Result) -> float | None:
        return one.all_cpu_s / one.units * scale if one.all_cpu_s else None

    head = [
        "subject", "events/s" if stream else "calls/s", f"CPU per {unit}: relaying process", "spread",
        "all processes", "relaying, to aiohttp", "all, to aiohttp",
        "first byte added p50 / p99, ms" if stream else "added p50 / p99, ms",
    ]  # fmt: skip
    if stream:
        head.append("event delay p50 / p99, ms")
    head += ["RSS MB", "rows / calls"]
    rows = []
    for subject in subjects:
        runs = results.of(subject, name).values()
        if not runs:
            continue
        rate = results.median(subject, name, lambda one: one.calls_per_s * one.units / max(1, one.calls))
        row = [
            subject, _number(rate, 0), _number(results.median(subject, name, relay), 1), _spread(map(relay, runs)),
            _number(results.median(subject, name, everyone), 1),
            _number(results.ratio(subject, "aiohttp", name, relay, relay), 2),
            _number(results.ratio(subject, "aiohttp", name, everyone, everyone), 2),
            "-" if subject == "direct" else " / ".join(
                _number(results.added(subject, name, figure), 2) for figure in waits
            ),
        ]  # fmt: skip
        if stream:
            row.append(" / ".join(_number(results.median(subject, name, figure), 2) for figure in delays))
        row.append("-" if subject == "direct" else _number(results.median(subject, name, lambda one: one.rss_mb), 0))
        kept = [one.rows for one in runs if one.rows is not None]
        sent = sum(one.calls for one in runs)
        row.append(f"{sum(kept):,} / {sent:,}" if kept else "-")
        rows.append(row)
    lines = [f"**{name}**: {workload.about}\n", f"| {' | '.join(head)} |", "|" + "---|" * len(head)]
    lines += [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join(lines) + "\n"


def warnings(results: Sequence[Result]) -> list[str]:
    """What a reader of the figures must know: failures, missing rows, neighbours."""
    found = [
        f"{one.subject}, {one.workload}: {one.failed} of {one.calls} calls failed or differed"
        for one in results
        if one.failed
    ]
    found += [
        f"{one.subject}, {one.workload}: {one.rows} rows for {one.calls} calls"
        for one in results
        if one.rows is not None and one.rows != one.calls
    ]
    noise = _median(one.others_cores for one in results)
    if noise is not None and noise > 0.1:
        found.append(
            f"other programs used {noise:.2f} processors (median): "
            "trust CPU per call and the ratios, not calls/s and p99"
        )
    return found


def _quantile(of: Literal["latency", "first_byte", "chunk_delay"], quantile: str) -> Figure:
    return lambda one: getattr(one, of).get(quantile)


def _median(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return statistics.median(known) if known else None


def _spread(values: Iterable[float | None]) -> str:
    known = [value for value in values if value is not None]
    return f"{min(known):,.1f}..{max(known):,.1f}" if known else "-"


def _number(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:,.{digits}f}"
