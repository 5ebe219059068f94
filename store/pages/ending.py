"""How a call ended, in words: its status with its name, its outcome, whose fault a failure was, what was odd."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

Call = Mapping[str, Any]

_NOT_STANDARD: Final = {
    499: "Client Closed Request", 520: "Unknown Error", 521: "Web Server Is Down", 522: "Connection Timed Out",
    523: "Origin Is Unreachable", 524: "A Timeout Occurred", 529: "Overloaded", 530: "Origin Error",
}  # fmt: skip
_OUTCOMES: Final = {
    "client_left": "The client closed the connection before the answer was complete.",
    "upstream_unreachable": "No connection to the upstream could be made.",
    "upstream_timed_out": "The upstream was connected and then silent for longer than the limit.",
    "upstream_broke_off": "The upstream broke off in the middle of its answer.",
    "rejected": "Tollbook refused this call; the upstream was not contacted.",
    "interrupted": "Tollbook itself was stopped, or died, while this call was under way.",
}
_FAULTS: Final = {
    "client": "the client",
    "policy": "a limit that is set here",
    "upstream": "the upstream",
    "proxy": "Tollbook itself",
}


def status_name(status: int) -> str:
    """429 as Too Many Requests; empty for a number without a name."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return _NOT_STANDARD.get(status, "")


def tone(call: Call) -> str:
    """How loud a page says it: good, warn or bad."""
    status, outcome = call["status"], call["outcome"]
    if outcome == "client_left":
        return "warn"
    if outcome != "completed" or call["error"] or status is None or status >= 500:
        return "bad"
    return "warn" if status >= 400 else "good"


def ending(call: Call) -> str:
    """How it ended, in a sentence or two."""
    outcome, status, error = call["outcome"], call["status"], call["error"]
    message = (error or {}).get("message")
    said = f": {message}" if message else "."
    if outcome == "rejected":
        return f"Tollbook refused this call{said}"
    if outcome != "completed":
        words = _OUTCOMES.get(outcome, f"The call ended as {outcome}.")
        return f"{words} {message}" if message and message.rstrip(".") not in words else words
    if status is not None and status >= 400:
        return f"The upstream answered {status}{f' {status_name(status)}' if status_name(status) else ''}{said}"
    if error:
        return f"The upstream reported an error within its answer{said}"
    if status == HTTPStatus.SWITCHING_PROTOCOLS:
        return "The session was closed in order."
    if call["stream"]:
        return "The answer was streamed to its end."
    return "The answer was complete."


def blame(call: Call) -> str | None:
    """Whose fault it was; None when nothing failed or nobody can say."""
    return _FAULTS.get(call["fault"]) if call["fault"] else None
