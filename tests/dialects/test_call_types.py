"""The type of a call is told by its method and path."""

import pytest

from store.dialects.call_types import call_type, model_in_path


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
        ("/openai/deployments/my%20own/chat/completions", "my own"),
        ("/openai/v1/chat/completions", None),
        ("/v1/models/gpt-4o", None),
        ("/v1/chat/completions", None),
    ],
)
def test_model_in_path(path: str, expected: str | None) -> None:
    """A model is in the path when something is asked of it there."""
    assert model_in_path(path) == expected
