"""Duration against tokens: the newest completed calls of a filter as points, each with why it was slow.

What is usual is computed from the points themselves, for each model, type and way of answering: one pass, and it
obeys the filter. Retries are not looked for, because that takes a look into each call's headers.
"""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from fnmatch import fnmatchcase

from store.filters import Filter, Words
from store.pace import Measured, reasons, usual
from store.questions.logs import logs
from store.questions.pace import usual_as_json
from store.questions.partial import together
from store.questions.row import Json
from store.reader import Source

POINTS = 2000
MOST_POINTS = 5000
_COMPLETED = "completed"

_Kind = tuple[str | None, str, bool]


async def scatter(source: Source, asked: Filter, limit: int = POINTS) -> Json:
    """{"points": [...], "usual": [...], "more", "complete", "read_back_to"}; `more`: there are calls beyond the limit.

    Raises:
        NoAnswer: the book cannot be read in time.
    """
    wanted = _completed(asked)
    if wanted is None:
        return {"points": [], "usual": [], "more": False, "complete": True, "read_back_to": None}
    page = await logs(source, replace(wanted, limit=limit, cursor=None, sort="time", order="desc", by=()))
    points, usually = await asyncio.to_thread(_placed, page["logs"])
    return {
        "points": points,
        "usual": usually,
        "more": page["next"] is not None,
        **together([page]),
    }


def _completed(asked: Filter) -> Filter | None:
    """The same filter for completed calls alone; None when it means others."""
    words = asked.outcome
    if words.any_of and not any(fnmatchcase(_COMPLETED, word) for word in words.any_of):
        return None
    if any(fnmatchcase(_COMPLETED, word) for word in words.none_of):
        return None
    status = Words(asked.status.any_of, tuple(dict.fromkeys((*asked.status.none_of, "error"))))
    return replace(asked, outcome=Words((_COMPLETED,)), status=status)


def _placed(calls: Sequence[Json]) -> tuple[list[Json], list[Json]]:
    measured = [_measured(call) for call in calls]
    kinds: defaultdict[_Kind, list[Measured]] = defaultdict(list)
    for call, one in zip(calls, measured, strict=True):
        kinds[_kind(call)].append(one)
    usually = {kind: usual(members) for kind, members in kinds.items()}
    points = []
    for call, one in zip(calls, measured, strict=True):
        speed = one.tokens_per_second
        points.append({
            "id": call["id"],
            "time": call["time"],
            "model": call["model"],
            "type": call["type"],
            "stream": call["stream"],
            "duration_ms": call["duration_ms"],
            "tokens": {"input": call["tokens"]["input"], "output": call["tokens"]["output"]},
            "first_token_ms": call["first_token_ms"],
            "tokens_per_second": None if speed is None else round(speed, 3),
            "reasons": [reason.name for reason in reasons(one, usually[_kind(call)])],
        })  # fmt: skip
    ordered = sorted(usually.items(), key=lambda item: (-item[1].calls, item[0][0] or "", item[0][1:]))
    return points, [
        {"model": model, "type": call_type, "stream": stream, "calls": one.calls, **usual_as_json(one)}
        for (model, call_type, stream), one in ordered
    ]


def _kind(call: Json) -> _Kind:
    return call["model"], call["type"], call["stream"]


def _measured(call: Json) -> Measured:
    return Measured(
        duration_us=_us(call["duration_ms"]),
        first_token_us=_us(call["first_token_ms"]),
        overhead_us=_us(call["overhead_ms"]),
        input_tokens=call["tokens"]["input"],
        output_tokens=call["tokens"]["output"],
        streamed=call["stream"],
    )


def _us(ms: float | None) -> int | None:
    return None if ms is None else round(ms * 1000)
