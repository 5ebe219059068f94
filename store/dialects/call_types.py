"""Which type a call is, from its method and path alone. One table for all dialects, matched by how a path ends,
so that it also holds behind a prefix (`/openai/v1/...`, `/api/v1/...`).

Asking again for an earlier call (a poll, a cancellation, a list) is `other`: its usage was told before.
"""

import re
from functools import lru_cache
from urllib.parse import unquote

from store.call import CallType

_POSTED: tuple[tuple[str, CallType], ...] = (
    (r"/(chat|agents)/completions", "chat"),
    (r"/responses(/compact)?", "chat"),
    (r"/responses/input_tokens", "count_tokens"),
    (r"(?<!threads)/messages", "chat"),
    (r"/messages/count_tokens", "count_tokens"),
    (r"/(tokenize|tokenize-text)", "count_tokens"),
    (r"/messages/batches", "batch"),
    (r":(streamGenerateContent|generateContent|rawPredict|streamRawPredict)", "chat"),
    (r":(embedContent|batchEmbedContents)", "embedding"),
    (r":countTokens", "count_tokens"),
    (r":(batchGenerateContent|asyncBatchEmbedContent)", "batch"),
    (r"/models/imagen[^/:]*:predict", "image"),
    (r"/models/[^/:]*embedding[^/:]*:predict", "embedding"),
    (r"/interactions", "chat"),
    (r"/model/[^/]+/(converse|converse-stream)", "chat"),
    (r"/model/[^/]+/count-tokens", "count_tokens"),
    (r"/(api|v1|v2)/chat", "chat"),
    (r"/(api/generate|completions?|complete)", "completion"),
    (r"/(embeddings?|embed)", "embedding"),
    (r"/images(/(generations|edits|variations))?", "image"),
    (r"/(audio/speech|tts)", "speech"),
    (r"/(audio/transcriptions|stt)", "transcription"),
    (r"/audio/translations", "translation"),
    (r"/moderations", "moderation"),
    (r"/rerank", "rerank"),
    (r"/(batches|batch/jobs)", "batch"),
    (r"/models/.*/predictions", "other"),
)
_ANY_METHOD: tuple[tuple[str, CallType], ...] = (
    (r"/realtime(/(calls|client_secrets|sessions|transcription_sessions|translations)(/[^/]+)*)?", "realtime"),
    (r"(?<!vector_stores)/(files|uploads)", "file"),
    (r"/files/[^/]+(/content|/url)?", "file"),
    (r"/uploads/[^/]+(/parts|/complete|/cancel)?", "file"),
    (r"/(models|language-models|image-generation-models|embedding-models)(/[^:]+)?", "model"),
    (r"/api/tags", "model"),
)


def _table(entries: tuple[tuple[str, CallType], ...]) -> list[tuple[re.Pattern[str], CallType]]:
    return [(re.compile(rf".*{ending}/?"), type_) for ending, type_ in entries]


_posted = _table(_POSTED)
_any_method = _table(_ANY_METHOD)
_BELOW_OTHERS = re.compile(r".*/(threads|vector_stores|assistants|containers|operations)/.*")


_RUN = re.compile(r".*/threads(/[^/]+)?/runs(/[^/]+/submit_tool_outputs)?/?")  # of an assistant
_WORK = re.compile(r".*/(ocr|decisions|conversations(/[^/]+(/restart)?)?)/?")


@lru_cache(maxsize=4096)
def call_type(method: str, path: str) -> CallType:
    """The type of a call, `path` being without its query."""
    if _BELOW_OTHERS.fullmatch(path) or (method == "POST" and path.endswith("/runs")):
        return "chat" if method == "POST" and _RUN.fullmatch(path) else "other"
    tables = (_posted, _any_method) if method == "POST" else (_any_method,)
    for table in tables:
        for pattern, type_ in table:
            if pattern.fullmatch(path):
                return type_
    return "other"


@lru_cache(maxsize=4096)
def is_work(path: str) -> bool:
    """Whether a model works for what is posted here, although there is no type for such calls.

    Conversations are Mistral's, which answer; OpenAI's of the same path only keep, and tell no usage.
    """
    return _WORK.fullmatch(path) is not None


_MODEL_IN_PATH = re.compile(
    r".*/(?:models|tunedModels|model)/([^/:]+(?:/[^/:]+)*?)(?::|/converse|/invoke|/count-tokens).*"
    r"|.*/openai/deployments/([^/]+)/.+"
)


@lru_cache(maxsize=4096)
def model_in_path(path: str) -> str | None:
    """The model a path names together with a method, as in `/v1beta/models/NAME:generateContent`, or a deployment."""
    match = _MODEL_IN_PATH.fullmatch(path)
    return unquote(match[1] or match[2])[:256] if match else None
