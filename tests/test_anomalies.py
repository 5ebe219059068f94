"""The catalogue of anomalies: nothing is noted that is not in it, and everything in it can be noted."""

import gzip
import json
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest
from msgspec.structs import replace

from proxy.config.budget import read_budgets
from proxy.config.builtin import BUILTIN
from proxy.config.model import Config, Group, Store
from proxy.journal.notes import Body, Ended, Outcome, Told
from store.anomalies import CATALOGUE, Anomalies, Anomaly
from store.book import Book, Entry
from store.budgets import Budgets
from store.call import Call, Reading, Tokens
from store.dialects.answer import Answer, Counted
from store.dialects.decoding import Decoded
from store.metering import Meter, Noted, bare
from store.pricing import PriceBook
from store.retold import once
from store.spared import spared
from tests.books import a_call
from tests.dialects.framing import frame
from tests.journal.runs import asked, ended, started

DONE = {"index": 0, "delta": {"content": "Hello."}, "finish_reason": "stop"}
PLAIN = Group("default")
OPEN = {**DONE, "finish_reason": None}


def test_the_catalogue_explains_every_name() -> None:
    """Each name has one sentence, which says what to do behind its colon."""
    assert set(CATALOGUE) == set(get_args(Anomaly))
    for sentence in CATALOGUE.values():
        meaning, colon, advice = sentence.partition(": ")
        assert colon
        assert min(len(meaning), len(advice)) > 20
        assert sentence.endswith(".")
        assert sentence.count(". ") == 0


@pytest.mark.parametrize("carrier", [Reading, Call, Counted, Decoded])
def test_whatever_carries_anomalies_carries_those_of_the_catalogue(carrier: type) -> None:
    """The type of every field that holds anomalies names the catalogue's, so that the type checker finds any other."""
    assert get_type_hints(carrier)["anomalies"] == Anomalies
    assert get_type_hints(Answer)["anomalies"] == list[Anomaly]


def chat(choice: Any = DONE, model: str = "gpt-4o", **usage: Any) -> bytes:
    """A chat answer, or a piece of one, that tells this usage."""
    return json.dumps({"id": "c", "model": model, "choices": [choice], **({"usage": usage} if usage else {})}).encode()


def metered(
    answer: bytes, *headers: tuple[str, str], outcome: Outcome = "completed", group: Group = PLAIN
) -> Anomalies:
    """What is noted on a call for gpt-4o that was answered so."""
    call = started(1)
    end = Ended(call.call_id, outcome, 200, 1000, headers=headers, body=Body(len(answer), answer), sent=len(answer))
    meter = Meter(Config(upstreams=BUILTIN, groups={"default": group}))
    return meter.meter(Noted("boot", call, asked(call), end)).call.anomalies


def unreadable(_: Path) -> Anomalies:
    call = started(1)
    return bare(Noted("boot", call, asked(call), ended(call))).call.anomalies


def nearly_used(data_dir: Path) -> Anomalies:
    config = Config(store=Store(data_dir), groups={"default": Group("default", budgets=read_budgets(["0.1/total"]))})
    with Book(data_dir) as book:
        budgets = Budgets(config)
        budgets.begin(book)
        (entry,) = budgets.flagged([Entry(a_call(usage_micro=90_000))])
        budgets.close()
    return entry.call.anomalies


def counted_before(_: Path) -> Anomalies:
    asked_twice = [Entry(a_call(method="GET", background=True, response_id="resp_1")) for _ in range(2)]
    _, again = once(asked_twice, lambda responses: {})
    return again.call.anomalies


def flexible(_: Path) -> Anomalies:
    tokens = Tokens("reported", input_uncached=1, output_text=1)
    reading = Reading("chat", model="gpt-4", service_tier="flex", tokens=tokens)
    return PriceBook((), {"openai": "openai"}).cost(reading, "openai", datetime(2026, 11, 2, tzinfo=UTC)).anomalies


def session_of_which_notes_are_lost(_: Path) -> Anomalies:
    call = replace(started(1), method="GET", target="/v1/realtime", headers=(("upgrade", "websocket"),))
    end = Ended(call.call_id, "completed", 101, 1000, told=2)
    told = Told(call.call_id, False, Body(25, b'{"type":"session.created"}'))
    return Meter(Config(upstreams=BUILTIN)).meter(Noted("boot", call, None, end, (told,))).call.anomalies


