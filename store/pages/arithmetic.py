"""The arithmetic of one call, line by line: tokens by kind, cost as count x rate, usage in credits; states in words.

It adds up what is written with the call and says when that does not give the total; it never prices anything anew.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final

from store.pricing.missing import in_words, may_be_given

Call = Mapping[str, Any]

_INPUT: Final = {
    "input_uncached": "Input, at the plain rate",
    "cache_read": "Read from a cache",
    "cache_write_5m": "Written to a cache, for 5 minutes",
    "cache_write_1h": "Written to a cache, for an hour",
    "input_audio": "Audio in",
    "input_image": "Images in",
    "cache_read_audio": "Audio read from a cache",
    "cache_read_image": "Images read from a cache",
}
_OUTPUT: Final = {
    "output_text": "Output text",
    "output_audio": "Audio out",
    "output_image": "Images out",
}
_LINES: Final = {
    "input": "Input", "cache_read": "Read from a cache", "cache_write_5m": "Written to a cache, for 5 minutes",
    "cache_write_1h": "Written to a cache, for an hour", "input_audio": "Audio in", "input_image": "Images in",
    "cache_read_audio": "Audio read from a cache", "cache_read_image": "Images read from a cache",
    "output": "Output", "output_audio": "Audio out",
    "output_image": "Images out", "output_reasoning": "Reasoning", "output_citation": "Citations",
    "input_video": "Video in", "output_video": "Video out",
    "request": "Request", "image": "Images", "second": "Seconds", "character": "Characters", "page": "Pages",
    "annotated_page": "Annotated pages", "search_unit": "Search units", "text_message": "Text messages",
    "web_search": "Web searches", "file_search": "File searches",
}  # fmt: skip
_UNITS: Final = {
    "request": "request", "image": "image", "second": "second", "character": "character", "page": "page",
    "annotated_page": "page", "search_unit": "search unit", "text_message": "message",
    "web_search": "search", "file_search": "search",
}  # fmt: skip
_SOURCES: Final = {
    "reported": "The provider told these counts.",
    "estimated": "Estimated from the text: the provider told no counts, or not all of them.",
    "none": "Nobody told the tokens of this call.",
}
_LISTS: Final = {
    "config": "the [[prices]] of the configuration",
    "genai-prices": "the published price list genai-prices",
    "upstream": "the provider's own answer",
}
_MICRO: Final = Decimal("0.000001")


@dataclass(frozen=True, slots=True)
class Counted:
    """Tokens of one kind."""

    label: str
    count: int | None


@dataclass(frozen=True, slots=True)
class Line:
    """kind x count x rate = amount."""

    label: str
    count: str
    rate: str
    unit: str
    usd: str
    model: str | None  # another one than the call's


@dataclass(frozen=True, slots=True)
class Usage:
    """cost x ratio x credits per dollar = usage; `ratio` is None when today's settings do not give what is written."""

    ratio: str | None
    per_usd: str


@dataclass(frozen=True, slots=True)
class Account:
    """Everything a page tells of tokens and money."""

    source: str
    input: list[Counted]
    output: list[Counted]
    lines: list[Line]
    exact_sum: str | None  # of the lines; None when there are none
    rounded: bool  # the total is that sum, rounded
    state: str
    price_list: str | None
    portions: dict[str, str | None]  # other models, each with its price
    saved: str | None
    usage: Usage | None


def account(call: Call, ratio: Decimal, per_usd: Decimal) -> Account:
    """The account of this call; `ratio` of its group and `per_usd` are today's settings."""
    tokens, cost = call["tokens"], call["cost"]
    parts = tokens["parts"]
    exact = sum((Decimal(line["usd"]) for line in cost["lines"]), Decimal(0)) if cost["lines"] else None
    return Account(
        source=_SOURCES.get(tokens["source"], tokens["source"]),
        input=_counted(_INPUT, parts),
        output=_counted(_OUTPUT, parts),
        lines=[_line(line) for line in cost["lines"]],
        exact_sum=None if exact is None else f"{exact:f}",
        rounded=exact is not None and cost["usd"] is not None and exact != Decimal(cost["usd"]),
        state=_state(call),
        price_list=_LISTS.get(cost["price"]["source"], cost["price"]["source"]),
        portions={line["model"]: line.get("price") for line in cost["lines"] if line.get("model")},
        saved=cost.get("cache_saved_usd"),
        usage=_usage(call, ratio, per_usd),
    )


def _counted(labels: Mapping[str, str], parts: Mapping[str, int | None]) -> list[Counted]:
    """The kinds that were told apart; of those only the plain one, or what there was any of."""
    return [
        Counted(label, parts[name])
        for place, (name, label) in enumerate(labels.items())
        if parts.get(name) or (place == 0 and parts.get(name) is not None)
    ]


def _line(line: Mapping[str, Any]) -> Line:
    per_unit = "rate_usd" in line
    count = Decimal(str(line["count"]))
    return Line(
        label=_LINES.get(line["kind"], line["kind"]),
        count=f"{count:,f}",
        rate=line["rate_usd" if per_unit else "rate_usd_per_million"],
        unit=f"per {_UNITS.get(line['kind'], 'unit')}" if per_unit else "per million",
        usd=line["usd"],
        model=line.get("model"),
    )


def _usage(call: Call, ratio: Decimal, per_usd: Decimal) -> Usage | None:
    if call["usage"] is None or call["cost"]["usd"] is None:
        return None
    due = (Decimal(call["cost"]["usd"]) * ratio * per_usd).quantize(_MICRO, ROUND_HALF_UP)
    as_now = due == Decimal(repr(call["usage"])).quantize(_MICRO)
    return Usage(f"{ratio.normalize():f}" if as_now else None, f"{per_usd.normalize():f}")


def _state(call: Call) -> str:
    state, price = call["cost"]["state"], call["cost"]["price"]
    match state:
        case "priced":
            return "Priced: what was counted, at the rates below."
        case "reported":
            return "Reported by the provider: this is the amount it told."
        case "estimated":
            return "Estimated: the rates are known, the tokens are estimates."
        case "free" if price["source"]:
            return "Free: this model costs nothing, by the price below."
        case "free":
            return f"Free: {_nobody_billed(call)}"
        case "unknown":
            return f"Unknown, because {_unknown(call)}"
        case _:
            return str(state)


def _nobody_billed(call: Call) -> str:
    if call["outcome"] == "rejected":
        return "Tollbook refused the call, so no provider has seen it."
    if call["outcome"] == "upstream_unreachable":
        return "no provider has seen this call."
    if call["type"] == "count_tokens":
        return "counting tokens costs nothing."
    if call["error"] or (call["status"] or 0) >= 400:
        return "providers bill nothing for a call they refuse."
    return "providers bill nothing for this kind of call."


def _unknown(call: Call) -> str:
    if (
        call["outcome"] in ("interrupted", "upstream_timed_out", "upstream_broke_off")
        and call["tokens"]["total"] is None
    ):
        return "the call ended before its usage was told; it may have been billed."
    missing = call["cost"].get("missing")
    if missing is not None:
        remedy = " A [[prices]] entry in the configuration gives it one." if may_be_given(missing) else ""
        return f"{in_words(missing)}.{remedy}"
    # Written by an earlier version, which did not say.
    if call["tokens"]["source"] == "none" and call["type"] in ("chat", "completion", "embedding"):
        return "nobody told its tokens."
    if call["model"] is None:
        return "no model is known for it."
    return (
        "no price is known for this model at this upstream, or not for everything that was counted. "
        "A [[prices]] entry in the configuration gives it one."
    )
