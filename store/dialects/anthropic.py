"""Anthropic's messages. Input is the uncached remainder; cache reads and writes stand beside it.

A stream tells usage twice: in `message_start` with an output count that is only a start value, and finally in
`message_delta`, whose fields count where they are there. Its model is that of `message_start`, unless a fallback steps
in.

The usage sums up the turns of the model that answered. What an adviser or a compaction of the context took stands
beside it, in `iterations` alone, and so does what another model wrote before it declined and a fallback stepped in;
every other entry there is a part of what is summed up. Who declines before writing anything is not billed.
"""

from typing import Any

import msgspec

from store.anomalies import Anomaly
from store.call import CallType, Portion, Tokens
from store.dialects.answer import Answer, Counted, Told
from store.dialects.counts import Counts, name
from store.dialects.dialect import Asked, Dialect
from store.dialects.errors import error_of
from store.dialects.labels import Labels
from store.dialects.shape import Shape

_BESIDE = frozenset(("advisor_message", "compaction"))
_TURNS = frozenset(("message", "fallback_message"))
_COUNTS = ("input_tokens", "output_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")


class Message(msgspec.Struct):
    id: Any = None
    model: Any = None
    stop_reason: Any = None
    usage: msgspec.Raw = msgspec.Raw()


class Delta(msgspec.Struct):
    stop_reason: Any = None


class Named(msgspec.Struct):
    model: Any = None


class Block(msgspec.Struct):
    """A block of content; one that says that a fallback steps in names its model."""

    type: Any = None
    to: Named | None = None


class Piece(Message):
    type: Any = None
    content_block: Block | None = None
    error: Any = None
    message: Message | None = None
    delta: Delta | None = None


def _take(answer: Answer, piece: Piece, _: CallType) -> None:
    kind = piece.type
    if kind == "message_start" and piece.message is not None:
        answer.output_open = True
        _take_message(answer, piece.message)
    elif kind == "message_delta":
        if answer.take_usage(piece.usage):
            answer.output_open = False
            answer.model = _fallback(answer.usage) or answer.model
        if piece.delta is not None:
            answer.finish_reason = name(piece.delta.stop_reason) or answer.finish_reason
    elif kind == "message_stop":
        answer.ended = True
    elif piece.content_block is not None and piece.content_block.type == "fallback":
        answer.model = (name(piece.content_block.to.model) if piece.content_block.to else None) or answer.model
    elif piece.error:
        answer.error = answer.error or error_of({"type": kind, "error": piece.error})
        answer.ended = True
    else:
        _take_message(answer, piece)


def _take_message(answer: Answer, message: Message) -> None:
    answer.id = answer.id or name(message.id)
    answer.model = answer.model or name(message.model)
    if (reason := name(message.stop_reason)) is not None:
        answer.finish_reason = reason
        answer.ended = True  # as the completions of old end, which have no event for it
    answer.take_usage(message.usage)


def _label(labels: Labels, asked: Asked) -> None:
    if isinstance(asked.metadata, dict):
        labels.set_user(asked.metadata.get("user_id"))


def _count(usage: dict[str, Any], _: CallType) -> Counted:
    tokens, anomalies = _tokens(usage)
    portions: tuple[Portion, ...] = ()
    if usage.get("iterations"):
        portions, odd = _beside(usage)
        anomalies += odd
    return Counted(tokens, tuple(dict.fromkeys(anomalies)), _tier(usage), _searches(usage), portions)


def _tier(usage: dict[str, Any]) -> str | None:
    """Fast mode is priced like a tier, and the tier beside it stays "standard"."""
    speed = name(usage.get("speed"))
    return speed if speed not in (None, "standard") else name(usage.get("service_tier"))


def _searches(usage: dict[str, Any]) -> Told | None:
    """Searches are billed each; fetching a page is not, but for its tokens."""
    used = usage.get("server_tool_use")
    searches = Counts().of(used.get("web_search_requests")) if isinstance(used, dict) else None
    return {"web_searches": searches} if searches else None


def _beside(usage: dict[str, Any]) -> tuple[tuple[Portion, ...], list[Anomaly]]:
    """What is in no sum of the usage. A compaction has no model of its own."""
    told = usage["iterations"]
    entries = [entry for entry in told if isinstance(entry, dict)] if isinstance(told, list) else []
    portions, anomalies = [], []
    for entry in (*(one for one in entries if name(one.get("type")) in _BESIDE), *_declined(usage, entries)):
        tokens, odd = _tokens(entry)
        anomalies += odd
        if tokens is not None:
            portions.append(Portion(name(entry.get("model")) or "", tokens))
    return tuple(portions), anomalies


def _fallback(usage: dict[str, Any] | None) -> str | None:
    """The model that stepped in, if any did."""
    told = usage.get("iterations") if usage is not None else None
    for entry in reversed(told) if isinstance(told, list) else ():
        if isinstance(entry, dict) and entry.get("type") == "fallback_message":
            return name(entry.get("model"))
    return None


def _declined(usage: dict[str, Any], entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The turns of models that wrote something and then declined; the last turn is of the one that answered."""
    turns = [entry for entry in entries if name(entry.get("type")) in _TURNS]
    answered = name(turns[-1].get("model")) if turns else None
    others = [turn for turn in turns if name(turn.get("model")) not in (None, answered) and turn.get("output_tokens")]
    summed_up = others and all(_count_of(usage, key) == sum(_count_of(turn, key) for turn in turns) for key in _COUNTS)
    return [] if summed_up else others


def _count_of(counts: dict[str, Any], key: str) -> int:
    return Counts().of(counts.get(key)) or 0


def _tokens(usage: dict[str, Any]) -> tuple[Tokens | None, list[Anomaly]]:
    get, counts = usage.get, Counts()
    of = counts.of
    anomalies: list[Anomaly] = []
    uncached, outgoing = of(get("input_tokens")), of(get("output_tokens"))
    read, written = of(get("cache_read_input_tokens")) or 0, of(get("cache_creation_input_tokens"))
    split = get("cache_creation")
    short = long = 0
    if isinstance(split, dict):
        short, long = of(split.get("ephemeral_5m_input_tokens")) or 0, of(split.get("ephemeral_1h_input_tokens")) or 0
    written = short + long if written is None else written
    if short + long > written:
        anomalies.append("parts_over_total")
        long = min(long, written)
    details = get("output_tokens_details")
    reasoning = of(details.get("thinking_tokens")) if isinstance(details, dict) else None
    if reasoning is not None and outgoing is not None and reasoning > outgoing:
        anomalies.append("parts_over_total")
        reasoning = outgoing
    if counts.odd:
        anomalies.append("odd_count")
    if uncached is None and outgoing is None:
        return None, anomalies
    tokens = Tokens(
        "reported",
        input_uncached=uncached,
        cache_read=read,
        cache_write_5m=written - long,  # what the split does not cover was written for five minutes
        cache_write_1h=long,
        output_text=outgoing,
        reasoning=reasoning,
    )
    return tokens, anomalies


ANTHROPIC = Dialect(Shape(Piece), _take, _count, _label)
