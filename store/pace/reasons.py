"""Which it was: slow request, long prompt, slow start, a pause, slow generation, long output, a client that reads
slowly, our own overhead, retries.

A figure stands out when it is beyond what nine of ten calls need, half as much again as the median, and the time it
cost is a noticeable part of the call. Several can stand out in one call. An answer that was not streamed shows no
first piece, so its start and its writing cannot be told apart: its whole time is placed against its length.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from store.pace.failure import where_it_went
from store.pace.measured import Measured, Spread, Usual
from store.pace.words import count, rate, several, span

ReasonName = Literal[
    "slow_request", "long_prompt", "slow_start", "pause", "slow_generation", "long_output", "slow_client",
    "own_overhead", "client_retries", "failed", "none", "unknown",
]  # fmt: skip

_MORE = 1.5  # times the median
_MUCH_MORE = 3.0
_LONG_PROMPT = 1000  # tokens; reading fewer takes a model no time that anybody notices
_NOTICEABLE_SHARE = 0.1
_NOTICEABLE_US = 100_000
_PAUSE_US = 1_000_000  # shorter ones are how models and networks are
_OWN_US = 20_000  # overhead below this is nobody's reason
_OWN_SHARE = 0.05
_OWN_MUCH_US = 250_000


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason, with the figures in words."""

    name: ReasonName
    sentence: str


@dataclass(frozen=True, slots=True)
class Retries:
    """What is known of attempts before this one."""

    told: int = 0  # by the client itself, in x-stainless-retry-count
    failed_before: int = 0  # calls of the same key, model and request size that failed shortly before
    first_before_us: int = 0  # how long before this one the first of those came


def reasons(call: Measured, usual: Usual, retries: Retries = Retries()) -> list[Reason]:
    """Every reason that stands out; never empty: `none` when all is as usual, `unknown` when that is not known."""
    found = list(_beside_the_model(call, retries))
    if call.failed or call.outcome != "completed":
        if call.outcome == "client_left" and usual.known:
            found += _streamed(call, usual) if call.streamed else []
        return [Reason("failed", where_it_went(call)), *found]
    if call.duration_us is None:
        return [*found, Reason("unknown", "How long this call took is not known.")]
    if not usual.known:
        return [*found, Reason("unknown", f"Not enough calls of this model yet to say what is usual ({usual.calls}).")]
    found += _streamed(call, usual) if call.streamed else _whole(call, usual)
    return found or [Reason("none", _nothing_stands_out(call, usual))]


def _beside_the_model(call: Measured, retries: Retries) -> Iterator[Reason]:
    own, duration = call.overhead_us, call.duration_us
    if duration and _noticeable(call.sending_us, duration):
        took = f"{span(call.sending_us)} to send {{}} request, {call.sending_us / duration:.0%} of the call"
        if call.uploaded_us is None:
            said = f"The client took {took.format('its')}; the upstream could not begin before."
        else:
            said = f"It took {took.format('the')}: as fast as the client sent and the upstream took it."
        yield Reason("slow_request", said)
    if duration and _paused(call):
        silent = call.pause_us or 0
        share = f"{silent / duration:.0%} of the call"
        yield Reason("pause", f"The upstream fell silent amid its answer, once for {span(silent)}, {share}.")
    if duration and _noticeable(held := call.held_us or 0, duration):
        yield Reason(
            "slow_client",
            f"The client took the answer more slowly than it came: {span(held)} of it, {held / duration:.0%} of the "
            "call, was waiting for the client.",
        )
    if own is not None and (own >= _OWN_MUCH_US or (own >= _OWN_US and own >= _OWN_SHARE * (duration or 0))):
        share = f", {own / duration:.0%} of the call" if duration else ""
        yield Reason("own_overhead", f"Tollbook itself took {span(own)} before it asked the upstream{share}.")
    if retries.told:
        yield Reason(
            "client_retries",
            f"The client had tried this {several(retries.told, 'time')} before (its own count); "
            "it waited for those attempts, too.",
        )
    elif retries.failed_before:
        yield Reason(
            "client_retries",
            f"{several(retries.failed_before, 'failed attempt')} of the same key, model and request size came before, "
            f"the first {span(retries.first_before_us)} earlier; whoever waited, waited for those, too.",
        )


def _streamed(call: Measured, usual: Usual) -> Iterator[Reason]:
    start, first = call.start_us, usual.first_token_us
    if (start is not None and first is not None and _late(start, first, call.duration_us)) and (
        reason := _start(call, start, first, usual, "First token after")
    ):
        yield reason
    if _paused(call):  # was it slow beside that, too?
        call = replace(call, held_us=(call.held_us or 0) + (call.pause_us or 0))
    yield from _writing(call, usual)


