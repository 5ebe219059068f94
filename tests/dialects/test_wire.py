"""What each recorded exchange must be read as, however its bytes are framed."""

import json
import random
import re
from typing import Any

import pytest

from store.dialects import Document, read, upstream_request_id
from store.dialects.document import Document as DocumentItself
from tests.dialects.framing import frame
from tests.dialects.wire import Case, as_told, cases

CASES = cases()
WHOLE = [case for case in CASES if Document(case.response).form == "json" and case.status < 400]
NESTED = [case for case in WHOLE if case.name.startswith(("perplexity/async:", "cloudflare/"))]
"""An answer within an answer."""
STREAMS = [case for case in CASES if Document(case.response).form == "events"]
ADDED_UP = [case for case in CASES if case.name.startswith(("anthropic/session_", "bedrock/agent"))]
"""Streams that tell what was used in parts."""
COUNTS = re.compile(
    rb'"(?:usage|meta"|details|results"|prompt_eval_count|num_tokens_prompt|inputTextTokenCount|prompt_token_count)'
)


def ids(case: Case) -> str:
    return case.name


@pytest.mark.parametrize("case", CASES, ids=ids)
def test_reading(case: Case) -> None:
    """The reading says exactly what the case says, for every field that the case names."""
    told = as_told(case.read())
    assert {field: told[field] for field in case.expected} == case.expected


@pytest.mark.parametrize("case", STREAMS, ids=ids)
@pytest.mark.parametrize("ending", [b"\r\n", b"\r"], ids=["CRLF", "CR"])
def test_line_endings(case: Case, ending: bytes) -> None:
    """The kind of line break makes no difference."""
    framed = case.response.replace(b"\n", ending)
    assert case.read(Document(framed)) == case.read()


@pytest.mark.parametrize("case", STREAMS, ids=ids)
def test_framing(case: Case) -> None:
    """Comments, a byte order mark, missing spaces and a missing last blank line make no difference."""
    framed = b"\xef\xbb\xbf: keepalive\n\n" + case.response.replace(b"data: ", b"data:").rstrip(b"\n")
    assert case.read(Document(framed)) == case.read()


@pytest.mark.parametrize("case", STREAMS, ids=ids)
def test_long_stream(case: Case) -> None:
    """A stream of which only the ends are looked at is read as if every event had been."""
    first, _, rest = case.response.partition(b"\n\n")
    padding = b': x\n\ndata: {"type":"ping","choices":[]}\n\n' * 1000
    expected = case.read()
    assert case.read(Document(first + b"\n\n" + padding + rest)) == expected


@pytest.mark.parametrize("size", [10, 2000, 20_000])
def test_long_last_event(size: int) -> None:
    """Why a stream ended is found before a last event of any length, as that of a guardrail with its trace."""
    delta = frame("contentBlockDelta", {"delta": {"text": "Hello"}, "contentBlockIndex": 0})
    usage = {"inputTokens": 12, "outputTokens": 5, "totalTokens": 17}
    last = frame("metadata", {"usage": usage, "trace": {"guardrail": {"modelOutput": ["x" * size]}}})
    stream = 10 * delta + frame("messageStop", {"stopReason": "guardrail_intervened"}) + last
    path = "/model/amazon.nova-lite-v1%3A0/converse-stream"
    reading = read("bedrock", "POST", path, (), Document(b"{}"), 200, (), Document(stream))
    assert reading.finish_reason == "guardrail_intervened"


@pytest.mark.parametrize("case", [case for case in STREAMS if case not in ADDED_UP], ids=ids)
def test_cut_stream(case: Case) -> None:
    """A stream of which the middle was not kept is read from its first and its last events."""
    first, _, rest = case.response.partition(b"\n\n")
    torn = b'... the end of an event"}]}\n\n'
    document = Document(first + b'\n\ndata: {"id":"torn', torn + rest, cut=True)
    assert case.read(document) == case.read()


@pytest.mark.parametrize("case", ADDED_UP, ids=ids)
def test_cut_stream_of_parts(case: Case) -> None:
    """What was used is unknown where some of the parts that would be added up were not kept."""
    half = len(case.response) // 2
    assert case.read(Document(case.response[:half], case.response[half + 1 :], cut=True)).tokens is None


@pytest.mark.parametrize("case", [case for case in WHOLE if case not in NESTED], ids=ids)
def test_large_whole_answer(case: Case) -> None:
    """Usage behind a megabyte that was not kept is found, and so is the model before it."""
    counts = COUNTS.search(case.response)
    opened = counts.start() if counts else len(case.response) - 1
    filler = (b"" if counts else b", ") + b'"filler": "' + b'\\\\\\"' * 300
    cut = Document(
        case.response[:opened] + filler,
        b'\\\\\\" ] } ,{ \\\\", "f": {"g": [1, "]}"]}, ' + case.response[opened:],
        cut=True,
    )
    expected, told = as_told(case.read()), as_told(case.read(cut))
    assert told["tokens"] == expected["tokens"]
    assert (told["model"], told["response_id"]) == (expected["model"], expected["response_id"])


