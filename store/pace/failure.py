"""Where the time of a call went that did not end well, in one sentence."""

from store.pace.measured import Measured
from store.pace.words import span


def where_it_went(call: Measured) -> str:
    """What was being waited for when the call ended."""
    if call.outcome == "interrupted":
        return "Tollbook itself stopped while this call was under way; how long it would have taken is not known."
    if call.duration_us is None:
        return "How long this call took is not known."
    whole = span(call.duration_us)
    if call.outcome == "rejected":
        return f"Tollbook refused this call after {whole}; no upstream was asked."
    if call.asked_us is None:
        return f"The call ended after {whole}, before any upstream was asked."
    if call.outcome == "client_left":
        return f"The client left after {whole}, {_stage(call)}."
    return _upstream(call, whole)


def _upstream(call: Measured, whole: str) -> str:
    waited = span(max(0, (call.duration_us or 0) - (call.asked_us or 0)))
    if call.outcome == "upstream_unreachable":
        return f"{waited} of {whole} went into trying to reach the upstream; no connection came about."
    if call.answered_us is None:
        if call.outcome == "upstream_timed_out":
            return f"{waited} of {whole} were spent waiting for the upstream's headers, until patience ended."
        return f"{waited} of {whole} were spent waiting for the upstream, which never began an answer."
    headers = span(max(0, call.answered_us - (call.asked_us or 0)))
    if call.outcome == "upstream_timed_out":
        return f"The upstream began its answer after {headers} and then fell silent; the call ended after {whole}."
    if call.outcome == "upstream_broke_off":
        return f"The upstream began its answer after {headers} and broke it off; the call ended after {whole}."
    if call.status is not None and call.status >= 400:
        return f"The upstream answered with {call.status} after {headers}; the call took {whole} in all."
    return f"The upstream began its answer after {headers} and reported an error in it; the call took {whole} in all."


def _stage(call: Measured) -> str:
    if call.answered_us is None:
        return "while the upstream had not begun its answer"
    if call.streamed and call.first_token_us is None:
        return "before the first piece of the answer"
    return "amid the answer"
