"""Which wire format is really spoken on a path: many vendors offer another's API beside their own.

A path that can only be of one format decides, whatever the upstream is configured as; elsewhere the configured dialect
does. Where both leave it to the body, `store/dialects/recognised.py` tells it.
"""

import re
from functools import lru_cache

# The first that fits counts.
_UNMISTAKABLE: tuple[tuple[str, str], ...] = (
    (
        r"/model/(arn:[^/]+/)?[^/]+/(converse|converse-stream|invoke|invoke-with-response-stream|count-tokens)",
        "bedrock",
    ),
    (r"/publishers/anthropic/models/[^/]+:(rawPredict|streamRawPredict)", "anthropic"),
    (r"/publishers/[^/]+/models/[^/]+:(rawPredict|streamRawPredict)", "openai"),
    (r"/[^/]+:(generateContent|streamGenerateContent|countTokens|embedContent|batchEmbedContents)", "gemini"),
    (r"/models/[^/:]+:(predict|predictLongRunning)", "vertex"),  # also of images at Gemini's own address
    (r"/(videos|video/generations)(/.+)?", "video"),
    (
        r"/ml/v\d[^/]*/(deployments/[^/]+/)?(generation/\w+|text/(generation|generation_stream|embeddings|rerank))",
        "flat",  # watsonx
    ),
    (
        r"/(services/(aigc|embeddings|rerank)/.+|api/v1/(tasks/[^/]+|apps/[^/]+/completion))",
        "enveloped",
    ),  # Qwen's, at DashScope
    (r"/(ai/run|workers-ai)/.+", "enveloped"),  # Cloudflare
    (r"/inference/deployments/[^/]+/(v2/)?completion", "enveloped"),  # SAP's orchestration
    (r"/v1/inference/.+", "flat"),  # DeepInfra
    (r"/(chat/completions|embeddings|responses(/(compact|input_tokens))?)", "openai"),
    (r"/(ai/(language|embedding|image|reranking)-model|v1/evaluate)", "ai_sdk"),  # Vercel's gateway
    (r"/audio/(transcriptions|translations|speech)", "openai"),
    (r"/(listen|v1/read|speech-to-text|stt|transcriptions:transcribe|t2a_v2)", "sound"),
    (r"/(v2/transcript|v2/pre-recorded|speechtotext/v1/jobs)(/[^/]+)?", "sound"),
    (r"/messages(/count_tokens)?", "anthropic"),
    (r"/v1/sessions/[^/]+/(events/)?stream", "anthropic_session"),
)
_unmistakable = [(re.compile(rf".*{ending}/?"), spoken) for ending, spoken in _UNMISTAKABLE]
_THREAD = "/threads/"  # OpenAI's assistants have messages, too

# What a dialect's upstream speaks on the other paths, where these begin so; the first that fits counts.
_BESIDE: dict[str, tuple[tuple[str, str], ...]] = {
    "azure": ((r"", "openai"),),
    "bedrock": ((r"/(openai/)?v1/", "openai"), (r"/agents/", "bedrock_agent")),
    "cohere": ((r"/compatibility/", "openai"),),
    "gemini": ((r".*/openai/", "openai"),),
    "ollama": ((r".*/api/", "ollama"), (r"", "openai")),
    "openai": ((r".*/v1/chat/?$", "reka"),),
}
_beside = {
    dialect: [(re.compile(beginning), spoken) for beginning, spoken in endings] for dialect, endings in _BESIDE.items()
}


@lru_cache(maxsize=4096)
def dialect_of(dialect: str, path: str) -> str:
    """The format really spoken on a path of an upstream of this dialect, `path` being without its query."""
    if dialect == "ollama" and path.endswith("/api/embeddings"):
        return dialect
    if _THREAD not in path:
        for pattern, spoken in _unmistakable:
            if pattern.fullmatch(path):
                return spoken
    for pattern, spoken in _beside.get(dialect, ()):
        if pattern.match(path):
            return spoken
    return dialect