@pytest.mark.parametrize("large", ["messages", "image"])
def test_model_at_the_end_of_a_large_request(large: str) -> None:
    """The model of a request is found behind a megabyte of base64 that was not kept."""
    case = next(case for case in CASES if case.name.startswith("openai/chat_whole"))
    head = b'{"%s": [{"role": "user", "content": "' % large.encode() + b"QUJD" * 1000
    tail = b"QUJD" * 1000 + b'"}], "stream": true, "model": "gpt-4o"}\n'
    reading = case.read(request=Document(head, tail, cut=True))
    assert (reading.requested_model, reading.stream) == ("gpt-4o", True)


def test_usage_in_a_torn_event() -> None:
    """The usage of a streamed response is found when its terminal event is larger than the tail that was kept."""
    case = next(case for case in CASES if case.name.startswith("openai/responses_stream"))
    whole = case.response
    text = whole.rindex(b'"text": "Hello"')
    reading = case.read(Document(whole[: whole.index(b"event: response.completed")], whole[text + 9 :], cut=True))
    assert reading.tokens == case.read().tokens
    assert reading.finished


@pytest.mark.parametrize(("name", "known"), [("responses_tools", {}), ("responses_tool_usage", {"web_searches": 1})])
def test_tool_calls_of_an_output_with_a_hole(name: str, known: dict[str, int]) -> None:
    """Items are not counted where some may be missing; what the provider counts behind the hole is known."""
    case = next(case for case in CASES if case.name.startswith(f"openai/{name}:"))
    whole = case.response
    hole = whole.index(b'"web_search_call"')
    for begin, end in ((hole, hole + 1), (hole + 200, hole + 250)):
        reading = case.read(Document(whole[:begin], whole[end:], cut=True))
        assert reading.tokens == case.read().tokens
        assert as_told(reading)["units"] == known


def test_tool_calls_of_a_torn_event() -> None:
    """The same holds for a stream whose terminal event is larger than the tail that was kept."""
    case = next(case for case in CASES if case.name.startswith("openai/responses_tools_stream"))
    whole = case.response
    last = whole.rindex(b"event: response.completed")
    reading = case.read(Document(whole[:last], whole[whole.index(b"web_search_call", last) :], cut=True))
    assert (reading.tokens, as_told(reading)["units"]) == (case.read().tokens, {})


@pytest.mark.parametrize(("asked", "made"), [({}, 1), ({"n": 3}, 3), ({"n": "many"}, None)])
def test_images_too_large_to_be_kept(asked: dict[str, Any], made: int | None) -> None:
    """Where the hole is among the images, there are as many as were asked for; whole lists are counted."""
    case = next(case for case in CASES if case.name.startswith("openai/image_dalle"))
    request = Document(json.dumps({"model": "dall-e-3", "prompt": "a cat", **asked}).encode())
    image = b'{"created": 1, "data": [{"b64_json": "%s' % (b"QUJD" * 100)
    cut = case.read(Document(image, b'QUJD", "revised_prompt": "a cat"}], "size": "1024x1024"}', cut=True), request)
    assert cut.units.images == made
    whole = case.read(Document(image + b'"}, {"b64_json": "QUJD"}]}'), request)
    assert whole.units.images == 2


@pytest.mark.parametrize(
    ("target", "asked", "told", "made"),
    [
        ("/v1beta/models/imagen-4.0:predict", {"parameters": {"sampleCount": 2}}, "predictions", 2),
        ("/v1beta/models/imagen-4.0:predict", {"instances": []}, "predictions", None),
        ("/model/amazon.nova-canvas-v1:0/invoke", {"imageGenerationConfig": {"numberOfImages": 3}}, "images", 3),
        ("/model/stability.sd3-5-large-v1:0/invoke", {"prompt": "a fox"}, "images", 1),
    ],
)
def test_large_images_of_others(target: str, asked: dict[str, Any], told: str, made: int | None) -> None:
    """The same holds for Google's and Amazon's, whose requests and answers have other names for it."""
    image = b'{"%s": ["%s' % (told.encode(), b"QUJD" * 100)
    answer = Document(image, b'QUJD"], "error": null}', cut=True)
    request = Document(json.dumps(asked).encode())
    assert read("generic", "POST", target, (), request, 200, (), answer).units.images == made


def test_request_id_prefers_headers() -> None:
    """The request id is the best known header's, else the id in the answer."""
    reading = CASES[0].read()
    assert upstream_request_id((("cf-ray", "c"), ("x-request-id", "r")), reading) == "r"
    assert upstream_request_id((("server", "x"),), reading) == reading.response_id


def test_random_truncation_never_invents_counts() -> None:
    """An answer that broke off somewhere has the reported counts, an estimate, or none."""
    seed = random.Random(7)
    for case in CASES:
        known = case.read().tokens
        for _ in range(30):
            cut = DocumentItself(case.response[: seed.randrange(len(case.response))])
            tokens = case.read(cut).tokens
            if tokens is not None and tokens.source == "reported":
                assert tokens == known, case.name
