"""The extra `tollbook[tokenizer]`: the text of OpenAI's models is counted as they count it, in bounded time."""

import json
from importlib.util import find_spec

import pytest

from store.dialects import Document, read, tokenizer
from store.dialects.tokenizer import counting, encoding_of

needed = pytest.mark.skipif(find_spec("bpe_openai") is None, reason="the extra tollbook[tokenizer] is not installed")


@pytest.mark.parametrize(
    ("model", "encoding"),
    [
        ("gpt-4o", "o200k_base"), ("gpt-4o-mini-2024-07-18", "o200k_base"), ("gpt-4.1-nano", "o200k_base"),
        ("gpt-5.6-sol", "o200k_base"), ("chatgpt-4o-latest", "o200k_base"), ("o3-mini", "o200k_base"),
        ("openai/gpt-oss-120b", "o200k_base"), ("GPT-4o", "o200k_base"), ("ft:gpt-4o:org::id", "o200k_base"),
        ("gpt-4", "cl100k_base"), ("gpt-4-0613", "cl100k_base"), ("gpt-4-turbo", "cl100k_base"),
        ("gpt-3.5-turbo-0125", "cl100k_base"), ("gpt-35-turbo", "cl100k_base"), ("davinci-002", "cl100k_base"),
        ("text-embedding-3-small", "cl100k_base"), ("claude-sonnet-4-5", None), ("mistral-large", None),
        ("my-deployment", None), (None, None), ("", None),
    ],
)  # fmt: skip
def test_each_model_has_its_encoding(model: str | None, encoding: str | None) -> None:
    """OpenAI's models have one of two encodings; for any other model nothing is known."""
    assert encoding_of(model) == encoding


def test_the_extra_is_found_when_it_is_there() -> None:
    """Without the package nothing counts, and estimates are by the plain rule."""
    assert (tokenizer.installed() is not None) == (find_spec("bpe_openai") is not None)


@needed
@pytest.mark.parametrize(
    ("model", "text", "tokens"),
    [
        ("gpt-4o", "hello world", 2), ("gpt-4", "tiktoken is great!", 6), ("gpt-4o", "", 0),
        ("gpt-4o", "<|endoftext|>", 7), ("gpt-4o", "お誕生日おめでとう", 8), ("gpt-4", "お誕生日おめでとう", 9),
    ],
)  # fmt: skip
def test_text_is_counted_as_the_model_counts_it(model: str, text: str, tokens: int) -> None:
    """The counts are those of OpenAI's own tokenizers; what looks like a control token is text."""
    count = counting(model)
    assert count is not None
    assert count([text]) == tokens
    assert count([text, text]) == 2 * tokens


@needed
def test_long_texts_are_counted_in_part() -> None:
    """Past 65,536 characters, or two thousand texts, the rest is taken to be like the beginning."""
    count = counting("gpt-4o")
    assert count is not None
    part = count(["hello world " * 5_000])
    assert part is not None
    assert count(["hello world " * 5_000_000]) == pytest.approx(1000 * part, rel=0.001)
    assert count(["hello"] * 10_000) == 10_000
    assert count(["x" * 3_000_000]) is not None


@needed
@pytest.mark.parametrize("text", ["\ud800", "a\udfffb", "\0" * 99, "\U0001f600" * 99], ids=ascii)
def test_any_text_has_a_count(text: str) -> None:
    """Lone surrogates, NULs and emoji are counted like anything else."""
    count = counting("gpt-4o")
    assert count is not None
    assert count([text])


@needed
def test_an_estimate_by_the_tokenizer_is_still_an_estimate() -> None:
    """A stream without usage is counted by it, marked as estimated; a reported count is never touched."""
    request = Document(b'{"model":"gpt-4o","messages":[{"role":"user","content":"hello world, hello world"}]}')
    piece = {"model": "gpt-4o", "choices": [{"delta": {"content": "tokenization"}, "finish_reason": "stop"}]}
    stream = f"data: {json.dumps(piece)}\n\ndata: [DONE]\n\n".encode()
    path = "/v1/chat/completions"
    by_rule = read("openai", "POST", path, (), request, 200, (), Document(stream)).tokens
    reading = read("openai", "POST", path, (), request, 200, (), Document(stream), tokenizer.installed())
    assert reading.tokens is not None
    assert (reading.tokens.source, reading.tokens.input, reading.tokens.output) == ("estimated", 5 + 7, 2)
    assert by_rule is not None
    assert (by_rule.input, by_rule.output) == (6 + 7, 3)
    told = {**piece, "usage": {"prompt_tokens": 99, "completion_tokens": 9, "total_tokens": 108}}
    whole = Document(json.dumps(told).encode())
    reported = read("openai", "POST", path, (), request, 200, (), whole, tokenizer.installed()).tokens
    assert reported is not None
    assert (reported.source, reported.input, reported.output) == ("reported", 99, 9)