def _paused(call: Measured) -> bool:
    pause = call.pause_us or 0
    return pause >= _PAUSE_US and _noticeable(pause, call.duration_us)


def _start(call: Measured, start: int, spread: Spread, usual: Usual, what: str) -> Reason | None:
    """A late start is the prompt's doing where prompts of its size begin late, else the upstream's."""
    size, sizes, same_size = call.input_tokens, usual.input_tokens, usual.start_for(call.input_tokens)
    of_calls = f"(median of {several(usual.calls, 'call')})"
    began = f"{span(start)}{' from then on' if _noticeable(call.sending_us, call.duration_us) else ''}"
    if same_size is not None and start > _MORE * same_size[0]:
        return Reason(
            "slow_start",
            f"{what} {began}; this model usually needs {span(same_size[0])} for prompts of this size "
            f"(median of {several(same_size[1], 'call')}).",
        )
    # Without calls of this size to compare with, only a prompt that is very much longer explains anything.
    enough = _MORE if same_size is not None else _MUCH_MORE
    if size is not None and sizes is not None and size >= max(_LONG_PROMPT, enough * sizes.p50):
        return Reason(
            "long_prompt",
            f"{what} {began}: the prompt has {count(size)} tokens, {_times(size, sizes)} the usual "
            f"{count(sizes.p50)} {of_calls}.",
        )
    if same_size is not None:
        return None  # late for this model, not for a prompt like this
    return Reason("slow_start", f"{what} {began}; this model usually needs {span(spread.p50)} {of_calls}.")


def _writing(call: Measured, usual: Usual) -> Iterator[Reason]:
    writing, speed, usually = call.writing_us, call.tokens_per_second, usual.tokens_per_second
    if writing is None or call.output_tokens is None or usually is None:
        return
    if speed is not None and speed < usually.p10 and speed * _MORE < usually.p50:
        at_usual_speed = call.output_tokens * 1_000_000 / usually.p50
        if _noticeable(writing - at_usual_speed, call.duration_us):
            yield Reason(
                "slow_generation",
                f"{rate(speed)} tokens per second; this model usually writes {rate(usually.p50)} "
                f"(median of {several(usual.calls, 'call')}). At that speed the answer would have taken "
                f"{span(at_usual_speed)} instead of {span(writing)}.",
            )
    lengths = usual.output_tokens
    if lengths is not None and call.output_tokens > max(_MORE * lengths.p50, lengths.p90):
        longer_us = (call.output_tokens - lengths.p50) * 1_000_000 / usually.p50
        if _noticeable(longer_us, call.duration_us):
            yield Reason(
                "long_output",
                f"The answer has {count(call.output_tokens)} tokens, {_times(call.output_tokens, lengths)} the usual "
                f"{count(lengths.p50)} (median of {several(usual.calls, 'call')}); writing it took {span(writing)}.",
            )


def _whole(call: Measured, usual: Usual) -> Iterator[Reason]:
    """An answer that came in one piece: its time against its length, and where it has none, against the prompt's."""
    duration, usually = call.served_us, usual.duration_us
    if duration is None or usually is None or not _late(duration, usually, duration):
        return
    explained = list(_writing(call, usual))
    yield from explained
    sizes, size = usual.input_tokens, call.input_tokens
    long = sizes is not None and size is not None and size >= max(_LONG_PROMPT, _MUCH_MORE * sizes.p50)
    if (long or not explained) and (reason := _start(call, duration, usually, usual, "The answer came after")):
        yield reason


def _nothing_stands_out(call: Measured, usual: Usual) -> str:
    usually = usual.duration_us
    if usually is None or call.duration_us is None:
        return "Nothing stands out."
    calls = several(usual.calls, "call")
    took = (
        f"{span(call.duration_us)}; of {calls} half take {span(usually.p50)} or less, nine of ten {span(usually.p90)}"
    )
    if _late(call.duration_us, usually, call.duration_us):
        return f"Slower than usual, with no single cause: {took}."
    return f"As usual for this model: {took}."


def _late(us: float, usually: Spread, duration_us: int | None) -> bool:
    return us > max(_MORE * usually.p50, usually.p90) and _noticeable(us - usually.p50, duration_us)


def _noticeable(us: float, duration_us: int | None) -> bool:
    return us >= max(_NOTICEABLE_US, _NOTICEABLE_SHARE * (duration_us or 0))


def _times(number: float, usually: Spread) -> str:
    return f"{rate(number / usually.p50)} times" if usually.p50 else "more than"
