"""The table that says which aims hold, from made-up figures."""

from dataclasses import replace

import pytest

from bench.measure import Result
from bench.results import Results, all_us
from bench.targets import Aim, aims, table

RUN = Result(
    subject="tollbook", workload="json-c32", repetition=0, calls=1000, failed=0, calls_per_s=5000.0, events=0,
    relay_cpu_s=0.04, all_cpu_s=0.1, latency={}, first_byte={}, chunk_delay={}, chunk_gap={}, rss_mb=160.0,
    pss_mb=110.0, memory_mb=130.0, rows=1000, by_worker=(1000,), others_cores=0.0,
)  # fmt: skip


def aim_about(about: str, where: str, results: Results, group: int = 1) -> Aim:
    """The first of this group that begins so."""
    return next(aim for aim in aims(results, None, [])[group][1] if aim.about.startswith(about) and aim.where == where)


def test_ratios_are_taken_inside_a_repetition() -> None:
    """A machine that is twice as slow in one repetition leaves the ratio as it is."""
    bare = replace(RUN, subject="aiohttp", rows=None, by_worker=())
    slower = [replace(one, repetition=1, all_cpu_s=one.all_cpu_s * 2) for one in (RUN, bare)]
    results = Results([RUN, bare, *slower])
    assert results.ratios("tollbook", "aiohttp", "json-c32", all_us) == [1.0, 1.0]


@pytest.mark.parametrize(("all_cpu_s", "holds"), [(0.079, True), (0.081, False)])
def test_an_aim_is_judged(all_cpu_s: float, holds: bool) -> None:
    """At most 0.8 of what bare aiohttp needs for a call."""
    bare = replace(RUN, subject="aiohttp", rows=None, by_worker=())
    aim = aim_about("all processes", "json-c32", Results([replace(RUN, all_cpu_s=all_cpu_s), bare]))
    assert aim.holds is holds
    assert aim.line().endswith("| yes |" if holds else "| **no** |")


def test_what_was_not_measured_neither_holds_nor_fails() -> None:
    """An aim without figures says so, and is not taken for one that was missed."""
    aim = aim_about("all processes", "json-c32", Results([RUN]))
    assert aim.holds is None
    assert "| not measured |" in aim.line()


@pytest.mark.parametrize("rows", [999, 1001])
def test_a_row_too_few_or_too_many_is_seen(rows: int) -> None:
    """One run of several whose rows are not its calls makes the aim fail."""
    results = Results([RUN, replace(RUN, workload="sse", rows=rows)])
    assert aim_about("rows stored", "all", results).holds is False
    assert aim_about("rows stored", "all", Results([RUN])).holds is True


def test_a_peer_that_needs_more_makes_the_ratio_larger() -> None:
    """LiteLLM's proxy at a hundred times the processor time holds the aim, at fewer it does not."""
    for times, holds in ((101, True), (99, False)):
        peer = replace(RUN, subject="litellm", rows=None, by_worker=(), all_cpu_s=RUN.all_cpu_s * times)
        assert aim_about("CPU per call of LiteLLM", "json-c32", Results([RUN, peer])).holds is holds


def test_every_aim_is_a_line_of_the_table() -> None:
    """Two groups, and as many lines as there are aims."""
    groups = aims(Results([]), None, [])
    lines = [line for line in table(groups).splitlines() if line.startswith("|")]
    assert len(lines) == sum(len(group) for _, group in groups) + 2 * len(groups)
