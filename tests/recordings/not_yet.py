"""What is not right yet, to be seen by everybody. It only ever shrinks."""

NOT_YET: frozenset[str] = frozenset(
    (
        "azure-openai /openai/v1/realtime/client_secrets",
        "bedrock converse",
        "bedrock converse-stream",
        "bedrock count-tokens",
        "bedrock invoke",
        "bedrock invoke-with-response-stream",
        "cohere /v1/chat",
        "cohere /v1/generate",
        "cohere /v2/chat",
        "cohere /v2/embed",
        "mistral /v1/batch/jobs",
        "mistral /v1/chat/completions",
        "ollama /api/chat",
        "ollama /api/generate",
        "openai /v1/realtime/calls",
        "openai /v1/realtime/client_secrets",
        "openai GET /v1/responses/{id}",
        "openrouter /api/v1/images",
        "openrouter /api/v1/rerank",
        "replicate /v1/models/{id}/predictions",
        "vertex predict",
        "voyage /v1/embeddings",
        "voyage /v1/rerank",
        "watsonx /ml/v1-beta/generation/text",
        "watsonx /ml/v1-beta/generation/text_stream",
        "writer /v1/chat",
        "xai /v1/stt",
        "xai /v1/tts",
    )
)
"""Providers and endpoints whose rows are not held to this yet; their bytes are."""
