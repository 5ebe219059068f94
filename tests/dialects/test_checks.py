"""What is odd in every format alike: negative counts, models of another family, streams without an end."""

import json
from typing import Any

import pytest

from store.call import Reading, Tokens
from store.dialects import Document, read
from store.dialects.checks import without_negatives
from store.dialects.families import differ, families
from tests.dialects.wire import cases

OPENAI, ANTHROPIC, GEMINI = (
    ("openai", "/v1/chat/completions"),
    ("anthropic", "/v1/messages"),
    ("gemini", "/v1beta/models/gemini-2.5-flash:generateContent"),
)
MODEL = "gpt-4o-mini"


def reading(
    answer: Any, spoken: tuple[str, str] = OPENAI, asked: Any = None, status: int = 200, *, cut: bool = False
) -> Reading:
    """The reading of an answer: a list is the events of a stream, bytes are taken as they are."""
    if isinstance(answer, list):
        answer = "".join(f"data: {one if isinstance(one, str) else json.dumps(one)}\n\n" for one in answer).encode()
    body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
    asked = {"model": MODEL, "messages": [{"role": "user", "content": "Say hello"}]} if asked is None else asked
    dialect, path = spoken
    request = Document(json.dumps(asked).encode())
    response = Document(body[:64], body[-64:], cut=True) if cut else Document(body)
    return read(dialect, "POST", path, (), request, status, (), response)


def chat(usage: Any, model: str = MODEL) -> dict[str, Any]:
    choice = {"index": 0, "message": {"role": "assistant", "content": "Hello."}, "finish_reason": "stop"}
    return {"id": "c1", "model": model, "choices": [choice], "usage": usage}


def piece(finish_reason: str | None = None, **more: Any) -> dict[str, Any]:
    choice = {"index": 0, "delta": {"content": "Hello."}, "finish_reason": finish_reason}
    return {"id": "c1", "model": MODEL, "choices": [choice], **more}


NEGATIVES = [
    (OPENAI, chat({"prompt_tokens": 5, "completion_tokens": -3, "total_tokens": 2})),
    (OPENAI, chat({"prompt_tokens": 5, "completion_tokens": 3, "prompt_tokens_details": {"cached_tokens": -1}})),
    (OPENAI, chat({"prompt_tokens": 5, "completion_tokens": 3, "some_new_details": [{"image_tokens": -7}]})),
    (ANTHROPIC, {"model": "claude-x", "usage": {"input_tokens": 5, "output_tokens": 3, "cache_read_input_tokens": -9}}),
    (ANTHROPIC, {"model": "claude-x", "usage": {"input_tokens": -5, "output_tokens": 3}}),
    (GEMINI, {"modelVersion": "gemini-x", "usageMetadata": {"promptTokenCount": 5, "candidatesTokenCount": -3}}),
    (GEMINI, {"modelVersion": "gemini-x", "usageMetadata": {"promptTokenCount": 5, "cachedContentTokenCount": -2.0}}),
]


@pytest.mark.parametrize(("spoken", "answer"), NEGATIVES)
def test_a_negative_count_is_noted_and_reaches_no_bucket(spoken: tuple[str, str], answer: dict[str, Any]) -> None:
    """Wherever in the usage a count is below zero, the call says so once, and none of its counts is."""
    read_ = reading(answer, spoken)
    assert read_.anomalies.count("negative_count") == 1
    assert read_.tokens is not None
    assert all(count is None or count >= 0 for count in _buckets(read_.tokens))


def test_a_negative_cost_or_time_is_no_count() -> None:
    """A discount or a clock that went back says nothing about tokens."""
    usage = {"prompt_tokens": 5, "completion_tokens": 3, "total_tokens": 8, "cost": -1, "queue_time": -2}
    assert reading(chat(usage)).anomalies == ()


def test_what_a_dialect_lets_through_is_caught() -> None:
    """A bucket below zero becomes unknown whatever made it so; the others stay."""
    whole = Tokens("reported", input_uncached=-1, cache_read=3, output_text=0)
    assert without_negatives(whole) == Tokens("reported", cache_read=3, output_text=0)


def _buckets(tokens: Tokens) -> list[int | None]:
    return [getattr(tokens, name) for name in tokens.__struct_fields__ if name != "source"]


@pytest.mark.parametrize(
    ("asked", "answered"),
    [
        ("google/gemini-2.0-flash-exp:free", "x-ai/grok-4"), ("gpt-4o", "claude-sonnet-4-5"),
        ("claude-3-haiku", "us.amazon.nova-lite-v1:0"), ("o3-mini", "deepseek-r1"), ("GPT_4", "Llama-3.3-70B"),
        ("mistral-large-latest", "qwen2.5-72b"), ("gemini-2.5-pro", "gemma-3-27b"), ("gpt-4.1", "kimi-k2"),
    ],
)  # fmt: skip
def test_another_family_is_told_by_the_names(asked: str, answered: str) -> None:
    """Two names that surely belong to different lines of models differ, either way round."""
    assert differ(asked, answered)
    assert differ(answered, asked)


