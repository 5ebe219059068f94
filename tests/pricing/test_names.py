"""Under which names a model and its seller are found in the published lists."""

from datetime import UTC, datetime

import pytest
from genai_prices.data_snapshot import get_snapshot

from proxy.config.builtin import BUILTIN
from store.call import Reading, Tokens
from store.pricing import PriceBook

AT = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)
LISTS = {provider.id: provider for provider in get_snapshot().providers}
LOCAL = {"ollama", "vllm", "llamacpp"}


def entry(provider: str, model: str) -> str | None:
    price = PriceBook((), {"u": provider}).look_up("u", model, AT)
    return None if price is None else price.entry


def test_every_built_in_upstream_that_sells_has_a_list() -> None:
    """The provider of each built-in upstream is one of the lists; local servers have none."""
    for name, upstream in BUILTIN.items():
        known = upstream.provider in LISTS
        assert known is (name not in LOCAL), name


@pytest.mark.parametrize("name", [name for name in BUILTIN if name not in LOCAL])
def test_a_built_in_upstream_has_prices(name: str) -> None:
    """Every model of its list is priced under its own name, wherever that name finds it in the list."""
    provider = BUILTIN[name].provider
    book = PriceBook((), {name: provider})
    path = "accounts/fireworks/models/" if name == "fireworks" else ""
    own = [model for model in LISTS[provider].models if LISTS[provider].find_model(path + model.id) is model]
    assert len(own) > 4
    for model in own:
        rates = model.get_prices(AT).__dict__.values()
        priced = book.look_up(name, path + model.id, AT) is not None
        assert priced or not any(rate is not None for rate in rates), model.id


@pytest.mark.parametrize(
    ("name", "model", "found"),
    [
        ("azure", "gpt-4o-2024-11-20", "azure/gpt-4o"),
        ("azure-openai", "gpt-4o", "azure/gpt-4o"),
        ("vertex", "gemini-2.5-flash", "google/gemini-2.5-flash"),
        ("vertex_ai", "claude-sonnet-4-5@20250929", "google/claude-sonnet-4-5"),
        ("bedrock", "amazon.nova-lite-v1:0", "aws/amazon.nova-lite-v1:0"),
        ("fireworks-ai", "accounts/fireworks/models/kimi-k2p5", "fireworks/kimi-k2p5"),
        ("z.ai", "glm-4.6", "zai/GLM-4.6"),
        ("z-ai", "glm-4.6", "zai/GLM-4.6"),
        ("kimi", "kimi-k2-thinking", "moonshotai/kimi-k2-thinking"),
        ("moonshot", "kimi-k2-thinking", "moonshotai/kimi-k2-thinking"),
        ("voyage", "voyage-3.5", "voyageai/voyage-3.5"),
        ("copilot", "claude-haiku-4.5", "github-copilot/claude-haiku-4.5"),
        ("zhipu", "glm-4-air", "zhipuai/GLM-4-Air"),
        ("grok", "grok-4.7", "x-ai/grok-4.7"),
        ("xai", "grok-4.7", "x-ai/grok-4.7"),
        ("claude", "claude-opus-5", "anthropic/claude-opus-5"),
        ("togetherai", "MiniMaxAI/MiniMax-M3", "together/MiniMaxAI/MiniMax-M3"),
        ("nobody", "gpt-4o", None),
    ],
)
def test_a_seller_is_found_by_the_names_people_give_it(name: str, model: str, found: str | None) -> None:
    """What users and other software call a provider leads to its list; an unknown name to none."""
    assert entry(name, model) == found


@pytest.mark.parametrize(
    ("provider", "model", "found"),
    [
        ("google", "models/gemini-2.5-flash", "google/gemini-2.5-flash"),
        ("google", "publishers/google/models/gemini-2.5-flash", "google/gemini-2.5-flash"),
        ("google", "projects/p/locations/l/publishers/google/models/gemini-2.5-flash", "google/gemini-2.5-flash"),
        ("google", "google/gemini-2.5-flash", "google/gemini-2.5-flash"),
        ("google", "GEMINI-2.5-Flash", "google/gemini-2.5-flash"),
        ("openai", "openai/gpt-4o", "openai/gpt-4o"),
        ("openai", "gpt-5.2-20251211", "openai/gpt-5.2"),
        ("openai", "meta/gpt-4o", None),
        ("azure", "openai/gpt-4o", "azure/gpt-4o"),
        ("azure", "my-deployment", None),
        ("anthropic", "anthropic/claude-opus-5", "anthropic/claude-opus-5"),
        ("anthropic", "claude-sonnet-4-5-20250929", "anthropic/claude-sonnet-4-5"),
        ("mistral", "mistralai/mistral-large-latest", "mistral/mistral-large"),
        ("openrouter", "openai/gpt-4o", "openrouter/openai/gpt-4o"),
        ("aws", "us.amazon.nova-lite-v1:0", "aws/amazon.nova-lite-v1:0"),
        ("aws", "us.amazon.nova-2-lite-v1", "aws/regional.amazon.nova-2-lite-v1:0"),
        ("aws", "us.anthropic.claude-opus-5", "aws/regional.anthropic.claude-opus-5"),
        ("aws", "global.anthropic.claude-opus-5", "aws/global.anthropic.claude-opus-5"),
        ("aws", "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.claude-opus-5",
         "aws/regional.anthropic.claude-opus-5"),
        ("aws", "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-lite-v1:0", "aws/amazon.nova-lite-v1:0"),
        ("aws", "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/mi1dadi0g15f", None),
        ("ollama", "/models/llama-3.gguf", None),
        ("openai", "/", None),
        ("openai", "openai/", None),
        ("openai", "x/models/", None),
    ],
)  # fmt: skip
def test_a_model_is_found_under_its_longer_names(provider: str, model: str, found: str | None) -> None:
    """Paths, ARNs and the seller's own name before a model do not hide it; what names no model has no price."""
    assert entry(provider, model) == found


@pytest.mark.parametrize(
    ("target", "requested", "found"),
    [
        ("/together/v1/chat/completions", "deepseek-ai/DeepSeek-R1", "huggingface_together/deepseek-ai/DeepSeek-R1"),
        ("/novita/v3/openai/chat/completions", "deepseek-ai/DeepSeek-R1",
         "huggingface_novita/deepseek-ai/DeepSeek-R1"),
        ("/v1/chat/completions", "deepseek-ai/DeepSeek-R1:together", "huggingface_together/deepseek-ai/DeepSeek-R1"),
        ("/v1/chat/completions", "deepseek-ai/DeepSeek-R1:fastest", None),
        ("/v1/chat/completions", "deepseek-ai/DeepSeek-R1", None),
        ("/nobody/v1/chat/completions", "deepseek-ai/DeepSeek-R1", None),
    ],
)  # fmt: skip
def test_behind_a_router_the_price_is_that_of_the_seller(target: str, requested: str, found: str | None) -> None:
    """Hugging Face's router names the seller in the path or behind the model; where it does not, nobody knows."""
    tokens = Tokens("reported", input_uncached=1000, output_text=10)
    told = Reading("chat", requested, "deepseek-ai/DeepSeek-R1", tokens=tokens)
    cost = PriceBook((), {"hf": "huggingface"}).cost(told, "hf", AT, target=target)
    assert cost.entry == found
