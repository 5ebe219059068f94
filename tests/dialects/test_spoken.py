"""The format that is spoken is told by the path where it can only be one."""

import pytest

from store.dialects import dialect_of

MODEL = "/model/us.anthropic.claude-sonnet-4-20250514-v1%3A0"
PUBLISHERS = "/v1/projects/p/locations/global/publishers"


@pytest.mark.parametrize(
    "dialect", ["openai", "azure", "anthropic", "gemini", "vertex", "bedrock", "cohere", "generic"]
)
@pytest.mark.parametrize(
    ("path", "spoken"),
    [
        ("/v1/chat/completions", "openai"),
        ("/openai/deployments/mine/chat/completions", "openai"),
        ("/v1/projects/p/locations/l/endpoints/openapi/chat/completions", "openai"),
        ("/v1beta/openai/embeddings", "openai"),
        ("/v1/responses", "openai"),
        ("/v1/responses/compact", "openai"),
        ("/anthropic/v1/messages", "anthropic"),
        ("/v1/messages/count_tokens", "anthropic"),
        ("/v1beta/models/gemini-2.5-flash:streamGenerateContent", "gemini"),
        (f"{PUBLISHERS}/google/models/gemini-2.5-flash:generateContent", "gemini"),
        (f"{PUBLISHERS}/anthropic/models/claude-sonnet-4@20250514:streamRawPredict", "anthropic"),
        (f"{PUBLISHERS}/mistralai/models/mistral-small-2503:rawPredict", "openai"),
        (f"{PUBLISHERS}/google/models/text-embedding-005:predict", "vertex"),
        ("/v1beta/models/imagen-4.0-generate-001:predict", "vertex"),
        ("/v1beta/models/veo-3.0-generate-001:predictLongRunning", "vertex"),
        ("/v1/videos/video_1", "video"),
        ("/openai/v1/video/generations/jobs/task_1", "video"),
        ("/api/v1/tasks/t1", "enveloped"),
        ("/v1/audio/transcriptions", "openai"),
        ("/v1/listen", "sound"),
        ("/v2/transcript/tr1", "sound"),
        (f"{MODEL}/converse-stream", "bedrock"),
        (f"{MODEL}/invoke", "bedrock"),
    ],
)
def test_the_path_decides(dialect: str, path: str, spoken: str) -> None:
    """A path of one format is of that format at every upstream."""
    assert dialect_of(dialect, path) == spoken


@pytest.mark.parametrize(
    ("dialect", "path", "spoken"),
    [
        ("openai", "/v1/threads/thread_1/messages", "openai"),
        ("azure", "/openai/threads/thread_1/messages", "openai"),
        ("azure", "/openai/deployments/mine/audio/speech", "openai"),
        ("bedrock", "/openai/v1/models", "openai"),
        ("bedrock", "/foundation-models", "bedrock"),
        ("vertex", "/v1/projects/p/locations/l/endpoints/1:predict", "vertex"),
        ("gemini", "/v1beta/openai/images/generations", "openai"),
        ("gemini", "/v1beta/files", "gemini"),
        ("cohere", "/v2/chat", "cohere"),
        ("cohere", "/compatibility/v1/models", "openai"),
        ("openai", "/v1/chat", "reka"),
        ("openai", "/api/v1/apps/0a1b/completion", "enveloped"),
        ("generic", "/v2/inference/deployments/d1/completion", "enveloped"),
        ("openai", "/v2/inference/deployments/d1/v2/completion", "enveloped"),
        ("openai", "/v2/inference/deployments/d1/chat/completions", "openai"),
        ("ollama", "/api/chat", "ollama"),
        ("ollama", "/api/embeddings", "ollama"),
        ("ollama", "/v1/completions", "openai"),
        ("ollama", "/v1/embeddings", "openai"),
        ("openai", "/api/embeddings", "openai"),
        ("generic", "/api/chat", "generic"),
    ],
)
def test_the_dialect_decides(dialect: str, path: str, spoken: str) -> None:
    """On any other path the upstream's dialect says what is spoken."""
    assert dialect_of(dialect, path) == spoken
