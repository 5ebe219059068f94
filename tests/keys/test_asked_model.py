"""Which models a request asks for: found only where every reader would find the same."""

import gzip

import pytest

from proxy.keys.asked_model import allowed, in_body, in_path

JSON = "application/json; charset=utf-8"
ARN = "arn%3Aaws%3Abedrock%3Aus-east-1%3A123456789012%3A"
FORM = "multipart/form-data; boundary=xYz"


def part(disposition: str, content: str) -> str:
    return f"--xYz\r\nContent-Disposition: form-data; {disposition}\r\n\r\n{content}\r\n"


FILE = part('name="file"; filename="a.wav"', "RIFF....")
MODEL = part('name="model"', "whisper-1")
END = "--xYz--\r\n"


@pytest.mark.parametrize(
    ("body", "models"),
    [
        ('{"model":"gpt-4o"}', ("gpt-4o",)),
        (' {"messages":[{"model":"x"}], "model" : "gpt-4o"}', ("gpt-4o",)),
        ('{"model":"gpt-4o","messages":[{"content":"say \\"model\\":\\"o3\\" \\u00e9"}]}', ("gpt-4o",)),
        ('{"model":"gpt\\u002d4o"}', ("gpt-4o",)),
        ('{"model":"models/gemini-2.5-flash"}', ("gemini-2.5-flash",)),
        ('{"model":"a","models":["b","c"]}', ("a", "b", "c")),
        ('{"models":["b"]}', ("b",)),
        ('{"model":"a","model":"b"}', ()),
        ('{"model":"a","model":"a"}', ()),
        ('{"model":"a","Model":"b"}', ()),
        ('{"model":"a","MODEL":"b"}', ()),
        ('{"Model":"a"}', ()),
        ('{"model":"a","mod\\u0065l":"b"}', ()),
        ('{"mod\\u0065l":"b"}', ("b",)),
        ('{"models":["a"],"models":["b"]}', ()),
        ('{"model":null}', ()),
        ('{"model":""}', ()),
        ('{"model":7}', ()),
        ('{"model":["a"]}', ()),
        ('{"messages":[]}', ()),
        ('[{"model":"a"}]', ()),
        ('"model"', ()),
        ('{"model":"a"} {"model":"b"}', ()),
        ('{"model":"a"', ()),
        ("", ()),
        ('\ufeff{"model":"a"}', ()),
        ("[" * 100_000, ()),
        ('{"model":"a","x":' + "[" * 100_000, ()),
        ('{"model":"a","model_info":"model"}', ("a",)),
    ],
    ids=lambda value: repr(value)[:50],
)
@pytest.mark.parametrize("kind", [JSON, None, "text/plain"])
def test_in_json(kind: str | None, body: str, models: tuple[str, ...]) -> None:
    """The name at the top, once; nested ones and texts do not count, doubtful ones count for nothing."""
    assert in_body(kind, body.encode()) == models


@pytest.mark.parametrize(
    ("kind", "body", "models"),
    [
        (FORM, MODEL + FILE + END, ("whisper-1",)),
        (FORM, FILE + MODEL + END, ("whisper-1",)),
        ('multipart/form-data; boundary="xYz"', FILE + MODEL + END, ("whisper-1",)),
        (FORM, FILE + part('name="model_kind"', "b") + MODEL + END, ("whisper-1",)),
        (FORM, FILE + part('name="note"; filename="model.txt"', "b") + MODEL + END, ("whisper-1",)),
        (FORM, FILE + END, ()),
        (FORM, MODEL + FILE + MODEL + END, ()),
        (FORM, MODEL + part('name="Model"', "b") + END, ()),
        (FORM, MODEL + part("name=model", "b") + END, ()),
        (FORM, MODEL + part("name*=utf-8''model", "b") + END, ()),
        (FORM, part('name="model"; filename="m"', "whisper-1") + END, ()),
        (FORM, '{"model":"other"}\r\n' + MODEL + END, ()),
        (FORM, MODEL + FILE + '\n--xYz\nContent-Disposition: form-data; name="model"\n\nother\n' + END, ()),
        ("multipart/form-data; boundary=xYz; boundary=ab", MODEL + END, ()),
        ("multipart/form-data; boundary=xYz; boundary*=ab", MODEL + END, ()),
        ("multipart/form-data", MODEL + END, ()),
        (FORM, "", ()),
        ("application/x-www-form-urlencoded", "model=a", ()),
    ],
)
def test_in_parts(kind: str, body: str, models: tuple[str, ...]) -> None:
    """The one field of a form; forms that may be read in two ways name nothing."""
    assert in_body(kind, body.encode()) == models


def test_in_bytes_that_are_no_text() -> None:
    """Nothing is found, and nothing raised, in what is compressed or broken."""
    for body in (gzip.compress(b'{"model":"a"}'), b"\xff\xfe{", b'{"model":"\xff"}', bytes(range(256))):
        assert in_body(JSON, body) == ()


