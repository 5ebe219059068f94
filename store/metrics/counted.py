"""The counts, as they grow from scrape to scrape: by the labels of each metric, nothing more."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from store.questions.arrived import Arrived, Histogram

MOST_MODELS = 300
OTHER = "other"
NONE = "none"

Labels = tuple[str, ...]


@dataclass(slots=True)
class Buckets:
    """A histogram that grows."""

    up_to: list[int] = field(default_factory=list)
    measured: int = 0
    total: float = 0.0

    def add(self, more: Histogram) -> None:
        self.up_to = [a + b for a, b in zip(self.up_to or [0] * len(more.up_to), more.up_to, strict=True)]
        self.measured += more.measured
        self.total += more.total


def _sums() -> "defaultdict[Labels, float]":
    return defaultdict(float)


def _histograms() -> "defaultdict[Labels, Buckets]":
    return defaultdict(Buckets)


@dataclass(slots=True)
class Counted:
    """All of them; the comment says by which labels."""

    calls: defaultdict[Labels, float] = field(default_factory=_sums)  # upstream, type, outcome, status
    errors: defaultdict[Labels, float] = field(default_factory=_sums)  # upstream, type
    tokens: defaultdict[Labels, float] = field(default_factory=_sums)  # upstream, model, kind
    untold: defaultdict[Labels, float] = field(default_factory=_sums)  # upstream, model
    estimated: defaultdict[Labels, float] = field(default_factory=_sums)  # upstream, model
    cost: defaultdict[Labels, float] = field(default_factory=_sums)  # upstream, model; nano-USD
    unpriced: defaultdict[Labels, float] = field(default_factory=_sums)  # upstream, model
    usage: defaultdict[Labels, float] = field(default_factory=_sums)  # group; micro-credits
    durations: defaultdict[Labels, Buckets] = field(default_factory=_histograms)  # upstream, type
    first_tokens: defaultdict[Labels, Buckets] = field(default_factory=_histograms)  # upstream, type
    overheads: defaultdict[Labels, Buckets] = field(default_factory=_histograms)  # upstream, type
    operations: defaultdict[Labels, Buckets] = field(default_factory=_histograms)  # operation, upstream, both models
    usages: defaultdict[Labels, Buckets] = field(default_factory=_histograms)  # the same, and input or output
    _models: set[str] = field(default_factory=set)

    def add(self, arrived: Iterable[Arrived]) -> None:
        """Count these calls."""
        for one in arrived:
            self._add(one)

    def _add(self, one: Arrived) -> None:
        model, place = self._name(one.model), (one.upstream, one.type)
        at = (one.upstream, model)
        self.calls[one.upstream, one.type, one.outcome, one.status] += one.calls
        self.errors[place] += one.errors
        for kind, count in (
            ("input", one.input_tokens), ("output", one.output_tokens), ("cache_read", one.cache_read),
            ("cache_write", one.cache_write), ("reasoning", one.reasoning),
        ):  # fmt: skip
            if count is not None:
                self.tokens[one.upstream, model, kind] += count
        self.untold[at] += one.untold_calls
        self.estimated[at] += one.estimated_calls
        if one.cost_nano_usd is not None:
            self.cost[at] += one.cost_nano_usd
        self.unpriced[at] += one.unknown_cost_calls
        if one.usage_micro is not None:
            self.usage[one.group,] += one.usage_micro
        self.durations[place].add(one.duration)
        self.first_tokens[place].add(one.first_token)
        self.overheads[place].add(one.overhead)
        if one.model is None or one.upstream == NONE:
            return  # no operation of a model
        operation = (one.type, one.upstream, self._name(one.requested_model), model)
        self.operations[operation].add(one.duration)
        self.usages[(*operation, "input")].add(one.input)
        self.usages[(*operation, "output")].add(one.output)

    def _name(self, model: str | None) -> str:
        if model is None:
            return NONE
        if model in self._models:
            return model
        if len(self._models) >= MOST_MODELS:
            return OTHER
        self._models.add(model)
        return model
