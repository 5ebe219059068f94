"""From the figures of all runs to Markdown: a table for each workload, and how two workers share connections."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from bench.measure import Result
from bench.results import Figure, Results, all_us, least_share, median, quantile, rate, relay_us
from bench.workloads import PEERS, Workload

_QUANTILES = ("p50", "p99", "p999")
_PARTS = (("json", "Small calls"), ("stream", "Streams"), ("large", "Large bodies"), ("tls", "TLS to the upstream"))


def tables(results: Results, subjects: Mapping[str, str | None], workloads: Sequence[Workload]) -> str:
    """Everything that was measured. `subjects`: each with the reason why it was not, where it was not."""
    parts = []
    for kind, title in _PARTS:
        chosen = [one for one in workloads if one.kind == kind]
        if chosen:
            parts.append(f"### {title}\n")
            parts += [_table(results, subjects, one) for one in chosen]
    if sharing := _sharing(results, workloads):
        parts.append(f"### How two workers share the connections\n\n{sharing}")
    return "\n".join(parts)


def _table(results: Results, subjects: Mapping[str, str | None], workload: Workload) -> str:
    unit = "event" if workload.streams else "call"
    head = [
        "subject", f"{unit}s/s", f"CPU per {unit}, µs: relaying", "spread", "all processes", "relaying, to aiohttp",
        "all, to aiohttp", f"{'first byte ' if workload.streams else ''}added p50 / p99 / p99.9, ms",
    ]  # fmt: skip
    if workload.streams:
        head += ["event delay p50 / p99 / p99.9, ms", "gap between events p50 / p99 / p99.9, ms"]
    head += ["memory, MB: RSS / PSS", "rows / calls"]
    rows = []
    for subject, why_not in subjects.items():
        runs = list(results.of(subject, workload.name).values())
        if not runs:
            if why_not is not None and subject in workload.subjects:
                rows.append([subject, why_not])
        elif all(one.failed >= one.calls for one in runs):
            rows.append([subject, f"all {sum(one.calls for one in runs)} calls failed"])
        else:
            rows.append(_row(results, subject, workload, runs))
    lines = [f"**{workload.name}**: {workload.about}\n", f"| {' | '.join(head)} |", "|" + "---|" * len(head)]
    lines += [f"| {' | '.join([*row, *[''] * (len(head) - len(row))])} |" for row in rows]
    return "\n".join(lines) + "\n"


def _row(results: Results, subject: str, workload: Workload, runs: list[Result]) -> list[str]:
    name = workload.name

    def several(of: Literal["chunk_delay", "chunk_gap"]) -> str:
        return " / ".join(number(results.median(subject, name, quantile(of, one)), 2) for one in _QUANTILES)

    waits = [quantile("first_byte" if workload.streams else "latency", one) for one in _QUANTILES]
    added = [number(median(results.added(subject, name, figure).values()), 2) for figure in waits]
    row = [
        subject, number(results.median(subject, name, rate), 0),
        number(results.median(subject, name, relay_us), 1), _spread(relay_us(one) for one in runs),
        number(results.median(subject, name, all_us), 1),
        number(median(results.ratios(subject, "aiohttp", name, relay_us)), 2),
        number(median(results.ratios(subject, "aiohttp", name, all_us)), 2),
        "-" if subject == "direct" or set(added) == {"-"} else " / ".join(added),
    ]  # fmt: skip
    if workload.streams:
        row += [several("chunk_delay"), several("chunk_gap")]
    memory = [number(results.median(subject, name, figure), 0) for figure in (_rss, _pss)]
    row.append("-" if subject == "direct" else " / ".join(memory))
    kept = [one.rows for one in runs if one.rows is not None]
    row.append(f"{sum(kept):,} / {sum(one.calls for one in runs):,}" if kept else "-")
    return row


def _rss(one: Result) -> float:
    return one.rss_mb


def _pss(one: Result) -> float:
    return one.pss_mb


def _sharing(results: Results, workloads: Sequence[Workload]) -> str:
    rows = []
    for workload in workloads:
        runs = results.of("tollbook-2", workload.name).values()
        shares = [share * 100 for one in runs if (share := least_share(one)) is not None]
        if shares and workload.connections > 1:
            rows.append(
                f"| {workload.name} | {workload.connections} | {median(shares):.0f} % | {_spread(shares, 0)} % | "
                f"{_against_one(results, workload.name, rate)} |"
            )
    if not rows:
        return ""
    head = "| workload | connections | calls of the less busy worker | spread | calls/s, to one worker |"
    return "\n".join([head, "|---|---|---|---|---|", *rows]) + "\n"


def _against_one(results: Results, workload: str, figure: Figure) -> str:
    return number(median(results.ratios("tollbook-2", "tollbook", workload, figure)), 2)


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
    noise = median(one.others_cores for one in results if one.subject not in PEERS)
    if noise is not None and noise > 0.1:
        found.append(
            f"other programs used {noise:.2f} processors (median): "
            "trust CPU per call and the ratios, not calls/s and p99"
        )
    return found


def _spread(values: Iterable[float | None], digits: int = 1) -> str:
    known = [value for value in values if value is not None]
    return f"{min(known):,.{digits}f}..{max(known):,.{digits}f}" if known else "-"


def number(value: float | None, digits: int) -> str:
    """For a cell; "-" for what is not known."""
    return "-" if value is None else f"{value:,.{digits}f}"
