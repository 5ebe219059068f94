"""What OpenAI and everything compatible with it tell in a usage object.

Input includes cached and written tokens, output includes reasoning. Where the total says otherwise, it is right: xAI's
chat and Gemini's compatible endpoint keep reasoning outside of the output, Voxtral keeps audio outside of the input,
Databricks may keep what was cached outside of it, and GigaChat does, also of the total. A part larger than its whole
is cut down and named.
"""

from decimal import Decimal
from typing import Any

from store.anomalies import Anomaly
from store.call import CallType, Tokens
from store.dialects.answer import Counted, Told
from store.dialects.counts import Counts, all_sound, name

_DETAILS_IN = ("prompt_tokens_details", "input_tokens_details", "input_token_details", "prompt_token_details")
_DETAILS_OUT = (
    "completion_tokens_details", "output_tokens_details", "output_token_details", "completion_token_details",
)  # fmt: skip
# The same facts beside the details, best first: Together, DeepSeek, Mistral; Databricks and Vercel.
_OUTSIDE = "precached_prompt_tokens"  # GigaChat
_CACHED = ("cached_tokens", "prompt_cache_hit_tokens", "num_cached_tokens", "cache_read_input_tokens", _OUTSIDE)
_WRITTEN = "cache_creation_input_tokens"
_WRITTEN_OF = ("cache_write_tokens", _WRITTEN, "cache_creation_tokens")  # in the details: OpenAI, Qwen, LiteLLM
_REASONING = "reasoning_tokens"  # GitHub Copilot, Perplexity
_CONNECTOR = "connector_tokens"  # what tools put into Mistral's conversations
_UNITS = frozenset((
    "seconds", "prompt_audio_seconds", "num_search_queries", "server_tool_use", "server_tool_use_details",
    "server_side_tool_usage_details", "tool_calls_details", "connectors", "citation_tokens", "rerank_units",
))  # fmt: skip
_BESIDE = frozenset((*_CACHED, _WRITTEN, _REASONING, _CONNECTOR))
_ONE_WAY: frozenset[CallType] = frozenset({"embedding", "rerank", "moderation", "other"})  # nothing is written
_NO_DETAILS: dict[str, Any] = {}


