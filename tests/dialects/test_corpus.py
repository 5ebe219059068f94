"""Recorded traffic of real APIs is read as the providers meant it.

The expectation is computed by a full parse that shares nothing with the code under test (tests/recordings/reported.py).
"""

from collections import Counter

import pytest

from store.call import Reading
from store.dialects import Document, read
from tests.recordings.corpus import Recording, recordings, where
from tests.recordings.reported import Reported, reported
from tests.recordings.upstreams import dialect_at

pytestmark = pytest.mark.skipif(where() is None, reason="no recordings: TOLLBOOK_CORPUS names no folder with them")


def recorded() -> tuple[Recording, ...]:
    found = where()
    assert found is not None
    return recordings(found)


def reading_of(recording: Recording, response: Document | None = None) -> Reading:
    return read(
        dialect_at(recording.upstream),
        recording.method,
        recording.target,
        recording.request_headers,
        Document(recording.request),
        recording.status,
        recording.response_headers,
        response or Document(recording.response),
    )


def counted(reading: Reading) -> dict[str, int | None] | None:
    tokens = reading.tokens
    if tokens is None or tokens.source != "reported":
        return None
    return {
        "input": tokens.input,
        "output": tokens.output or _no_output(reading.type, tokens.output),
        "cache_read": tokens.all_cache_read,
        "cache_write": tokens.cache_write,
        "reasoning": tokens.reasoning,
    }


def meant(told: Reported) -> dict[str, int | None] | None:
    if told.tokens is None:
        return None
    counts = {name: getattr(told.tokens, name) for name in ("input", "cache_read", "cache_write", "reasoning")}
    return counts | {"output": told.tokens.output or _no_output(told.type, told.tokens.output)}


def _no_output(type_: str, told: int | None) -> int | None:
    """Where there can be no output, none and not told are the same."""
    return None if type_ in ("embedding", "rerank") else told


def test_corpus() -> None:
    """Tokens, models, error, cost and that the answer is finished are what the provider told, in every exchange."""
    seen: Counter[str] = Counter()
    wrong: list[str] = []
    for recording in recorded():
        reading, told = reading_of(recording), reported(recording, recording.response)
        seen["all"] += 1
        seen["errors"] += told.error is not None
        seen["with usage"] += told.tokens is not None
        found = {
            "tokens": (counted(reading), meant(told)),
            "type": (reading.type, told.type),
            "requested model": (reading.requested_model, told.requested_model),
            "cost": (reading.reported_cost_usd, told.cost_usd),
            "error": (
                reading.error and (reading.error.type, reading.error.code, reading.error.message),
                told.error and (told.error["type"], told.error["code"], told.error["message"]),
            ),
        }
        if told.answered:
            found["model"] = (reading.model, told.model)
            found["finished"] = (reading.finished or told.unfinished, True)
        wrong += [f"{recording.name}: {what} {got}, not {want}" for what, (got, want) in found.items() if got != want]
    assert not wrong, "\n".join(wrong)


def test_corpus_cut() -> None:
    """With only two kilobytes of each end kept, counts are those of the whole answer or are not reported as such."""
    wrong = []
    same = larger = 0
    for recording in recorded():
        response = recording.response
        if recording.status >= 400 or len(response) <= 4096:
            continue
        whole = reading_of(recording)
        cut = reading_of(recording, Document(response[:2048], response[-2048:], cut=True))
        if "total_mismatch" in whole.anomalies:
            continue  # counts that contradict each other cannot be told from fewer of them
        larger += 1
        same += counted(cut) == counted(whole)
        if counted(cut) not in (None, counted(whole)):
            wrong.append(f"{recording.name}: {counted(cut)}, not {counted(whole)}")
    assert larger > 100
    assert not wrong, "\n".join(wrong)
    assert same / larger > 0.95
