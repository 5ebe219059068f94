"""What the published lists' own arithmetic makes of a recorded exchange: usage mapped by hand, sums by `genai-prices`.

Nothing here is shared with the product. Where a list has no price for the model, there is none here either.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from genai_prices import Usage, calc_price
from genai_prices.types import PriceCalculation

from tests.recordings.counts import Counts, openai
from tests.recordings.documents import Documents, documents
from tests.recordings.reported import Reported, behind_agent, holders, usage_in

Json = Any
Context = dict[str, str]


@dataclass(frozen=True, slots=True)
class Published:
    """The lists' word on one exchange."""

    usd: Decimal
    rated: bool  # the entry has rates at all
    units: Counter[str]  # what else than tokens was counted
    adds_up: bool = True  # the models behind an agent, if there are any, to what it used

    @property
    def nano(self) -> int:
        """Rounded once."""
        return int((self.usd * 10**9).to_integral_value(ROUND_HALF_UP))


def published(told: Reported, body: bytes, provider: str, at: datetime) -> Published | None:
    """The price of what the provider reported; None when the lists have none for the model."""
    answer = documents(body)
    usage = usage_in(answer) or {}
    context = _context(answer, usage)
    units = _units(answer, usage)
    parts = list(_parts(told, answer, usage))
    tokens = told.tokens or Counts(None, None)
    if parts and all(part.inside for part in parts):
        found = [_calculated(part.usage, (part.model,), provider, at, {}) for part in parts]
        adds_up = sum(part.usage.input_tokens for part in parts) == tokens.input
        whole = _summed([one for one in found if one is not None], units)
        return None if None in found else replace(whole, adds_up=adds_up)
    models = tuple(model for model in (told.model, told.requested_model) if model)
    models = models[::-1] if provider == "aws" else models  # whose regions are named by who asks
    found = [_calculated(_usage(tokens, usage, units), models, provider, at, context)]
    found += [_calculated(part.usage, (part.model,), provider, at, context) for part in parts]
    return None if None in found else _summed([one for one in found if one is not None], units)


def billed_by(body: bytes) -> Counter[str]:
    """What else than tokens an answer counts."""
    answer = documents(body)
    return +_units(answer, usage_in(answer) or {})


def _calculated(
    usage: Usage, models: tuple[str, ...], provider: str, at: datetime, context: Context
) -> PriceCalculation | None:
    for model in models:
        try:
            return calc_price(
                usage,
                model.removeprefix("models/"),
                provider_id=provider,
                genai_request_timestamp=at,
                price_context=context,
            )
        except LookupError:
            continue
    return None


def _summed(found: list[PriceCalculation], units: Counter[str]) -> Published:
    rated = all(any(rate is not None for rate in vars(one.model_price).values()) for one in found)
    return Published(sum((one.total_price for one in found), Decimal(0)), rated, units)


def _usage(tokens: Counts, raw: Json, units: Counter[str]) -> Usage:
    """The counts, and what of them was no text."""
    keys = {
        "input_tokens": tokens.input,
        "output_tokens": tokens.output,
        "cache_read_tokens": tokens.cache_read,
        "cache_write_tokens": tokens.cache_write,
        "cache_write_1h_tokens": tokens.cache_write_1h,
        "cache_write_5m_tokens": (tokens.cache_write or 0) - (tokens.cache_write_1h or 0),
        "output_reasoning_tokens": tokens.reasoning,
        **_modalities(raw),
        **units,
    }
    return Usage(**{key: count for key, count in keys.items() if count})


