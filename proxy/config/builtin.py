"""The upstreams that are known without a configuration.

Origins only: what follows the host is the provider's own path, which clients send. Credentials are never built in;
unless `api_key_env` names one, the client's own is passed through.
"""

from typing import Literal
from urllib.parse import urlsplit

from proxy.config.model import Dialect, Upstream

ASKED_FOR_USAGE = frozenset({"openai", "azure", "vllm"})
"""Upstreams known to accept `stream_options.include_usage`; elsewhere the request is left as it came."""


NAMED_AFTER: dict[str, Dialect] = {"azure": "azure", "bedrock": "bedrock", "vertex": "vertex"}
"""The dialect of an upstream that is named after it, when nobody says; every other speaks OpenAI's."""


def stream_usage_of(name: str, dialect: Dialect) -> Literal["ask", "leave"]:
    """What `stream_usage` is when nobody says."""
    return "ask" if name in ASKED_FOR_USAGE and dialect in ("openai", "azure") else "leave"


def _upstream(name: str, base_url: str, dialect: Dialect = "openai", provider: str | None = None) -> Upstream:
    return Upstream(name, base_url, dialect, provider or name, stream_usage=stream_usage_of(name, dialect))


BUILTIN: dict[str, Upstream] = {
    upstream.name: upstream
    for upstream in (
        _upstream("openai", "https://api.openai.com"),
        _upstream("anthropic", "https://api.anthropic.com", "anthropic"),
        _upstream("gemini", "https://generativelanguage.googleapis.com", "gemini", "google"),
        _upstream("openrouter", "https://openrouter.ai"),
        _upstream("mistral", "https://api.mistral.ai"),
        _upstream("groq", "https://api.groq.com"),
        _upstream("deepseek", "https://api.deepseek.com"),
        _upstream("xai", "https://api.x.ai", provider="x-ai"),
        _upstream("together", "https://api.together.xyz"),
        _upstream("fireworks", "https://api.fireworks.ai"),
        _upstream("cohere", "https://api.cohere.com", "cohere"),
        _upstream("perplexity", "https://api.perplexity.ai"),
        _upstream("ollama", "http://127.0.0.1:11434", "ollama"),
        _upstream("vllm", "http://127.0.0.1:8000"),
        _upstream("llamacpp", "http://127.0.0.1:8080"),
    )
}


_HOSTS = {urlsplit(one.base_url).hostname: one.provider for one in BUILTIN.values() if one.base_url.startswith("https")}
_CLOUDS = (
    (".api.openai.com", "openai"),  # its regions
    (".openai.azure.com", "azure"),
    (".services.ai.azure.com", "azure"),
    (".cognitiveservices.azure.com", "azure"),
    ("aiplatform.googleapis.com", "google"),
    (".amazonaws.com", "aws"),
    (".api.aws", "aws"),
)
_SPOKEN_BY: dict[Dialect, str] = {"azure": "azure", "bedrock": "aws", "vertex": "google"}


def provider_of(name: str, base_url: str, dialect: Dialect) -> str:
    """Whose price list applies when nobody says: by the host that is called, by a dialect that only one speaks, or
    by the upstream's name. `store/pricing/published.py` knows the names."""
    host = urlsplit(base_url).hostname or ""
    if host in _HOSTS:
        return _HOSTS[host]
    clouds = (provider for ending, provider in _CLOUDS if host.endswith(ending))
    return next(clouds, None) or _SPOKEN_BY.get(dialect, name)
