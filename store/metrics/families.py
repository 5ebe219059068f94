"""From counts to metrics: their names, units and explanations. Base units, and `_total` where something only grows
(https://prometheus.io/docs/practices/naming/)."""

from collections.abc import Mapping, Sequence
from typing import Any

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric

from proxy.journal.ladder import Step
from store.metrics.counted import Buckets, Counted, Labels
from store.questions.arrived import OVERHEAD_SECONDS, SECONDS, TOKENS

_OPERATION = ("gen_ai_operation_name", "gen_ai_provider_name", "gen_ai_request_model", "gen_ai_response_model")
_AT = ("upstream", "model")
_PLACE = ("upstream", "type")


def families(counted: Counted, health: Mapping[str, Any], *, readable: bool, left: int) -> list[Metric]:
    """Every metric there is. `left`: rows that the next scrape will count."""
    return [*_of_calls(counted), *_of_the_book(health, readable=readable, left=left)]


def _of_calls(counted: Counted) -> list[Metric]:
    return [
        _counter(
            "tollbook_calls", "Calls in the book.", ("upstream", "type", "outcome", "status"), counted.calls
        ),
        _counter("tollbook_call_errors", "Calls that count as errors.", _PLACE, counted.errors),
        _counter(
            "tollbook_tokens",
            "Tokens; input includes what was read from and written to a cache, output includes reasoning.",
            ("upstream", "model", "kind"),
            counted.tokens,
        ),
        _counter("tollbook_tokens_unknown_calls", "Calls whose tokens nobody told.", _AT, counted.untold),
        _counter("tollbook_tokens_estimated_calls", "Calls whose tokens are estimates.", _AT, counted.estimated),
        _counter("tollbook_cost_usd", "Cost of the calls whose cost is known.", _AT, counted.cost, per=1_000_000_000),
        _counter("tollbook_cost_unknown_calls", "Calls whose cost is not known.", _AT, counted.unpriced),
        _counter("tollbook_usage_credits", "Usage, in credits.", ("group",), counted.usage, per=1_000_000),
        _histogram(
            "tollbook_call_duration_seconds", "From receipt to the end of the answer.", _PLACE, counted.durations,
            SECONDS,
        ),
        _histogram(
            "tollbook_first_token_seconds", "From receipt to the first piece of a streamed answer.", _PLACE,
            counted.first_tokens, SECONDS,
        ),
        _histogram(
            "tollbook_overhead_seconds", "Time inside Tollbook before the upstream was asked.", _PLACE,
            counted.overheads, OVERHEAD_SECONDS,
        ),
        # The semantic conventions' own names (https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-metrics/).
        _histogram(
            "gen_ai_client_operation_duration_seconds", "Duration of a call of a model.", _OPERATION,
            counted.operations, SECONDS,
        ),
        _histogram(
            "gen_ai_client_token_usage", "Input and output tokens of a call of a model.",
            (*_OPERATION, "gen_ai_token_type"), counted.usages, TOKENS,
        ),
    ]  # fmt: skip


def _of_the_book(health: Mapping[str, Any], *, readable: bool, left: int) -> list[Metric]:
    """As /api/health tells them: since the book began, so that received = stored + waiting + open + lost."""
    lost: dict[Labels, float] = {
        (reason,): float(count) for reason, count in health["lost"].items() if reason != "total"
    }
    disk = health["disk"]
    budgets = [one for one in health["budgets"] if one["of"] == "group"]
    told = [
        _counter("tollbook_calls_received", "Calls received since the book began.", (), _one(health["received"])),
        _counter("tollbook_calls_stored", "Calls stored since the book began.", (), _one(health["stored"])),
        _counter("tollbook_calls_lost", "Calls lost since the book began.", ("reason",), lost),
        _counter("tollbook_refusals_repeated", "Refusals counted on the row of another.", (), _one(health["repeats"])),
        _counter("tollbook_requests_malformed", "Requests the HTTP parser refused.", (), _one(health["malformed"])),
        _counter(
            "tollbook_requests_late", "Requests whose headers did not come in time.", (), _one(health["late_heads"])
        ),
        _counter(
            "tollbook_connections_turned_away", "Connections past max_connections.", (), _one(health["turned_away"])
        ),
        _counter("tollbook_loop_stalls", "How often a worker's loop stood still.", (), _one(health["stalls"])),
        _gauge(
            "tollbook_loop_longest_stall_seconds",
            "The longest of those of the workers that run.",
            health["longest_stall_ms"] / 1000,
        ),
        _counter("tollbook_journal_late_notes", "Notes no client waited for.", (), _one(health["late_notes"])),
        _gauge("tollbook_calls_open", "Calls under way.", health["open"]),
        _gauge("tollbook_calls_waiting", "Calls that ended and are not in the book yet.", health["waiting"]),
        _gauge("tollbook_book_lag_seconds", "Age of the oldest call that waits.", health["lag_ms"] / 1000),
        _gauge("tollbook_book_readable", "Whether the book could be read for this scrape.", int(readable)),
        _gauge("tollbook_metrics_calls_left", "Calls in the book that the next scrape will count.", left),
    ]
    ladder = GaugeMetricFamily("tollbook_ladder_step", "1 for the step that is stood on.", labels=("step",))
    for step in Step:
        ladder.add_metric((step.label,), int(step.label == health["ladder"]["step"]))
    told.append(ladder)
    failing = int(health["ladder"]["book_error"] is not None)
    told.append(_gauge("tollbook_book_failing", "Whether the book could not be written at the last try.", failing))
    files = GaugeMetricFamily("tollbook_disk_bytes", "Size of the files of the book.", labels=("file",))
    for file in ("book", "bodies", "search", "journal"):
        files.add_metric((file,), disk[f"{file}_bytes"])
    told += [files, _gauge("tollbook_disk_free_bytes", "What is left on the disk of the book.", disk["free_bytes"])]
    if budgets:
        used = GaugeMetricFamily(
            "tollbook_budget_used_ratio", "Share of a group's budget that is used.", labels=("group", "period")
        )
        for one in budgets:
            used.add_metric((one["name"], one["period"]), one["share"])
        told.append(used)
    return told


def _one(value: float) -> dict[Labels, float]:
    return {(): float(value)}


def _counter(
    name: str, says: str, labels: Sequence[str], values: Mapping[Labels, float], per: int = 1
) -> CounterMetricFamily:
    family = CounterMetricFamily(name, says, labels=labels)
    for at, value in sorted(values.items()):
        family.add_metric(at, value / per)
    return family


def _gauge(name: str, says: str, value: float | None) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, says)
    if value is not None:
        family.add_metric((), value)
    return family


def _histogram(
    name: str, says: str, labels: Sequence[str], values: Mapping[Labels, Buckets], ends: Sequence[float]
) -> HistogramMetricFamily:
    family = HistogramMetricFamily(name, says, labels=labels)
    for at, one in sorted(values.items()):
        if one.measured:
            buckets = [(_end(end), float(count)) for end, count in zip(ends, one.up_to, strict=True)]
            family.add_metric(at, [*buckets, ("+Inf", float(one.measured))], one.total)
    return family


def _end(end: float) -> str:
    return repr(float(end))
