"""What is not right yet, to be seen by everybody. It only ever shrinks."""

NOT_YET: frozenset[str] = frozenset(
    (
        "bedrock count-tokens",
        "replicate /v1/models/{id}/predictions",
        "bedrock converse",
        "bedrock converse-stream",
        "bedrock invoke",
        "bedrock invoke-with-response-stream",
        "cohere /v1/chat",
        "cohere /v1/generate",
        "cohere /v2/chat",
        "cohere /v2/embed",
        "ollama /api/chat",
        "ollama /api/generate",
        "vertex predict",
        "watsonx /ml/v1-beta/generation/text",
        "watsonx /ml/v1-beta/generation/text_stream",
    )
)
"""Providers and endpoints whose rows are not held to this yet; their bytes are."""
