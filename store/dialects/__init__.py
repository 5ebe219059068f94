"""Wire formats: the bytes of one exchange in, a `Reading` out.

Pure and total: knows nothing of sockets, files or databases, guesses nothing but what it marks as estimated, and
never raises on what a peer sent. A dialect module holds only what is peculiar to its vendor.
"""

from collections.abc import Callable, Iterable
from urllib.parse import parse_qs

import msgspec

from proxy.config.spoken import dialect_of
from proxy.journal.notes import Close, Headers
from store.call import NO_UNITS, CallType, Reading
from store.dialects.agents import ANTHROPIC_SESSION, BEDROCK_AGENT
from store.dialects.ai_sdk import AI_SDK
from store.dialects.anthropic import ANTHROPIC
from store.dialects.bedrock import BEDROCK, invoked, type_behind
from store.dialects.call_types import call_type
from store.dialects.cohere import COHERE
from store.dialects.dialect import Dialect
from store.dialects.document import Document
from store.dialects.enveloped import ENVELOPED
from store.dialects.estimate import Counting
from store.dialects.flat import FLAT
from store.dialects.frames import unframed
from store.dialects.gemini import GEMINI
from store.dialects.generic import GENERIC
from store.dialects.ollama import OLLAMA, type_kept
from store.dialects.openai import OPENAI
from store.dialects.reading import read_exchange
from store.dialects.realtime import Line, read_told, session_type
from store.dialects.recognised import LEFT_TO_THE_BODY, format_in
from store.dialects.reka import REKA
from store.dialects.request_id import upstream_request_id
from store.dialects.sound import SOUND
from store.dialects.vertex import VERTEX
from store.dialects.video import VIDEO

__all__ = ["Document", "Line", "dialect_of", "read", "read_session", "session_type", "upstream_request_id"]

# What `dialect_of` and `format_in` may answer.
_DIALECTS = {
    "openai": OPENAI,
    "anthropic": ANTHROPIC,
    "gemini": GEMINI,
    "vertex": VERTEX,
    "bedrock": BEDROCK,
    "cohere": COHERE,
    "ollama": OLLAMA,
    "flat": FLAT,
    "enveloped": ENVELOPED,
    "video": VIDEO,
    "sound": SOUND,
    "ai_sdk": AI_SDK,
    "reka": REKA,
    "bedrock_agent": BEDROCK_AGENT,
    "anthropic_session": ANTHROPIC_SESSION,
}
_INVOKED = {name: invoked(native) for name, native in _DIALECTS.items()}

_TYPED: dict[str, Callable[[str, Headers, Document], CallType | None]] = {"bedrock": type_behind, "ollama": type_kept}
"""Where the path alone does not tell what a call is."""

_INVOCATIONS = ("/invoke", "/invoke-with-response-stream")


def read(
    dialect: str,
    method: str,
    target: str,
    request_headers: Headers,
    request: Document,
    status: int | None,
    response_headers: Headers,
    response: Document,
    counting: Counting | None = None,
) -> Reading:
    """What one exchange tells. A body that cannot be understood leaves what is known without it."""
    path, _, query = target.partition("?")
    try:
        response, framing = unframed(response)
        name = dialect_of(dialect, path)
        model = _model_in(query) if query else None
        typed = _TYPED.get(name)
        type_ = typed(path, response_headers, response) if typed is not None else None
        if framing and _DIALECTS[name].adds_up:
            response = msgspec.structs.replace(response, cut=True)  # a part of the sum is missing
        reading = read_exchange(
            _spoken(name, path, status, response), method, path, model, request_headers, request,
            status, response_headers, response, counting, type_,
        )  # fmt: skip
        if not _tells_tokens(reading) and name not in LEFT_TO_THE_BODY and status is not None and status < 400:
            # A configuration, or a path, may be wrong about who answers; what the answer is made of is not.
            found = format_in(response)
            if found is not None and found != name:
                other = read_exchange(
                    _DIALECTS[found], method, path, model, request_headers, request,
                    status, response_headers, response, counting, type_,
                )  # fmt: skip
                if _tells_tokens(other) or (other.units != NO_UNITS and reading.units == NO_UNITS):
                    reading = other
        return msgspec.structs.replace(reading, anomalies=(*reading.anomalies, *framing)) if framing else reading
    except Exception:
        # One body we did not foresee must not keep a call out of the book, nor a batch from being written.
        return Reading(type=call_type(method, path), anomalies=("unreadable",))


def read_session(
    target: str,
    request_headers: Headers,
    told: Iterable[Line],
    *,
    close: Close | None,
    broken: bool,
    missing: bool,
) -> Reading:
    """What a session over a websocket tells, by what was told on its way (`store/dialects/realtime.py`)."""
    path, _, query = target.partition("?")
    try:
        # Azure's older realtime; AssemblyAI's; ElevenLabs'.
        names = ("model", "deployment", "speech_model", "model_id")
        model = next(filter(None, (_named_in(query, parameter) for parameter in names)), None)
        return read_told(path, model, request_headers, told, close=close, broken=broken, missing=missing)
    except Exception:
        return Reading(type=session_type(path), stream=True, anomalies=("unreadable",))


def _spoken(name: str, path: str, status: int | None, response: Document) -> Dialect:
    """The dialect of an answer in this format, which may leave it to the body to say more."""
    failed = status is not None and status >= 400
    if name == "bedrock" and path.rstrip("/").endswith(_INVOCATIONS) and not failed:
        return _INVOKED[format_in(response) or name]
    if name == "generic" and not failed:
        return _DIALECTS.get(format_in(response) or name, GENERIC)
    return _DIALECTS.get(name, GENERIC)


def _tells_tokens(reading: Reading) -> bool:
    return reading.tokens is not None and reading.tokens.source == "reported"


def _model_in(query: str) -> str | None:
    return _named_in(query, "model")


def _named_in(query: str, parameter: str) -> str | None:
    if f"{parameter}=" not in query:
        return None
    named = parse_qs(query, max_num_fields=100).get(parameter)
    return named[0][:256] if named else None
