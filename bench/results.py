"""The figures of all runs, asked by subject and workload: medians, and medians of ratios taken inside a repetition."""

import statistics
from collections.abc import Callable, Iterable
from typing import Literal

from bench.measure import Result

Figure = Callable[[Result], float | None]


class Results:
    """All runs."""

    def __init__(self, results: Iterable[Result]) -> None:
        self.all = list(results)
        self._by: dict[tuple[str, str], dict[int, Result]] = {}
        for one in self.all:
            self._by.setdefault((one.subject, one.workload), {})[one.repetition] = one

    def of(self, subject: str, workload: str) -> dict[int, Result]:
        """{repetition: result}."""
        return self._by.get((subject, workload), {})

    def median(self, subject: str, workload: str, figure: Figure) -> float | None:
        """Over the repetitions."""
        return median(figure(one) for one in self.of(subject, workload).values())

    def ratios(self, subject: str, base: str, workload: str, figure: Figure) -> list[float]:
        """To another subject of the same repetition, for each."""
        others = self.of(base, workload)
        found = []
        for repetition, one in self.of(subject, workload).items():
            own, other = figure(one), figure(others[repetition]) if repetition in others else None
            if own is not None and other:
                found.append(own / other)
        return found

    def added(self, subject: str, workload: str, figure: Figure) -> dict[int, float]:
        """Above direct, in the same repetition."""
        others = self.of("direct", workload)
        found = {}
        for repetition, one in self.of(subject, workload).items():
            own, other = figure(one), figure(others[repetition]) if repetition in others else None
            if own is not None and other is not None:
                found[repetition] = own - other
        return found

    def added_ratios(self, subject: str, base: str, workload: str, figure: Figure) -> list[float]:
        """What one adds to direct, to what the other adds, for each repetition."""
        own, other = self.added(subject, workload, figure), self.added(base, workload, figure)
        return [own[one] / other[one] for one in own if other.get(one, 0.0) > 0.0]


def relay_us(one: Result) -> float | None:
    """Microseconds of the relaying processes for a call, or an event of a stream."""
    return one.relay_cpu_s / one.units * 1e6 if one.relay_cpu_s and one.units else None


def all_us(one: Result) -> float | None:
    """Microseconds of all processes for a call, or an event of a stream."""
    return one.all_cpu_s / one.units * 1e6 if one.all_cpu_s and one.units else None


def rate(one: Result) -> float:
    """Calls, or events of streams, in a second."""
    return one.calls_per_s * one.units / max(1, one.calls)


def quantile(of: Literal["latency", "first_byte", "chunk_delay", "chunk_gap"], name: str) -> Figure:
    """That quantile, in milliseconds."""
    return lambda one: getattr(one, of).get(name)


def least_share(one: Result) -> float | None:
    """Of all calls, those of the worker that had the fewest; None without two workers."""
    return one.by_worker[0] / sum(one.by_worker) if len(one.by_worker) > 1 and sum(one.by_worker) else None


def median(values: Iterable[float | None]) -> float | None:
    """Of what is known; None when nothing is."""
    known = [value for value in values if value is not None]
    return statistics.median(known) if known else None