def count_usage(usage: dict[str, Any], type_: CallType) -> Counted:
    """Both generations of names (`prompt_tokens` and `input_tokens`), whichever is there."""
    get = usage.get
    anomalies: list[Anomaly] = []
    details_in, details_out = _first(usage, _DETAILS_IN), _first(usage, _DETAILS_OUT)
    told_in, told_out = isinstance(details_in, dict), isinstance(details_out, dict)
    into = (details_in if told_in else _NO_DETAILS).get
    out = (details_out if told_out else _NO_DETAILS).get
    cached, reasoning = into("cached_tokens"), out("reasoning_tokens")
    written = _first(details_in, _WRITTEN_OF) if told_in else None
    beside = not _BESIDE.isdisjoint(usage)
    if beside:
        cached = _first(usage, _CACHED) if cached is None else cached
        written = get(_WRITTEN) if written is None else written
        reasoning = get(_REASONING) if reasoning is None else reasoning
    prompt, completion = get("prompt_tokens"), get("completion_tokens")
    values: tuple[Any, ...] = (
        get("input_tokens") if prompt is None else prompt,
        get("output_tokens") if completion is None else completion,
        get("total_tokens"),
        cached,
        written,
        into("audio_tokens"),
        into("image_tokens"),
        out("audio_tokens"),
        out("image_tokens"),
        reasoning,
    )
    if not all_sound(values):
        counts = Counts()
        values = tuple(map(counts.of, values))
        if counts.odd:
            anomalies.append("odd_count")
    incoming, outgoing, total, cached, written, audio_in, image_in, audio_out, image_out, reasoning = values
    if told_in:
        cached, written, audio_in, image_in = cached or 0, written or 0, audio_in or 0, image_in or 0
    if told_out:
        audio_out, image_out, reasoning = audio_out or 0, image_out or 0, reasoning or 0

    if beside and incoming is not None:
        if cached and _OUTSIDE in usage:
            incoming += cached
            total = None if total is None else total + cached
        incoming = _with_cached(usage, incoming, outgoing, total, (cached or 0) + (written or 0))
        if (added := Counts().of(get(_CONNECTOR))) and total == incoming + (outgoing or 0) + added:
            incoming += added
        if reasoning and outgoing is not None and not told_out and _is_research(usage, incoming + outgoing):
            outgoing += reasoning
            total = None
    if total is not None and (incoming is None or outgoing is None or total != incoming + outgoing):
        if not audio_in and get("prompt_audio_seconds") and incoming is not None and outgoing is not None:
            audio_in = max(total - incoming - outgoing, 0)  # Voxtral's, of which only the length is told
        incoming, outgoing = _settled(incoming, outgoing, total, reasoning, audio_in, anomalies, type_)
    units = None if _UNITS.isdisjoint(usage) else _units(usage)
    if incoming is None and outgoing is None:
        return Counted(None, tuple(anomalies), units=units)

    plain_in, cached_audio, cached_image = incoming, None, None
    if plain_in is not None:
        if cached is not None and cached > plain_in:
            anomalies.append("cached_over_input")
            cached = plain_in
        if cached is not None and (audio_in or image_in):
            cached, cached_audio, cached_image, audio_in, image_in = _by_modality(
                plain_in,
                cached,
                into("cached_tokens_details", get("cached_tokens_details")),
                audio_in or 0,
                image_in or 0,
            )
            plain_in -= (cached_audio or 0) + (cached_image or 0)
        if cached or written or audio_in or image_in:
            plain_in -= cached or 0
            if written:
                plain_in, written = _apart(plain_in, written, anomalies)
            if audio_in:
                plain_in, audio_in = _apart(plain_in, audio_in, anomalies)
            if image_in:
                plain_in, image_in = _apart(plain_in, image_in, anomalies)
    plain_out = outgoing
    if plain_out is not None:
        if reasoning is not None and reasoning > plain_out:
            anomalies.append("parts_over_total")
            reasoning = plain_out
        if type_ == "image" and not told_out:
            plain_out, image_out = 0, plain_out  # of what was made; only newer models write text as well
        elif audio_out or image_out:
            plain_out, audio_out = _apart(plain_out, audio_out, anomalies)
            plain_out, image_out = _apart(plain_out, image_out, anomalies)
    tokens = Tokens(
        "reported",
        plain_in,
        cached,
        written,
        None,
        audio_in,
        image_in,
        cached_audio,
        plain_out,
        audio_out,
        image_out,
        reasoning,
        cached_image,
    )
    return Counted(tokens, tuple(dict.fromkeys(anomalies)) if anomalies else (), name(get("service_tier")), units)


def _first(usage: dict[str, Any], keys: tuple[str, ...]) -> Any:
    for key in keys:
        if (value := usage.get(key)) is not None:
            return value
    return None


def _with_cached(usage: dict[str, Any], incoming: int, outgoing: int | None, total: int | None, cached: int) -> int:
    """The input with what was cached, where it is told beside the input and is not in it."""
    if not cached or ("cache_read_input_tokens" not in usage and _WRITTEN not in usage):
        return incoming
    if total is None:  # Anthropic has none, and names of its own
        return incoming if "prompt_tokens" in usage else incoming + cached
    return incoming + cached if total == incoming + (outgoing or 0) + cached else incoming


def _is_research(usage: dict[str, Any], both: int) -> bool:
    """Whether this is Perplexity's deep research, which bills its reasoning beside input, output and their total."""
    return ("num_search_queries" in usage or "citation_tokens" in usage) and usage.get("total_tokens") in (None, both)