@pytest.mark.parametrize(
    ("dialect", "path", "models"),
    [
        ("gemini", "/v1beta/models/gemini-2.5-flash:generateContent", ("gemini-2.5-flash",)),
        ("gemini", "/v1/projects/p/locations/l/publishers/google/models/g-1:streamGenerateContent", ("g-1",)),
        ("gemini", "/v1beta/tunedModels/mine-1:generateContent", ("mine-1",)),
        ("gemini", "/v1beta/models/gemini%2D2.5:generateContent", ("gemini-2.5",)),
        ("gemini", "/v1beta/models/a%2Fb:generateContent", ()),
        ("gemini", "/v1beta/models/a:x/models/b:generateContent", ()),
        ("gemini", "/v1beta/models/a%3AgenerateContent", ()),
        ("gemini", "/v1beta/models/a:generateContent/", ()),
        ("gemini", "/v1beta/%6Dodels/a:generateContent", ()),
        ("gemini", "/v1beta/Models//a:generateContent", ()),
        ("gemini", "/v1/projects/p/locations/l/endpoints/7:predict", ()),
        ("gemini", "/v1beta/openai/chat/completions", None),
        ("gemini", "/v1beta/cachedContents", None),
        ("openai", "/openai/deployments/gpt-4o/chat/completions", ("gpt-4o",)),
        ("openai", "/openai/deployments/a/deployments/b/chat", ()),
        ("openai", "/openai/deployments/a%2F..%2Fb/chat", ()),
        ("openai", "/openai/%64eployments/a/chat/completions", ()),
        ("openai", "/openai/%2564eployments/a/chat/completions", ()),
        ("openai", "/openai/deployments%2Fa/chat/completions", ()),
        ("openai", "/openai//deployments//a/chat/completions", ()),
        ("openai", "/openai/Deployments/a/chat/completions", ()),
        ("openai", "/openai/Deployments/a/deployments/b/chat", ()),
        ("openai", "/v1/engines/davinci/completions", ("davinci",)),
        ("openai", "/v1/chat/completions", None),
        ("openai", "/client/v4/accounts/a/ai/run/@cf/meta/llama-3.1-8b-instruct", ("@cf/meta/llama-3.1-8b-instruct",)),
        ("openai", "/client/v4/accounts/a/ai/run/@cf/meta/../../@cf/meta/b", ()),
        ("openai", "/client/v4/accounts/a/ai/run/%40cf/meta/a", ("@cf/meta/a",)),
        ("openai", "/client/v4/accounts/a/ai/Run/@cf/meta/a", ()),
        ("openai", "/client/v4/accounts/a/ai/run/a/ai/run/b", ()),
        ("openai", "/client/v4/accounts/a/ai/v1/chat/completions", None),
        ("openai", "/v1/a/gateway/workers-ai/@cf/meta/a", ("@cf/meta/a",)),
        ("openai", "/v3/ai/language-model", ()),
        ("bedrock", "/async-invoke", ()),
        ("bedrock", "/agents/s1", ()),
        ("bedrock", "/agents/a/agentAliases/b/sessions/s1/text", ()),
        ("generic", "/v1/listen", ()),
        ("generic", "/v1/text-to-dialogue/stream", ()),
        ("generic", "/v1/sound-generation", ()),
        ("generic", "/v1/speech-to-speech/voice1", ()),
        ("generic", "/v2/inference/deployments/d1/v2/completion", ()),
        ("openai", "/fal-ai/fal-ai/flux/schnell", ()),
        ("openai", "/v1/agents/sessions", ()),
        ("openai", "/v1/live/sessions", ()),
        ("openai", "/v1/realtime/client_secrets", ()),
        ("openai", "/v1/realtime/sessions", None),
        ("openai", "/v1/inference/Qwen/Qwen3-Reranker-4B", ("Qwen/Qwen3-Reranker-4B",)),
        ("openai", "/inference/v1/chat/completions", None),
        ("generic", "/v1/text-to-speech/voice1/stream", ()),
        ("openai", "/hf-inference/models/gpt2", ("gpt2",)),
        ("openai", "/v1/models/meta/llama-3/predictions", ("meta/llama-3",)),
        ("openai", "/v1/models/meta/Models/other/predictions", ()),
        ("openai", "/v1/predictions", ()),
        ("openai", "/v1/Predictions", ()),
        ("generic", "/v1/models/meta/llama-3/predictions", ("meta/llama-3",)),
        ("openai", "/hf-inference/models/gpt2/v1/chat/completions", ("gpt2",)),
        ("openai", "/hf-inference/models/intfloat/e5/pipeline/feature-extraction", ("intfloat/e5",)),
        ("openai", "/hf-inference/models/intfloat/e5", ("intfloat/e5",)),
        ("generic", "/client/v4/accounts/a/ai/run/@cf/meta/a", ("@cf/meta/a",)),
        ("anthropic", "/v1/messages", None),
        ("vertex", "/v1/projects/p/locations/l/publishers/google/models/g-1:streamGenerateContent", ("g-1",)),
        (
            "vertex",
            "/v1/projects/p/locations/l/publishers/anthropic/models/claude-4@20250514:rawPredict",
            ("claude-4@20250514",),
        ),
        ("vertex", "/v1/projects/p/locations/l/publishers/google/models/a:x/models/b:generateContent", ()),
        ("vertex", "/v1/projects/p/locations/l/publishers/google/models/a%2F..%2Fb:generateContent", ()),
        ("vertex", "/v1/projects/p/locations/l/endpoints/7:generateContent", ()),
        ("vertex", "/v1/projects/p/locations/l/endpoints/openapi/chat/completions", None),
        ("bedrock", "/model/us.anthropic.claude-sonnet-4-v1:0/converse", ("us.anthropic.claude-sonnet-4-v1:0",)),
        ("bedrock", "/model/us.anthropic.claude-sonnet-4-v1%3A0/invoke", ("us.anthropic.claude-sonnet-4-v1:0",)),
        (
            "bedrock",
            f"/model/{ARN}inference-profile%2Feu.amazon.nova-lite-v1%3A0/converse",
            ("eu.amazon.nova-lite-v1:0",),
        ),
        ("bedrock", f"/model/{ARN}foundation-model%2Famazon.nova-lite-v1%3A0/converse", ("amazon.nova-lite-v1:0",)),
        (
            "bedrock",
            f"/model/{ARN}application-inference-profile%2Famazon.nova-lite/invoke",
            ("arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/amazon.nova-lite",),
        ),
        (
            "bedrock",
            "/model/arn%3Aaws%3Asagemaker%3Aus-east-1%3A1%3Aendpoint%2Famazon.nova-lite/invoke",
            ("arn:aws:sagemaker:us-east-1:1:endpoint/amazon.nova-lite",),
        ),
        ("bedrock", "/model/a/converse/model/b/converse", ()),
        ("bedrock", "/model/a%2Fconverse%2Fmodel%2Fb/converse", ()),
        ("bedrock", "/model/a%2F..%2Fb/converse", ()),
        ("bedrock", "/model/a%253A0/converse", ()),
        ("bedrock", "/model/a%00/converse", ()),
        ("bedrock", "/model/a/converse/", ()),
        ("bedrock", "/model//a/converse", ()),
        ("bedrock", "/Model/a/converse", ()),
        ("bedrock", "/%6Dodel/a/converse", ()),
        ("bedrock", "/model/a/rerank", ()),
        ("bedrock", "/model-invocation-job", ()),
        ("bedrock", "/openai/v1/chat/completions", None),
        ("cohere", "/v2/chat", None),
        ("ollama", "/api/chat", None),
        ("generic", "/v1beta/models/a:generateContent", ("a",)),
        ("generic", "/model/a/converse", ("a",)),
        ("generic", "/openai/deployments/a/chat/completions", ("a",)),
        ("generic", "/v1beta/%6Dodels/a%3AgenerateContent", ()),
        ("generic", "/models/chat/completions", None),
        ("generic", "/v1/chat", None),
    ],
)
def test_in_the_path(dialect: str, path: str, models: tuple[str, ...] | None) -> None:
    """Gemini, Vertex, Bedrock, Azure and others name the model in the path; None says that it is in the body."""
    assert in_path(dialect, path) == models


