"""The upstreams a user would configure to have the recorded calls: one for each provider."""

from dataclasses import replace
from typing import Any

from proxy.config.builtin import BUILTIN
from proxy.config.model import Dialect, Upstream

_BUILT_IN = {
    "openai", "anthropic", "gemini", "openrouter", "mistral", "groq", "deepseek", "xai", "together", "cohere",
    "perplexity", "ollama", "vllm",
}  # fmt: skip
_CONFIGURED: dict[str, tuple[Dialect, str]] = {
    # name: dialect, whose price list
    "azure-openai": ("azure", "azure"),
    "azure-ai": ("azure", "azure"),
    "bedrock": ("bedrock", "aws"),
    "vertex": ("vertex", "google"),
    "ollama-cloud": ("ollama", "ollama-cloud"),
    "cerebras": ("openai", "cerebras"),
    "crusoe": ("openai", "crusoe"),
    "gpustack": ("openai", "gpustack"),
    "huggingface": ("openai", "huggingface"),
    "snowflake": ("openai", "snowflake"),
    "voyage": ("openai", "voyageai"),
    "writer": ("openai", "writer"),
    "zai": ("openai", "zai"),
    "aleph-alpha": ("generic", "aleph-alpha"),
    "replicate": ("generic", "replicate"),
    "sagemaker": ("generic", "sagemaker"),
    "watsonx": ("generic", "watsonx"),
    "local": ("openai", "local"),  # gateways that speak several formats, one on each of their paths
}

_TOLD_TO_ASK = frozenset(("azure-openai", "azure-ai"))  # a user would set `stream_usage` for these
ASKED = frozenset(("openai", "vllm")) | _TOLD_TO_ASK
"""The upstreams whose streams are asked for their usage."""


def upstream_of(provider: str) -> str:
    """The name of the upstream for a provider as the recordings name it."""
    return provider.rstrip("?")


def dialect_at(upstream: str) -> Dialect:
    """The format it is configured with."""
    return _CONFIGURED[upstream][0] if upstream in _CONFIGURED else BUILTIN[upstream].dialect


def upstreams_at(base_url: str, *, asks: bool, **changes: Any) -> dict[str, Upstream]:
    """All of them, pointed at one loopback address. `asks`: `stream_usage` as a user would have it, else "leave"."""
    found = {name: BUILTIN[name] for name in _BUILT_IN}
    for name, (dialect, provider) in _CONFIGURED.items():
        found[name] = Upstream(name, "", dialect, provider, stream_usage="ask" if name in _TOLD_TO_ASK else "leave")
    if not asks:
        changes["stream_usage"] = "leave"
    return {name: replace(one, base_url=base_url, **changes) for name, one in found.items()}
