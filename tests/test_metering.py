"""From notes to record: every call becomes a row, however little of it can be understood."""

import gzip
from pathlib import Path

import msgspec
import pytest

from proxy.config.builtin import BUILTIN
from proxy.config.model import Capture, Config
from proxy.journal.notes import Asked, Body, Ended, Failure, Told
from store.book import Book
from store.metering import Meter, Noted, bare
from tests.journal.runs import asked, ended, rows, started

METER = Meter(Config(upstreams=BUILTIN, capture=Capture(max_bytes=1000)))


async def test_a_call_that_cannot_be_metered_is_a_row(tmp_path: Path) -> None:
    """What the notes themselves say is written, nothing is guessed, and the row says it was unreadable."""
    call = started(1)
    with Book(tmp_path) as book:
        assert book.add([bare(Noted("boot", call, asked(call), ended(call)))]) == 1
    (row,) = await rows(tmp_path)
    assert (row["status"], row["outcome"], row["duration_ms"]) == (200, "completed", 1.0)
    assert row["cost"] == {"usd": None, "state": "unknown"}
    assert row["tokens"]["total"] is None


def test_a_call_cut_by_our_death_has_no_duration() -> None:
    """Nobody knows how long a call ran whose worker died: unknown, not zero; the fault is ours."""
    call = METER.meter(Noted("boot", started(1), None, None)).call
    assert (call.outcome, call.fault, call.status, call.duration_us) == ("interrupted", "proxy", None, None)
    assert call.cost.state == "unknown"


@pytest.mark.parametrize(("sent", "outcome"), [(37, "client_left"), (1000, "completed")])
def test_a_stream_without_terminal_event_is_complete_at_its_finish_reason(sent: int, outcome: str) -> None:
    """A client that leaves after the finish reason of such a stream has everything, if all of it was handed over."""
    call = started(1)
    body = (
        b'data: {"candidates":[{"content":{"parts":[{"text":"a"}]},"finishReason":"STOP"}],"modelVersion":"g"}\r\n\r\n'
    )
    target = "/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse"
    gemini = type(call)(
        call.call_id, 1, call.received_at_us, "gemini", "gemini", "POST", target, None, "default", "", ()
    )
    left = Ended(call.call_id, "client_left", 200, 1000, body=Body(len(body), body), sent=min(sent, len(body)))
    assert METER.meter(Noted("boot", gemini, None, left)).call.outcome == outcome


@pytest.mark.parametrize("largest_kept", [1000, 8_000_000])
def test_a_small_body_that_decodes_to_megabytes_is_read_by_its_ends(largest_kept: int) -> None:
    """All other rows wait while one is read, so what decodes to 20 MB is cut, unless as much is to be kept."""
    meter = Meter(Config(upstreams=BUILTIN, capture=Capture(max_bytes=largest_kept)))
    call = started(1)
    wire = gzip.compress(b'{"model":"m","choices":[{"text":"' + b"x" * 20_000_000 + b'"}]}', 1)
    end = ended(call)
    end = msgspec.structs.replace(end, body=Body(len(wire), wire), headers=(("content-encoding", "gzip"),))
    read = meter.meter(Noted("boot", call, asked(call), end)).call
    assert ("decompression_bomb" in read.anomalies) == (largest_kept == 1000)


def test_what_tollbook_says_is_the_error() -> None:
    """Where Tollbook made the answer, its reason is the error of the row."""
    call = started(1)
    failed = Ended(call.call_id, "upstream_timed_out", 504, 9, failure=Failure("upstream_timed_out", "groq was silent"))
    error = METER.meter(Noted("boot", call, asked(call), failed)).call.error
    assert error is not None
    assert (error.code, error.message) == ("upstream_timed_out", "groq was silent")


@pytest.mark.parametrize(
    ("status", "code", "fault"),
    [
        (429, "insufficient_quota", "policy"), (429, "rate_limited", "policy"), (429, "too_many_concurrent", "policy"),
        (403, "model_not_allowed", "policy"), (403, "model_unpriced", "policy"),
        (403, "upstream_not_allowed", "policy"), (503, "upstream_busy", "policy"),
        (401, "unknown_key", "client"), (413, "body_too_large", "client"),
    ],
)  # fmt: skip
def test_a_refusal_by_what_is_set_here_is_nobodys_mistake(status: int, code: str, fault: str) -> None:
    """Budgets, limits and what a key may use are rules of this place; a wrong key or request is the client's fault."""
    call = started(1)
    refused = Ended(call.call_id, "rejected", status, 9, failure=Failure(code, "why"))
    assert METER.meter(Noted("boot", call, None, refused)).call.fault == fault


@pytest.mark.parametrize(("status", "first_token_us"), [(200, 700), (401, None), (529, None)])
def test_an_error_has_no_first_token(status: int, first_token_us: int | None) -> None:
    """Where a stream was asked for and an error came, its first bytes are not taken for a first token."""
    call = started(1)
    request = b'{"model":"gpt-4o-mini","stream":true,"messages":[]}'
    body = b'data: {"choices":[{"delta":{"content":"a"}}]}\n\n' if status == 200 else b'{"error":{"message":"no"}}'
    sent = Asked(call.call_id, Body(len(request), request))
    answered = Ended(call.call_id, "completed", status, 1000, first_chunk_us=700, body=Body(len(body), body))
    assert METER.meter(Noted("boot", call, sent, answered)).call.first_token_us == first_token_us


def test_calls_metered_together_are_as_each_alone() -> None:
    """Several calls metered step by step have the records that each has alone, in their order, whatever they hold."""
    calls = [Noted("boot", started(1), None, None)]
    large = gzip.compress(b'{"model":"m","choices":[{"text":"' + b"x" * 6_000_000 + b'"}]}', 1)
    for number in range(2, 6):
        call = started(number)
        end = ended(call)
        if number % 2:  # more than waits for the next step
            end = msgspec.structs.replace(end, body=Body(len(large), large), headers=(("content-encoding", "gzip"),))
        calls.append(Noted("boot", call, asked(call), end))
    session = msgspec.structs.replace(started(6), headers=(("upgrade", "websocket"),), target="/v1/realtime?model=m")
    told = Told(session.call_id, True, Body(2, b"{}"))
    calls.append(Noted("boot", session, None, msgspec.structs.replace(ended(session), status=101, told=1), (told,)))
    together = METER.meter_all(calls)
    assert together == [METER.meter(call) for call in calls]
    assert [entry.call.seq for entry in together] == [1, 2, 3, 4, 5, 6]
