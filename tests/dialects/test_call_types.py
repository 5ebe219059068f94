"""The type of a call is told by its method and path."""

import pytest

from store.dialects.call_types import call_type, deployment_in_path, model_in_path, streams_by_path

PUBLISHERS = "/v1/projects/p/locations/global/publishers"
ARN = "arn%3Aaws%3Abedrock%3Aus-east-1%3A123456789012%3A"


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("POST", "/v1/chat/completions", "chat"),
        ("POST", "/openai/v1/chat/completions", "chat"),
        ("POST", "/v1/chat/completions/", "chat"),
        ("GET", "/v1/chat/completions/chatcmpl-1", "other"),
        ("POST", "/v1/chat/completions/chatcmpl-1", "other"),
        ("POST", "/v1/completions", "completion"),
        ("POST", "/v1/complete", "completion"),
        ("POST", "/v1/responses", "chat"),
        ("POST", "/v1/responses/compact", "chat"),
        ("POST", "/v1/responses/input_tokens", "count_tokens"),
        ("POST", "/v1/responses/resp_1/cancel", "other"),
        ("GET", "/v1/responses/resp_1", "other"),
        ("POST", "/v1/messages", "chat"),
        ("POST", "/v1/messages/count_tokens", "count_tokens"),
        ("POST", "/v1/messages/batches", "batch"),
        ("GET", "/v1/messages/batches/b/results", "other"),
        ("POST", "/v1/agents/completions", "chat"),
        ("POST", "/v1/fim/completions", "completion"),
        ("POST", "/api/v2/cortex/inference:complete", "chat"),
        ("POST", "/api/v2/cortex/v1/chat/completions", "chat"),
        ("POST", "/openai/deployments/mine/chat/completions", "chat"),
        ("POST", "/models/chat/completions", "chat"),
        ("POST", "/openai/deployments/mine/audio/transcriptions", "transcription"),
        ("POST", "/backend-api/codex/responses", "chat"),
        ("POST", "/v1/tokenize", "count_tokens"),
        ("POST", "/v1/threads", "other"),
        ("POST", "/v1/threads/thread_1/messages", "other"),
        ("POST", "/v1/threads/thread_1/runs", "chat"),
        ("POST", "/v1/threads/runs", "chat"),
        ("POST", "/v1/threads/thread_1/runs/run_1/submit_tool_outputs", "chat"),
        ("POST", "/v1/threads/thread_1/runs/run_1/cancel", "other"),
        ("GET", "/v1/threads/thread_1/runs", "other"),
        ("GET", "/v1/threads/thread_1/runs/run_1/steps", "other"),
        ("POST", "/v1/evals/eval_1/runs", "other"),
        ("POST", "/v1/assistants", "other"),
        ("POST", "/v1/vector_stores/vs_1/search", "other"),
        ("POST", "/v1/conversations", "other"),
        ("POST", "/v1/traces/ingest", "other"),
        ("POST", "/v1/ocr", "other"),
        ("POST", "/v1/videos/generations", "other"),
        ("POST", "/v1/embeddings", "embedding"),
        ("POST", "/v1/images/edits", "image"),
        ("POST", "/v1/images/variations", "image"),
        ("POST", "/v1/videos/edits", "other"),
        ("POST", "/v1/edits", "completion"),
        ("POST", "/v1/engines/davinci/completions", "completion"),
        ("POST", "/api/v1/images", "image"),
        ("POST", "/v1/audio/speech", "speech"),
        ("POST", "/v1/tts", "speech"),
        ("POST", "/v1/stt", "transcription"),
        ("POST", "/v1/audio/transcriptions", "transcription"),
        ("POST", "/v1/audio/translations", "translation"),
        ("POST", "/v1/moderations", "moderation"),
        ("POST", "/v2/rerank", "rerank"),
        ("GET", "/v1/realtime", "realtime"),
        ("POST", "/v1/realtime/client_secrets", "realtime"),
        ("POST", "/openai/v1/realtime/calls", "realtime"),
        ("POST", "/v1/realtime/calls/rtc_1/hangup", "realtime"),
        ("POST", "/v1/batches", "batch"),
        ("POST", "/v1/batch/jobs", "batch"),
        ("GET", "/v1/batch/jobs/1", "other"),
        ("POST", "/v1/batches/batch_1/requests", "other"),
        ("GET", "/v1/batches/batch_1", "other"),
        ("POST", "/v1/batches/batch_1/cancel", "other"),
        ("POST", "/v1/files", "file"),
        ("GET", "/v1/files/file-1/content", "file"),
        ("POST", "/v1/vector_stores/vs_1/files", "other"),
        ("GET", "/v1/models", "model"),
        ("GET", "/v1/language-models", "model"),
        ("POST", "/v1/models/meta/llama-2-70b-chat/predictions", "other"),
        ("GET", "/v1/models/gpt-4o", "model"),
        ("POST", "/v1beta/models/gemini-2.5-flash:generateContent", "chat"),
        ("POST", "/v1beta/models/gemini-2.5-flash:streamGenerateContent", "chat"),
        ("POST", "/v1beta/models/e:batchEmbedContents", "embedding"),
        ("POST", "/v1beta/models/m:countTokens", "count_tokens"),
        ("POST", "/v1beta/models/m:batchGenerateContent", "batch"),
        ("GET", "/v1beta/models/m/operations/1", "other"),
        ("POST", "/v1beta/models/veo-3:predictLongRunning", "other"),
        ("POST", "/v1beta/models/imagen-4:predict", "image"),
        ("POST", "/v1beta/models/m:asyncBatchEmbedContent", "batch"),
        ("POST", "/v1beta/interactions", "chat"),
        ("GET", "/v1beta/interactions/i1", "other"),
        ("POST", "/v1beta/interactions/i1/cancel", "other"),
        ("POST", "/v1beta/cachedContents", "other"),
        ("POST", "/v1beta/fileSearchStores", "other"),
        ("POST", "/upload/v1beta/fileSearchStores/s:uploadToFileSearchStore", "file"),
        ("POST", "/upload/v1beta/files", "file"),
        ("GET", "/v1beta/files/f:download", "file"),
        ("GET", "/v1beta/batches/b", "other"),
        ("POST", f"{PUBLISHERS}/google/models/gemini-2.5-pro:streamGenerateContent", "chat"),
        ("POST", f"{PUBLISHERS}/google/models/gemini-embedding-001:predict", "embedding"),
        ("POST", f"{PUBLISHERS}/google/models/textembedding-gecko@003:predict", "embedding"),
        ("POST", f"{PUBLISHERS}/google/models/imagen-4.0-generate-001:predict", "image"),
        ("POST", f"{PUBLISHERS}/google/models/veo-3:predictLongRunning", "other"),
        ("POST", f"{PUBLISHERS}/google/models/gemini-2.5-pro:computeTokens", "count_tokens"),
        ("POST", f"{PUBLISHERS}/anthropic/models/claude-sonnet-4@20250514:streamRawPredict", "chat"),
        ("POST", f"{PUBLISHERS}/anthropic/models/count-tokens@20240620:rawPredict", "count_tokens"),
        ("POST", f"{PUBLISHERS}/mistralai/models/mistral-small:rawPredict", "chat"),
        ("POST", "/v1/projects/p/locations/l/endpoints/openapi/chat/completions", "chat"),
        ("POST", "/v1/projects/p/locations/l/batchPredictionJobs", "batch"),
        ("POST", "/v1/projects/p/locations/l/cachedContents", "other"),
        ("POST", "/model/us.amazon.nova-pro-v1:0/converse", "chat"),
        ("POST", "/model/us.amazon.nova-pro-v1%3A0/converse-stream", "chat"),
        ("POST", "/model/meta.llama3-8b/invoke", "chat"),
        ("POST", "/model/meta.llama3-8b/invoke-with-response-stream", "chat"),
        ("POST", "/model/amazon.titan-embed-text-v2%3A0/invoke", "embedding"),
        ("POST", "/model/cohere.rerank-v3-5%3A0/invoke", "rerank"),
        ("POST", "/model/amazon.nova-canvas-v1%3A0/invoke", "image"),
        ("POST", "/model/anthropic.claude-v2/count-tokens", "count_tokens"),
        ("POST", "/model-invocation-job", "batch"),
        ("POST", "/v2/chat", "chat"),
        ("POST", "/v1/generate", "completion"),
        ("POST", "/v2/embed", "embedding"),
        ("POST", "/v1/classify", "other"),
        ("POST", "/v1/embed-jobs", "batch"),
        ("POST", "/api/chat", "chat"),
        ("POST", "/api/generate", "completion"),
        ("POST", "/api/embed", "embedding"),
        ("POST", "/api/embeddings", "embedding"),
        ("GET", "/api/tags", "model"),
        ("POST", "/api/show", "model"),
        ("POST", "/api/pull", "other"),
        ("POST", "/ml/v1-beta/generation/text", "completion"),
        ("POST", "/ml/v1/text/generation_stream", "completion"),
        ("POST", "/ml/v1/text/chat", "chat"),
        ("POST", "/endpoints/mine/invocations", "other"),
        ("OPTIONS", "/v1/chat/completions", "other"),
        ("POST", "", "other"),
    ],
)
def test_type(method: str, path: str, expected: str) -> None:
    """Every path has the one type that the table says."""
    assert call_type(method, path) == expected


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/v1beta/models/gemini-2.5-flash:generateContent", "gemini-2.5-flash"),
        ("/v1beta/tunedModels/mine:generateContent", "mine"),
        ("/model/us.anthropic.claude%3A0/converse", "us.anthropic.claude:0"),
        ("/model/us.anthropic.claude-haiku-4-5-20251001-v1:0/invoke", "us.anthropic.claude-haiku-4-5-20251001-v1:0"),
        (f"/model/{ARN}inference-profile%2Fus.amazon.nova-lite-v1%3A0/converse", "us.amazon.nova-lite-v1:0"),
        (f"/model/{ARN}application-inference-profile%2Fotnfa2ysixqd/invoke", "otnfa2ysixqd"),
        ("/model/mine/count-tokens", "mine"),
        (f"{PUBLISHERS}/anthropic/models/claude-sonnet-4@20250514:rawPredict", "claude-sonnet-4@20250514"),
        (f"{PUBLISHERS}/anthropic/models/count-tokens@20240620:rawPredict", None),
        ("/v1/projects/p/locations/l/endpoints/4711:generateContent", "4711"),
        ("/v1/projects/p/locations/l/endpoints/openapi/chat/completions", None),
        ("/endpoints/mine/invocations", "mine"),
        ("/v1/models/meta/llama-2-70b-chat/predictions", "meta/llama-2-70b-chat"),
        ("/openai/deployments/mine/chat/completions", None),
        ("/v1/models/gpt-4o", None),
        ("/v1/chat/completions", None),
    ],
)
def test_model_in_path(path: str, expected: str | None) -> None:
    """A model is in the path when something is asked of it there."""
    assert model_in_path(path) == expected


def test_deployment_in_path() -> None:
    """A deployment of Azure's is named by its path, which says nothing of its model."""
    assert deployment_in_path("/openai/deployments/my%20own/chat/completions") == "my own"
    assert deployment_in_path("/v1/engines/davinci/completions") == "davinci"
    assert deployment_in_path("/openai/v1/chat/completions") is None


@pytest.mark.parametrize(
    "path",
    [
        "/v1beta/models/m:streamGenerateContent",
        f"{PUBLISHERS}/anthropic/models/c@1:streamRawPredict",
        "/model/m/converse-stream",
        "/model/m/invoke-with-response-stream",
        "/ml/v1/text/generation_stream",
    ],
)
def test_streams_by_path(path: str) -> None:
    """Some paths always stream, and the same paths without that never do."""
    assert streams_by_path(path)
    assert not streams_by_path("/model/m/converse")
