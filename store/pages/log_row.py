"""One call as a row of Usage Logs: what went wrong in a word, how slow it was, what of it is not exactly known."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from store.pace import Slowness, Thresholds, slowness

_OUTCOMES: Final = {
    "client_left": ("client left", "warn", "The client closed the connection before the answer was complete."),
    "upstream_unreachable": ("unreachable", "bad", "No connection to the upstream could be made."),
    "upstream_timed_out": ("timed out", "bad", "The upstream was silent for too long."),
    "upstream_broke_off": ("broke off", "bad", "The upstream ended its answer in the middle."),
    "rejected": ("refused", "refused", "Tollbook refused the call; it never reached an upstream."),
    "interrupted": ("interrupted", "bad", "Tollbook stopped in the middle of the call."),
}
_SLOW: Final = {
    "slow": "slower than 19 of 20 calls of this model",
    "very_slow": "more than twice as slow as 19 of 20 calls of this model",
}
_FIRST_ERROR = 400
_FEWEST_TOKENS = 5  # a rate over fewer says nothing


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why a call is not an ordinary one."""

    word: str
    kind: str  # bad, warn or refused
    reason: str


@dataclass(frozen=True, slots=True)
class LogRow:
    """A call as /api/logs tells it, and what a person wants to see at once."""

    call: Mapping[str, Any]
    trouble: Trouble | None
    slow: Slowness | None
    slow_words: str | None
    cached: int | None
    rate: float | None  # output tokens per second

    @property
    def estimated(self) -> bool:
        return bool(self.call["tokens"]["source"] == "estimated")


def log_row(call: Mapping[str, Any], thresholds: Mapping[str, Thresholds] | None = None) -> LogRow:
    """The row of this call."""
    slow = slowness(call["duration_ms"], (thresholds or {}).get(call["model"]))
    return LogRow(
        call=call,
        trouble=trouble(call),
        slow=slow,
        slow_words=_SLOW.get(slow or ""),
        cached=call["tokens"]["cache_read"] or None,
        rate=_rate(call),
    )


def trouble(call: Mapping[str, Any]) -> Trouble | None:
    """What went wrong; None when nothing did."""
    error = call["error"] or {}
    told = error.get("message") or error.get("code") or error.get("type")
    status = call["status"]
    if call["outcome"] in _OUTCOMES:
        word, kind, reason = _OUTCOMES[call["outcome"]]
        if status is not None and status >= _FIRST_ERROR:
            word = f"{word} {status}"
        if repeats := call.get("repeats"):
            word = f"{word} {1 + repeats} times"  # a flood: it has no more rows than this
        return Trouble(word, kind, told or reason)
    if status is not None and status >= _FIRST_ERROR:
        return Trouble(f"error {status}", "bad", told or "")
    if error:
        return Trouble("error in stream", "bad", told or "The stream held an error event.")
    return None


def _rate(call: Mapping[str, Any]) -> float | None:
    tokens, duration, first = call["tokens"]["output"], call["duration_ms"], call["first_token_ms"]
    if tokens is None or duration is None or tokens < _FEWEST_TOKENS:
        return None
    writing = duration - (first or 0) if call["stream"] else duration
    return tokens * 1000 / writing if writing > 0 else None
