"""A format that neither path nor configuration tells is recognised by members that no other has."""

import json

import pytest

from store.dialects import Document, read
from store.dialects.recognised import format_in


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ({"type": "message", "usage": {"input_tokens": 1, "output_tokens": 2}}, "anthropic"),
        ({"completion": " Hi", "stop_reason": "stop_sequence"}, "anthropic"),
        ({"usage": {"input_tokens": 1, "cache_read_input_tokens": 2}}, "anthropic"),
        ({"choices": []}, "openai"),
        ({"usage": {"total_tokens": 3}}, "openai"),
        ({"usage": {"prompt_tokens": 3, "cache_read_input_tokens": 2, "completion_tokens": 1}}, "openai"),
        ({"candidates": []}, "gemini"),
        ({"embedding": {}, "usageMetadata": {"promptTokenCount": 1}}, "gemini"),
        ({"output": {}, "stopReason": "end_turn"}, "bedrock"),
        ({"usage": {"inputTokens": 1}}, "bedrock"),
        ({"inputTextTokenCount": 3, "results": []}, "flat"),
        ({"generation": "Hi", "prompt_token_count": 1}, "flat"),
        ({"results": [{"generated_token_count": 1}]}, "flat"),
        ({"results": [{"relevance_score": 1}]}, None),
        ({"results": [{"relevance_score": 1}], "meta": {"billed_units": {"search_units": 1}}}, "cohere"),
        ({"generations": []}, "cohere"),
        ({"output": {"text": "Hi"}, "usage": {"total_tokens": 3}}, "enveloped"),
        ({"output": [], "usage": {"total_tokens": 3}}, "openai"),
        ({"output": {"text": "Hi"}, "metrics": {"output_token_count": 3}}, "flat"),
        ({"result": {"response": "Hi"}, "success": True}, "enveloped"),
        ({"text": "Hi", "meta_info": {"prompt_tokens": 1, "completion_tokens": 2}}, "flat"),
        ({"output": [], "stats": {"input_tokens": 1, "total_output_tokens": 2}}, "flat"),
        ({"model": "m", "created_at": "x", "done": False}, "ollama"),
        ({"predictions": []}, "vertex"),
        ({"details": "something went wrong"}, None),
        ({"usage": None, "meta": {"page": 1}, "metrics": {}}, None),
        ({"usage": "none"}, None),
        ({}, None),
        ([{"generated_text": "Hi", "details": {"generated_tokens": 2}}], "flat"),
        ([], None),
        (7, None),
    ],
)
def test_format(body: object, found: str | None) -> None:
    """Where nothing is certain, nothing is guessed."""
    assert format_in(Document(json.dumps(body).encode())) == found


def test_a_stream_is_recognised_by_its_first_pieces() -> None:
    """Pieces that say nothing come first in some streams."""
    events = b'data: {"type":"ping"}\n\ndata: {}\n\ndata: {"choices":[]}\n\n'
    assert format_in(Document(events)) == "openai"
    assert format_in(Document(b'{"a":1}\n{"model":"m","created_at":"x","done":false}\n')) == "ollama"
    assert format_in(Document(b'data: {"a":1}\n\n' * 9)) is None
    assert format_in(Document(b"text")) is None


def test_an_embedding_behind_a_profile_that_was_not_kept() -> None:
    """Where the vectors were not kept, it is the one count in the headers that tells an embedding from a chat."""
    target = "/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A1%3Aapplication-inference-profile%2Fabc123/invoke"
    counts = {"x-amzn-bedrock-input-token-count": "7", "x-amzn-bedrock-output-token-count": "2"}
    cut = Document(b'{"embedding": [0.1, ', b"0.2]}", cut=True)
    types = [
        read("bedrock", "POST", target, (), Document(b"{}"), 200, tuple(told.items()), cut).type
        for told in (counts, dict(list(counts.items())[:1]))
    ]
    assert types == ["chat", "embedding"]
