"""What Tollbook shall cost at most, and whether it does: the first table of docs/performance.md.

Ratios are taken inside a repetition; an aim is judged by their median. What was not measured is not judged.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bench.keeping_up import Pause, Steady
from bench.results import Figure, Results, all_us, median, quantile, rate, relay_us

_P50, _P99 = quantile("latency", "p50"), quantile("latency", "p99")
_FIRST = quantile("first_byte", "p50")
_DELAY = quantile("chunk_delay", "p99")


@dataclass(frozen=True, slots=True)
class Aim:
    """One line: what was found in each repetition, and what it shall be at most, or at least."""

    about: str
    where: str
    found: Sequence[float]
    bound: float
    least: bool = False
    unit: str = "x"

    @property
    def holds(self) -> bool | None:
        """None when it was not measured."""
        middle = median(self.found)
        if middle is None:
            return None
        return middle >= self.bound if self.least else middle <= self.bound

    def line(self) -> str:
        """Of the table."""
        middle = median(self.found)
        digits = 0 if self.unit == "MB" else 2
        measured = "not measured" if middle is None else f"{middle:,.{digits}f} {self.unit}"
        spread = f"{min(self.found):,.{digits}f}..{max(self.found):,.{digits}f}" if self.found else ""
        holds = {True: "yes", False: "**no**", None: ""}[self.holds]
        return (
            f"| {self.about} | {self.where} | {'≥' if self.least else '≤'} {self.bound:g} {self.unit} | {measured} | "
            f"{spread} | {holds} |"
        )


def aims(results: Results, steady: Steady | None, pauses: Sequence[Pause]) -> list[tuple[str, list[Aim]]]:
    """[(heading, aims)], in the order of the page."""

    def ratio(
        about: str, where: str, figure: Figure, bound: float, base: str = "aiohttp", *, least: bool = False
    ) -> Aim:
        return Aim(about, where, results.ratios("tollbook", base, where, figure), bound, least)

    def added(about: str, where: str, figure: Figure, bound: float) -> Aim:
        return Aim(about, where, results.added_ratios("tollbook", "aiohttp", where, figure), bound)

    first = [
        ratio("worker CPU per call, to bare aiohttp", "json-c32", relay_us, 1.25),
        ratio("all processes, CPU per call, to bare aiohttp", "json-c32", all_us, 1.6),
        added("added p50, to what bare aiohttp adds", "json-c1", _P50, 1.3),
        added("added p99, to what bare aiohttp adds", "json-c1", _P99, 1.5),
        ratio("all processes, CPU per event, to bare aiohttp", "sse", all_us, 1.1),
        Aim(
            "rows stored for each call that comes in, in the second half of a long run at the most two workers relay",
            "two workers, 64 connections", () if steady is None else (steady.kept_up * 100,), 98, True, "%",
        ),
        *(
            Aim(
                f"rows stored for each call that came in, catching up after {one.paused_s:.0f} s of standing still",
                one.about, (one.factor,), 3, True,
            )
            for one in pauses if one.is_aim
        ),
        Aim(
            "memory of all processes together, at its highest", "sse-1000",
            [one.memory_mb for one in results.of("tollbook", "sse-1000").values()], 250, unit="MB",
        ),
    ]  # fmt: skip
    own_client = [
        ratio("all processes, CPU per call, to bare aiohttp", "json-c32", all_us, 0.8),
        ratio("worker CPU per call, to bare aiohttp", "json-c32", relay_us, 0.55),
        ratio("calls/s, to bare aiohttp", "json-c32", rate, 1.4, least=True),
        ratio("all processes, CPU per call, to bare aiohttp", "json-c256", all_us, 0.8),
        ratio("worker CPU per call, to bare aiohttp", "json-c256", relay_us, 0.55),
        ratio("calls/s, to bare aiohttp", "json-c256", rate, 1.4, least=True),
        added("added p50, to what bare aiohttp adds", "json-c1", _P50, 0.8),
        added("added p99, to what bare aiohttp adds", "json-c1", _P99, 1.2),
        ratio("all processes, CPU per event, to bare aiohttp", "sse", all_us, 0.85),
        ratio("all processes, CPU per event, to nginx", "sse", all_us, 1.6, "nginx"),
        added("added time to the first event, p50, to what bare aiohttp adds", "sse-1000", _FIRST, 0.25),
        ratio("event delay p99, to bare aiohttp", "sse-1000", _DELAY, 0.5),
        ratio("all processes, CPU per call, to bare aiohttp", "tls-json-c32", all_us, 0.7),
        ratio("all processes, CPU per event, to bare aiohttp", "tls-sse", all_us, 0.9),
        Aim(
            "CPU per call of LiteLLM's proxy, to that of all processes here", "json-c32",
            results.ratios("litellm", "tollbook", "json-c32", all_us), 100, True,
        ),
        Aim("rows stored for calls sent, in every run", "all", _kept(results), 100, True, "%"),
    ]  # fmt: skip
    return [
        ("With aiohttp towards clients and upstreams", first),
        ("With a client of its own towards upstreams", own_client),
    ]


def _kept(results: Results) -> list[float]:
    """Percent, of every run that has rows; more rows than calls are as wrong as fewer."""
    runs = [(one.rows, one.calls) for one in results.all if one.rows is not None]
    return [100.0] * bool(runs) if all(rows == calls for rows, calls in runs) else [
        100 - abs(100 - rows / max(1, calls) * 100) for rows, calls in runs if rows != calls
    ]  # fmt: skip


def table(groups: Iterable[tuple[str, list[Aim]]]) -> str:
    """Markdown."""
    head = "| aim | where | limit | measured | spread | holds |\n|---|---|---|---|---|---|"
    return "\n\n".join(
        f"**{heading}**\n\n{head}\n" + "\n".join(aim.line() for aim in group) for heading, group in groups
    )