def _settled(
    incoming: int | None,
    outgoing: int | None,
    total: int,  # not what they make up
    reasoning: int | None,
    audio_in: int | None,
    anomalies: list[Anomaly],
    type_: CallType,
) -> tuple[int | None, int | None]:
    """Input and output such that they make up the total, which is what is charged."""
    if incoming is None or outgoing is None:
        if incoming is not None and total >= incoming:
            return incoming, total - incoming
        if outgoing is not None and total >= outgoing:
            return total - outgoing, outgoing
        if incoming is outgoing and type_ in _ONE_WAY:
            return total, None
        anomalies.append("total_mismatch")
        return incoming, outgoing
    beyond = total - incoming - outgoing
    if beyond < 0:
        anomalies.append("total_mismatch")
        return incoming, outgoing
    if reasoning != beyond and audio_in == beyond:
        return incoming + beyond, outgoing
    return incoming, outgoing + beyond


def _by_modality(
    incoming: int, cached: int, details: Any, audio: int, image: int
) -> tuple[int, int | None, int | None, int, int]:
    """What was read from a cache, and what was not, of text, audio and images.

    Audio and images count what was read of them from a cache. Where nobody tells how much that was, it is what cannot
    be anything else.
    """
    of = Counts().of
    if isinstance(details, dict):
        cached_audio = min(of(details.get("audio_tokens")) or 0, audio, cached)
        images = details.get("image_tokens", details.get("cached_image_tokens"))
        cached_image = min(of(images) or 0, image, cached - cached_audio)
    else:
        must_be = audio + image - (incoming - cached) if audio + image <= incoming else 0
        if must_be <= 0:
            return cached, None, None, audio, image
        cached_image = min(image, must_be)
        cached_audio = must_be - cached_image
    return cached - cached_audio - cached_image, cached_audio, cached_image, audio - cached_audio, image - cached_image


def _apart(whole: int, part: int | None, anomalies: list[Anomaly]) -> tuple[int, int | None]:
    """The part taken out of the whole; a part larger than the whole is cut down and named."""
    if part is None:
        return whole, None
    if part > whole:
        anomalies.append("parts_over_total")
        part = whole
    return whole - part, part


def _units(usage: dict[str, Any]) -> Told | None:
    """What is billed beside tokens, as far as it is told among them."""
    told: Told = {}
    for named in ("seconds", "prompt_audio_seconds"):  # Whisper's usage is a duration; Mistral tells both
        if seconds := seconds_of(usage.get(named)):
            told["seconds"] = seconds
    of = Counts().of
    xai = _object(usage.get("server_side_tool_usage_details"))
    searched = (
        usage.get("num_search_queries"),  # Perplexity
        _object(usage.get("server_tool_use_details")).get("web_search_requests"),  # OpenRouter
        _object(usage.get("server_tool_use")).get("web_search_requests"),
        xai.get("web_search_calls"),
        _object(_object(usage.get("tool_calls_details")).get("search_web")).get("invocation"),  # Perplexity's responses
        _object(usage.get("connectors")).get("web_search"),  # Mistral's conversations
    )
    if searches := next(filter(None, map(of, searched)), None):
        told["web_searches"] = searches
    if searches := of(xai.get("file_search_calls")):
        told["file_searches"] = searches
    if (reranked := of(usage.get("rerank_units"))) is not None:  # Pinecone
        told["search_units"] = reranked
    if cited := of(usage.get("citation_tokens")):  # Perplexity's deep research
        told["citation_tokens"] = cited
    return told or None


def seconds_of(value: Any) -> Decimal | None:
    """A duration, if it is one."""
    if not isinstance(value, (int, float, str, Decimal)):
        return None
    try:
        seconds = Decimal(str(value))
    except ArithmeticError:
        return None
    return seconds if seconds.is_finite() and 0 <= seconds < 10**9 else None


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else _NO_DETAILS
