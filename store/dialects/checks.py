"""Invariants that hold in every wire format, looked at once for each exchange.

What only one format can contradict (its total, its parts) is looked at where that format's counts are understood.
"""

from decimal import Decimal
from typing import Any, Final

from msgspec.structs import astuple, replace

from store.anomalies import Anomalies, Anomaly
from store.call import Tokens
from store.dialects import families
from store.dialects.answer import Answer
from store.dialects.document import Document, Form

SPARED_BY_OUTCOME: Final[frozenset[Anomaly]] = frozenset({"no_terminator", "broken_json"})
"""What is no oddity where the outcome says that somebody broke off."""
_NO_COUNT: Final = ("cost", "time", "latency", "_ms")


def oddities(answer: Answer, asked_model: str | None, *, negative: bool) -> Anomalies:
    """What contradicts itself in an answer, beyond what its dialect has noticed; `negative`: a count is below zero."""
    found: list[Anomaly] = []
    raw, usage = answer.raw_usage, answer.usage
    told = raw is not None and usage is not None and b"-" in raw and tells_a_negative(usage)
    if negative or told:
        found.append("negative_count")
    if families.differ(asked_model, answer.model):
        found.append("model_family_mismatch")
    return tuple(found)


def unended(answer: Answer, form: Form, response: Document, *, finished: bool) -> Anomalies:
    """Whether a good answer stops before its own end, so far as its bytes are here to tell."""
    if form == "json" and not answer.open:
        return () if finished or response.cut else ("broken_json",)
    if finished or answer.pending or answer.error is not None or answer.finish_reason is not None:
        return ()
    if form in ("other", "empty") or (response.cut and not response.tail):
        return ()
    understood = answer.model is not None or answer.id is not None or answer.usage is not None
    return ("no_terminator",) if understood else ()  # nobody knows how a foreign stream ends


def without_negatives(tokens: Tokens) -> Tokens:
    """The same counts; one that came out below zero is unknown, whatever made it so."""
    if min(filter(None, astuple(tokens)[1:]), default=0) >= 0:
        return tokens
    return replace(tokens, **{name: None for name in _BUCKETS if (getattr(tokens, name) or 0) < 0})


_BUCKETS: Final = tuple(name for name in Tokens.__struct_fields__ if name != "source")


def tells_a_negative(usage: dict[str, Any]) -> bool:
    """Whether any count in the provider's own usage is below zero. Costs and times are none."""
    waiting: list[Any] = [usage]
    while waiting:
        value = waiting.pop()
        if isinstance(value, list):
            waiting += value
        elif isinstance(value, dict):
            for key, member in value.items():
                if isinstance(member, (dict, list)):
                    waiting.append(member)
                elif (
                    isinstance(member, (int, Decimal))
                    and member < 0
                    and not any(word in key.lower() for word in _NO_COUNT)
                ):
                    return True
    return False