def left_out(_: Path) -> Anomalies:
    call = started(1)
    noted = Noted("boot", call, asked(call), replace(ended(call), body=Body(100, spared=True)))
    (entry,) = spared([noted], [Meter(Config()).meter(noted)], keep_bodies=True)
    return entry.call.anomalies


def stream(*pieces: bytes) -> bytes:
    return b"".join(b"data: %s\n\n" % piece for piece in pieces)


def interpreted() -> bytes:
    usage = {"input_tokens": 3, "output_tokens": 2, "total_tokens": 5}
    output = [{"type": "code_interpreter_call", "status": "completed"}] * 2
    told = {"object": "response", "model": "gpt-4o", "status": "completed", "output": output, "usage": usage}
    return json.dumps(told).encode()


TOLD = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
CASES: dict[str, Callable[[Path], Anomalies]] = {
    "no_usage": lambda _: metered(stream(chat(), b"[DONE]")),
    "no_terminator": lambda _: metered(stream(chat(OPEN), chat(OPEN, **TOLD))),
    "broken_json": lambda _: metered(chat(**TOLD)[:-3]),
    "odd_usage": lambda _: metered(b'{"model": "gpt-4o", "choices": [], "usage": [1, 2]}'),
    "odd_count": lambda _: metered(chat(prompt_tokens=3.5, completion_tokens=2)),
    "negative_count": lambda _: metered(chat(prompt_tokens=3, completion_tokens=-2)),
    "cached_over_input": lambda _: metered(chat(**TOLD, prompt_tokens_details={"cached_tokens": 161})),
    "parts_over_total": lambda _: metered(chat(**TOLD, completion_tokens_details={"reasoning_tokens": 9})),
    "total_mismatch": lambda _: metered(chat(**TOLD | {"total_tokens": 4})),
    "model_family_mismatch": lambda _: metered(chat(model="claude-sonnet-4-5", **TOLD)),
    "undecodable_body": lambda _: metered(b"no gzip", ("content-encoding", "gzip")),
    "decompression_bomb": lambda _: metered(gzip.compress(bytes(70_000_000)), ("content-encoding", "gzip")),
    "told_in_part": session_of_which_notes_are_lost,
    "broken_frames": lambda _: metered(frame("messageStart", {"p": "abc"})[:-1] + b"x" + frame("metadata", {})),
    "unreadable": unreadable,
    "usage_by_fallback_rate": lambda _: metered(
        chat(model="odd-7b", **TOLD), group=Group("default", unpriced_usd_per_million=Decimal(1))
    ),
    "budget_nearly_used": nearly_used,
    "already_counted": counted_before,
    "price_modifier_unknown": flexible,
    "billed_beside": lambda _: metered(interpreted()),
    "bodies_left_out": left_out,
}


def test_there_is_a_case_for_every_name() -> None:
    """The cases below are of all names in the catalogue."""
    assert set(CASES) == set(CATALOGUE)


@pytest.mark.parametrize("name", CATALOGUE)
def test_every_name_can_be_noted(tmp_path: Path, name: str) -> None:
    """A call on which this is odd says so, once."""
    assert CASES[name](tmp_path).count(name) == 1  # type: ignore[arg-type]


@pytest.mark.parametrize("outcome", ["client_left", "upstream_broke_off"])
@pytest.mark.parametrize("answer", [stream(chat(OPEN), chat(OPEN, **TOLD)), chat(**TOLD)[:-3]])
def test_an_answer_that_somebody_broke_off_is_not_odd_for_that(outcome: Outcome, answer: bytes) -> None:
    """Where the outcome says why an answer has no end, that is no anomaly."""
    assert metered(answer, outcome=outcome) == ()


def test_an_ordinary_answer_has_no_anomalies() -> None:
    """Whole or streamed, an answer that tells everything has nothing odd."""
    assert metered(chat(**TOLD)) == ()
    assert metered(stream(chat(OPEN), chat(), chat(**TOLD), b"[DONE]")) == ()