@pytest.mark.parametrize(
    ("patterns", "models", "answer"),
    [
        (("gpt-4o*",), ("gpt-4o-mini",), True),
        (("gpt-4o*",), ("gpt-4",), False),
        (("gpt-4o",), ("gpt-4o-mini",), False),
        (("a", "b*"), ("b1", "a"), True),
        (("a", "b*"), ("b1", "c"), False),
        (("gpt-4.1",), ("gpt-4x1",), False),
        (("*",), ("anything",), True),
        (("*",), (), False),
        (("*-mini",), ("gpt-4o-mini\nx",), False),
        (("a[bc]",), ("ab",), False),
        (("*",), ("x" * 300,), False),
        (("*o*mini",), ("gpt-4o-mini-mini",), True),
        (("a*b*b",), ("ab",), False),
        (("a*b*b",), ("a-b-b",), True),
        (("**",), ("x",), True),
        (("*-mini", "o3*"), ("o3-mini-high",), True),
    ],
)
def test_patterns(patterns: tuple[str, ...], models: tuple[str, ...], answer: bool) -> None:
    """Every model must fit one pattern, whole; only the star is special."""
    assert allowed(patterns, models) is answer


def test_no_name_takes_long_to_compare() -> None:
    """A pattern of many stars and a name that nearly fits are compared in one go, not in every way there is."""
    assert not allowed(("*a" * 60 + "b",), ("a" * 256,))
    assert allowed(("*a" * 60,), ("a" * 256,))
