"""What is asked of a book, and how soon an answer is wanted."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bench.query.cast import Cast
from store.filters import GROUPING, PAGING, Filter, parse
from store.questions import call, comparison, facets, forecast, logs, movers, scatter, stats
from store.reader import Reader

Answer = dict[str, Any]
Ask = Callable[[Reader], Awaitable[Answer | None]]
Params = list[tuple[str, str]]

PAGE_MS = 50.0
SUMS_MS = 100.0
DEADLINE_MS = 2000.0


@dataclass(frozen=True, slots=True)
class Question:
    """One question, under a heading; `aim_ms` is how long its answer may take."""

    heading: str
    name: str
    aim_ms: float
    ask: Ask


@dataclass(frozen=True, slots=True)
class Asking:
    """Makes questions about one book; `now` is when its last call was received."""

    now: datetime
    cast: Cast
    newest_id: str

    def all(self) -> list[Question]:
        """In the order of the report."""
        return [*self._pages(), *self._next_pages(), *self._details(), *self._sums(), *self._until_the_deadline()]

    def filter(self, params: Params, also: Sequence[str] = ()) -> Filter:
        return parse(params, self.now, also=also)

    def _pages(self) -> list[Question]:
        often, seldom = self.cast.models[0].name, self.cast.models[35].name
        key, rare_key = self.cast.keys[0], self.cast.keys[-1]
        group = self.cast.groups[next(slot.group for slot in self.cast.slots if slot.key == 1) - 1]
        types, upstreams = self.cast.types, self.cast.upstreams
        filters: list[Params] = [
            [],
            [("from", "24h")],
            [("from", "60d"), ("to", "30d")],
            [("model", often)],
            [("model", seldom)],
            [("model", "gpt-*")],
            [("model", "!gpt-*")],
            [("key", key)],
            [("key", rare_key)],
            [("key", "key-1*")],
            [("group", "team-01")],
            [("group", "team-1*")],
            [("type", "chat")],
            [("type", types[-1])],
            [("upstream", upstreams[0])],
            [("status", "200")],
            [("status", "429")],
            [("status", "4xx")],
            [("status", "!200")],
            [("status", "error")],
            [("outcome", "completed")],
            [("outcome", "client_left")],
            [("outcome", "!completed")],
            [("user", "user-1000")],
            [("user", "nobody")],
            [("session", "session-7")],
            [("model", often), ("key", key)],
            [("model", "gpt-*"), ("key", key)],
            [("model", often), ("key", rare_key)],
            [("model", often), ("group", "team-01")],
            [("model", "*-0*"), ("type", "chat")],
            [("key", "key-0*"), ("type", "embedding")],
            [("key", key), ("type", types[-1])],
            [("group", "team-05"), ("upstream", upstreams[1])],
            [("model", often), ("status", "429")],
            [("model", seldom), ("status", "503")],
            [("key", key), ("status", "error")],
            [("key", rare_key), ("status", "error")],
            [("group", "team-01"), ("status", "5xx")],
            [("type", types[-1]), ("status", "4xx")],
            [("upstream", upstreams[2]), ("outcome", "upstream_timed_out")],
            [("model", seldom), ("outcome", "client_left")],
            [("key", key), ("outcome", "!completed")],
            [("status", "error"), ("outcome", "completed")],
            [("status", "500"), ("outcome", "client_left")],
            [("user", "user-1000"), ("model", often)],
            [("user", "user-1000"), ("status", "error")],
            [("session", "session-7"), ("key", key)],
            [("from", "30d"), ("model", often), ("key", key), ("group", group), ("type", "chat")],
            [("from", "60d"), ("to", "30d"), ("model", seldom), ("status", "error")],
            [("anomaly", "cached_over_input")],
            [("cost_state", "unknown")],
            [("stream", "true")],
        ]
        return [Question("First page", _named(params), PAGE_MS, self._page(params)) for params in filters]

    def _next_pages(self) -> list[Question]:
        often = self.cast.models[0].name
        return [
            Question("Next page", _named(params), PAGE_MS, self._tenth_page(params))
            for params in ([], [("model", often)], [("status", "4xx")], [("key", "key-0*"), ("type", "chat")])
        ]

    def _details(self) -> list[Question]:
        return [Question("Details", "the newest call", PAGE_MS, lambda reader: call(reader, self.newest_id))]

    def _sums(self) -> list[Question]:
        often, key = self.cast.models[0].name, self.cast.keys[0]

        def told(heading: str, aim_ms: float, params: Params, by: str = "", name: str = "") -> Question:
            asked = self.filter([*params, *([("by", by)] if by else [])], GROUPING)
            words = ", ".join(filter(None, (name or _named(params), f"by {by}" if by else "")))
            return Question(heading, words, aim_ms, lambda reader: stats(reader, asked, percentiles=not by))

        found = [
            Question("Facets", _named(params), PAGE_MS, self._facets(params))
            for params in ([], [("from", "30d")], [("model", often)], [("from", "24h"), ("key", key)])
        ]
        some: list[Params] = [
            [], [("from", "24h")], [("from", "30d")], [("model", often)], [("from", "30d"), ("key", key)],
            [("from", "7d"), ("model", often), ("key", key)],
        ]  # fmt: skip
        found += [told("Totals", SUMS_MS, params) for params in some]
        charts: list[tuple[Params, str]] = [
            ([("from", "24h")], "hour,model"), ([("from", "7d")], "hour"), ([("from", "30d")], "day,model"),
            ([("from", "30d"), ("tz", "Asia/Kathmandu")], "day,model"), ([("from", "30d")], "day,key"),
            ([("from", "30d")], "day,group"), ([], "day"), ([], "month,model"), ([], "key"), ([], "model"),
            ([("from", "30d"), ("key", key)], "day,model"),
            # As /stats draws it: the eight keys that cost most.
            ([("from", "30d"), *(("key", f"key-{number:03}") for number in range(1, 9))], "day,key"),
        ]  # fmt: skip
        found += [told("Charts", SUMS_MS, params, by) for params, by in charts]
        month = self.filter([("from", "30d")])
        found += [
            Question("Stats page", "comparison, 30d", SUMS_MS, lambda reader: comparison(reader, month, self.now)),
            Question("Stats page", "movers, 30d", SUMS_MS, lambda reader: movers(reader, month, self.now)),
            Question("Stats page", "forecast", SUMS_MS, lambda reader: forecast(reader, self.filter([]), self.now)),
            Question("Stats page", "scatter, 30d", SUMS_MS, lambda reader: scatter(reader, month)),
        ]
        return found

    def _until_the_deadline(self) -> list[Question]:
        filters: list[Params] = [
            [("tag.team", "q")],
            [("tag.team", "nobody")],
            [("user", "*-123")],
            [("min_tokens", "9999999")],
            [("min_cost_usd", "5"), ("stream", "false")],
            [("sort", "duration")],
            [("sort", "cost"), ("order", "asc")],
            [("sort", "tokens"), ("model", self.cast.models[0].name), ("from", "30d")],
            [("q", "nowhere")],
        ]
        sums: list[Params] = [[("user", "*-123")], [("status", "error")], [("tag.team", "q")]]
        return [
            *(Question("Read until the deadline", _named(one), DEADLINE_MS, self._page(one)) for one in filters),
            *(
                Question("Read until the deadline", f"totals, {_named(one)}", DEADLINE_MS, self._totals(one))
                for one in sums
            ),
        ]

    def _page(self, params: Params) -> Ask:
        asked = self.filter(params, PAGING)
        return lambda reader: logs(reader, asked)

    def _totals(self, params: Params) -> Ask:
        asked = self.filter(params)
        return lambda reader: stats(reader, asked)

    def _tenth_page(self, params: Params) -> Ask:
        cursors: list[str] = []

        async def ask(reader: Reader) -> Answer:
            while not cursors or len(cursors) < 9:
                on = [("cursor", cursors[-1])] if cursors else []
                page = await logs(reader, self.filter([*params, *on], PAGING))
                cursors.append(page["next"])
            return await logs(reader, self.filter([*params, ("cursor", cursors[-1])], PAGING))

        return ask

    def _facets(self, params: Params) -> Ask:
        asked = self.filter(params)
        return lambda reader: facets(reader, asked)


def _named(params: Params) -> str:
    return "&".join(f"{name}={value}" for name, value in params).replace("|", "\\|") or "no filter"