def _modalities(raw: Json) -> dict[str, int]:
    into = raw.get("prompt_tokens_details") or raw.get("input_tokens_details") or raw.get("input_token_details") or {}
    out = raw.get("completion_tokens_details") or raw.get("output_tokens_details") or {}
    found = {
        "input_audio_tokens": into.get("audio_tokens"),
        "input_image_tokens": into.get("image_tokens"),
        "output_audio_tokens": out.get("audio_tokens"),
        "output_image_tokens": out.get("image_tokens"),
    }
    for keys, names in (
        ("input_{}_tokens", ("promptTokensDetails", "promptTokenDetails")),
        ("cache_{}_read_tokens", ("cacheTokensDetails",)),
        ("output_{}_tokens", ("candidatesTokensDetails",)),
    ):
        details = next((raw[name] for name in names if raw.get(name)), ())
        for detail in details:
            if detail.get("modality") in ("AUDIO", "IMAGE"):
                found[keys.format(detail["modality"].lower())] = detail.get("tokenCount")
    return {key: count for key, count in found.items() if count}


@dataclass(frozen=True, slots=True)
class _Part:
    """What another model did within an exchange; `inside`: the exchange's own counts have it in them."""

    model: str
    usage: Usage
    inside: bool


def _parts(told: Reported, answer: Documents, usage: Json) -> Iterator[_Part]:
    for one in usage.get("iterations") or ():
        if one.get("type", "message") != "message":  # Anthropic's advisers and compactions are in no total
            read, written = one.get("cache_read_input_tokens") or 0, one.get("cache_creation_input_tokens") or 0
            counts = Counts(one["input_tokens"] + read + written, one["output_tokens"], read, written)
            yield _Part(one.get("model") or str(told.model), _usage(counts, {}, Counter()), inside=False)
    for one in behind_agent(answer):
        used = openai(one["usage"])
        assert used is not None
        yield _Part(one["model"], _usage(used, {}, Counter()), inside=True)


def _units(answer: Documents, usage: Json) -> Counter[str]:
    """Searches that the answer counts, or shows; and the seconds of a recording."""
    found: Counter[str] = Counter()
    found["web_searches"] = (usage.get("server_tool_use") or {}).get("web_search_requests") or 0
    seconds = usage.get("prompt_audio_seconds") or (usage.get("seconds") if usage.get("type") == "duration" else 0)
    found["audio_seconds"] = found["input_audio_seconds"] = seconds or 0
    for holder in holders(answer):
        found["rerank_searches"] += (holder.get("meta") or {}).get("billed_units", {}).get("search_units") or 0
        found["input_document_pages"] += (holder.get("usage_info") or {}).get("pages_processed") or 0
    last = [holder for holder in holders(answer) if isinstance(holder.get("output"), list)]
    for item in last[-1]["output"] if last else ():
        done = item.get("status") in (None, "completed")
        found["storage_searches"] += item.get("type") == "file_search_call" and done
        found["web_searches"] += (
            item.get("type") == "web_search_call"
            and done
            and (item.get("action") or {}).get("type") not in ("open_page", "find_in_page", "find")
        )
    for holder in holders(answer):
        billed = ((holder.get("tool_usage") or {}).get("web_search") or {}).get("num_requests")
        if billed is not None:
            found["web_searches"] = billed
        for choice in holder.get("choices") or ():  # Groq: what it executed, told again when it is done
            said = choice.get("message") or choice.get("delta") or {}
            for tool in said.get("executed_tools") or ():
                found["web_searches"] += tool.get("type") == "search" and bool(tool.get("output"))
        for candidate in holder.get("candidates") or ():  # Gemini: by the query, before version 3 by the answer
            queries = [
                query for query in (candidate.get("groundingMetadata") or {}).get("webSearchQueries") or () if query
            ]
            if queries:
                by_answer = str(holder.get("modelVersion")).startswith(("gemini-1", "gemini-2"))
                found["web_searches"] = 1 if by_answer else len(queries)
    return found


def _context(answer: Documents, usage: Json) -> Context:
    """The tier that was served, under the names of the lists."""
    told = [usage.get(name) for name in ("service_tier", "serviceTier", "trafficType")]
    told += [holder.get("service_tier") for holder in reversed(list(holders(answer)))]
    tier = next((str(one).lower().removeprefix("on_demand_") for one in told if one), None)
    return {} if tier is None else {"service_tier": tier, "processing": tier, "speed": str(usage.get("speed") or tier)}