@pytest.mark.parametrize(
    ("asked", "answered"),
    [
        ("gpt-4o", "gpt-4o-2024-08-06"), ("gpt-5.6", "gpt-5.6-sol"), ("davinci-002", "davinci:2023-07-21-v2"),
        ("grok-3-mini", "grok-4.3"), ("deepseek-chat", "deepseek-v4-flash"), ("pixtral-12b", "ministral-14b-latest"),
        ("openai/gpt-5-mini", "gpt-5-mini-2025-08-07"), ("o1-mini", "gpt-4.1"), ("chatgpt-4o-latest", "gpt-4o"),
        ("eu.anthropic.claude-haiku-4-5-20251001-v1", "claude-haiku-4-5-20251001"),
        ("anthropic/claude-haiku-4.5", "anthropic/claude-4.5-haiku-20251001"), ("compound-beta", "groq/compound"),
        ("openllmetry-testing", "gpt-4.1-mini"), ("openrouter/auto", "anthropic/claude-4.5-sonnet"),
        ("my-nova-bot", "gpt-4o"), ("command-centre", "gpt-4o"), ("phil", "claude-3"), ("o1", "o1"),
        ("deepseek-r1-distill-llama-70b", "llama-3.3-70b"), ("embedding", "text-embedding-3-large"),
        ("ollama", "mistral:7b"), ("route-o1x", "claude-3"), (None, "gpt-4o"), ("gpt-4o", None),
    ],
)  # fmt: skip
def test_aliases_and_names_that_say_nothing_are_no_other_family(asked: str | None, answered: str | None) -> None:
    """Dates, generations, routers, deployments and nicknames never make a mismatch."""
    assert not differ(asked, answered)
    assert not differ(answered, asked)


def test_families_are_found_behind_vendors_and_platforms() -> None:
    """The name of a vendor, a region or a platform before the model does not hide its line."""
    assert families("accounts/fireworks/models/llama-v3p1-8b-instruct") == {"llama"}
    assert families("us.meta.llama3-3-70b-instruct-v1:0") == {"llama"}
    assert families("projects/p/locations/l/publishers/anthropic/models/claude-opus-4@20250514") == {"claude"}
    assert families("ft:gpt-4o-mini-2024-07-18:org::id") == {"gpt"}


def test_a_model_of_another_family_is_noted() -> None:
    """A call that another line of models answered than was asked for says so."""
    usage = {"prompt_tokens": 5, "completion_tokens": 3, "total_tokens": 8}
    assert reading(chat(usage, "x-ai/grok-4")).anomalies == ("model_family_mismatch",)
    assert reading(chat(usage, "gpt-4o-mini-2024-07-18")).anomalies == ()


USAGE = {"prompt_tokens": 5, "completion_tokens": 3, "total_tokens": 8}


@pytest.mark.parametrize(
    ("answer", "anomalies"),
    [
        ([piece(), piece(usage=USAGE)], ("no_terminator",)),
        ([piece()], ("no_terminator", "no_usage")),
        ([piece(), piece("stop", usage=USAGE)], ()),
        ([piece(), piece(usage=USAGE), "[DONE]"], ()),
        ([piece(), {"error": {"message": "overloaded"}}], ()),
        ([{"value": "a foreign"}, {"value": "format"}], ("no_usage",)),
    ],
)
def test_a_stream_without_an_end_is_noted(answer: list[Any], anomalies: tuple[str, ...]) -> None:
    """A stream with neither a finish reason nor a terminal event says so, unless an error or its format explains it."""
    assert reading(answer).anomalies == anomalies


@pytest.mark.parametrize(
    "case", [case for case in cases() if case.expected.get("finished", True)], ids=lambda c: c.name
)
def test_an_answer_that_was_read_whole_has_its_end(case: Any) -> None:
    """In every format, an answer that reaches its own end is not said to miss it."""
    assert not {"no_terminator", "broken_json"} & set(case.read().anomalies)


def test_a_json_answer_that_breaks_off_is_noted() -> None:
    """An answer whose JSON stops in between says so; one of which only the ends are kept does not."""
    whole = json.dumps(chat(USAGE)).encode()
    assert reading(whole[:-30]).anomalies == ("broken_json",)
    assert reading(whole).anomalies == reading(chat(USAGE), cut=True).anomalies == ()
    assert reading(b'{"error": {"message": "no', status=500).anomalies == ()


NO_ANSWERS = [
    b"", b" ", b"<html>busy</html>", {"error": {"message": "no"}}, {"detail": "Not Found"}, {}, [],
    b": keep-alive\n\n: keep-alive\n\n", [{"error": {"message": "overloaded"}}],
]  # fmt: skip


@pytest.mark.parametrize("answer", NO_ANSWERS)
def test_what_no_model_answered_has_no_estimate(answer: Any) -> None:
    """Nothing, a page, an error, a stranger's JSON or mere signs of life: the tokens are unknown, not estimated."""
    assert reading(answer).tokens is None


def test_an_empty_answer_of_a_model_is_estimated() -> None:
    """A model that said nothing, but that it is done, has read the request."""
    done = {"model": MODEL, "choices": [{"message": {"content": ""}, "finish_reason": "stop"}]}
    tokens = reading(done).tokens
    assert tokens is not None
    assert (tokens.source, tokens.output) == ("estimated", 0)
    assert tokens.input
