"""Which models a request asks for, where that decides whether it is let through.

It must be what the upstream will understand: where two readers may find different models (a name given twice, a
preamble before the first part, an odd path), nothing counts as found. Nothing is decoded for keys without such a list.
"""

import json
import re
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import unquote

import msgspec

LARGEST = 32 * 1024 * 1024
"""Bytes of a body that are held to find its model; model APIs take no larger ones, but for files."""

_LONGEST = 256
_LONGEST_SHOWN = 100
_NAME = re.compile(r"[A-Za-z0-9._@+-]+")
_METHOD = re.compile(r"/(?:models|tunedModels)/([^/]+):[A-Za-z]+$")  # gemini and vertex
_DEPLOYMENT = re.compile(r"/(?:deployments|engines)/([^/]+)(?=/)")  # azure, and what follows it
_INVOCATION = re.compile(
    r"/model/([^/]+)/(?:converse|converse-stream|invoke|invoke-with-response-stream|count-tokens)$"
)  # bedrock
_RUN = re.compile(  # cloudflare, hugging face, deepinfra
    r"/(?:ai/run|workers-ai|hf-inference/models|v1/inference)/(.+?)(?:/pipeline/[^/]+|/v1/chat/completions)?$"
)
_PREDICTION = re.compile(r"/models/([^/]+/[^/]+)/predictions$")  # replicate
# Where the model stands in a header, in the query, within a session or an agent, or under another name, whatever
# `model` a body has beside it.
_ELSEWHERE = re.compile(
    r"/(?:ai/[a-z]+-model|async-invoke|listen|speak|v2/transcript|speech-to-text|text-to-(?:speech|dialogue|voice)(?:/.+)?"
    r"|sound-generation|music(?:/.+)?|(?:speech-to-speech|voice-changer)/.+|agents/sessions|live/sessions(?:/.+)?"
    r"|realtime/(?:calls|(?:translations/)?client_secrets)|fal-ai/.+|inference/deployments/[^/]+/(?:v2/)?completion)/?$"
)
_OWNED = re.compile(r"@?[A-Za-z0-9][A-Za-z0-9._+-]*(?:/[A-Za-z0-9][A-Za-z0-9._+-]*)*")  # with its owner before it
_ID = re.compile(r"[A-Za-z0-9._:+-]+|arn:[A-Za-z0-9._:/+-]+")
_ARN_OF_A_MODEL = re.compile(r"^arn:[^:/]+:bedrock:[^:/]*:[^:/]*:(?:foundation-model|inference-profile)/")
_AS_A_NAME = re.compile(rb'"models?"', re.IGNORECASE)
_DISPOSITION = re.compile(rb'content-disposition: *form-data; *name="([^"\\]*)"(; *filename="[^"]*")?', re.IGNORECASE)


class _Body(msgspec.Struct):
    model: str | None = None
    models: list[str] | None = None


_read_body = msgspec.json.Decoder(_Body).decode


class _Style(NamedTuple):
    """One way in which a path names a model."""

    place: re.Pattern[str]
    name: re.Pattern[str]
    before: tuple[str, ...]  # what stands before the name, once, decoded and in small letters
    signs: tuple[str, ...]  # where one of them stands, a name may be meant


_METHODS = _Style(_METHOD, _NAME, ("models/",), ("models", ":"))
_INVOKED = _Style(_INVOCATION, _ID, ("/model/",), ("/model",))
_DEPLOYED = _Style(_DEPLOYMENT, _NAME, ("deployments/", "engines/"), ("deployments", "engines"))
_RUNNING = _Style(
    _RUN,
    _OWNED,
    ("ai/run/", "workers-ai/", "hf-inference/models/", "v1/inference/"),
    ("ai/run", "workers-ai", "hf-inference", "v1/inference"),
)
_PREDICTED = _Style(_PREDICTION, _OWNED, ("models/",), ("predictions",))
_STYLES = {
    "gemini": (_METHODS,),
    "vertex": (_METHODS,),
    "bedrock": (_INVOKED,),
    # Whatever is behind it: a name of any style is one.
    "generic": (
        _METHODS._replace(signs=(":",)),
        _INVOKED._replace(signs=("/model/",)),
        _DEPLOYED,
        _RUNNING,
        _PREDICTED,
    ),
}


def in_path(dialect: str, path: str) -> tuple[str, ...] | None:
    """The models that the path names; None when they stand in the body. Of a path that is not clear, none.

    None of those either that name their models in neither: such calls are not for keys with a list.
    """
    styles = _STYLES.get(dialect, (_DEPLOYED, _RUNNING, _PREDICTED))
    # An upstream may decode a path, and take great letters for small ones: it may see a name where we see none.
    plain = unquote(path).lower()
    if _ELSEWHERE.search(plain) is not None or (dialect == "bedrock" and plain.startswith("/agents/")):
        return ()  # an agent of Bedrock's has the model it was made with, or names it as its own
    found = [(style, name) for style in styles for name in style.place.findall(path)]
    if not found:
        return () if "%" in plain or any(sign in plain for style in styles for sign in style.signs) else None
    style, name = found[0][0], _of_arn(unquote(found[0][1]))
    once = len(found) == 1 and sum(plain.count(word) for word in style.before) == 1
    return (name,) if once and style.name.fullmatch(name) else ()


def _of_arn(name: str) -> str:
    """The model that an ARN is of where its kind says so; else all of it, for then the last part may be anything."""
    return _ARN_OF_A_MODEL.sub("", name)


def of_session(path: str, query: str) -> tuple[str, ...]:
    """The model of a session over a websocket: the one its address names, where it is an address that decides.

    Elsewhere the messages do, which come when it is too late to refuse: Gemini's first one, and each request of a
    responses session. So there none counts as found.
    """
    if not path.rstrip("/").endswith("/realtime"):
        return ()
    named = [(unquote(name), unquote(value)) for name, _, value in (pair.partition("=") for pair in query.split("&"))]
    found = [(name, value) for name, value in named if name.strip().lower() in ("model", "deployment", "call_id")]
    if len(found) != 1 or found[0][0] not in ("model", "deployment") or ";" in query:
        return ()
    return (found[0][1],) if _NAME.fullmatch(found[0][1]) else ()


def in_body(content_type: str | None, body: bytes) -> tuple[str, ...]:
    """The models that a whole, uncompressed body names; empty when that is not certain."""
    kind = (content_type or "").partition(";")[0].strip().lower()
    if kind == "multipart/form-data":
        return _in_parts(content_type or "", body)
    return () if kind == "application/x-www-form-urlencoded" else _in_json(body)


def _in_json(body: bytes) -> tuple[str, ...]:
    try:
        # Written once and without escapes, a name cannot come twice; else every name at the top is looked at.
        if (len(_AS_A_NAME.findall(body)) != 1 or b"\\u00" in body) and not _once_at_the_top(body):
            return ()
        read = _read_body(body)
    except (msgspec.DecodeError, ValueError, RecursionError):
        return ()
    names = [*([read.model] if read.model else []), *(read.models or [])]  # openrouter: `models` are tried in turn
    return tuple(name.removeprefix("models/") for name in names)


def _once_at_the_top(body: bytes) -> bool:
    pairs = json.loads(body, object_pairs_hook=tuple)
    if not isinstance(pairs, tuple):
        return False
    names = [name for name, _ in pairs if name.casefold() in ("model", "models")]  # some readers take any case
    return len(set(names)) == len(names) and all(name in ("model", "models") for name in names)


def _in_parts(content_type: str, body: bytes) -> tuple[str, ...]:
    boundaries = re.findall(r'boundary="?([^";,\s]+)"?', content_type, re.IGNORECASE)
    if len(boundaries) != 1 or content_type.lower().count("boundary") != 1:
        return ()
    mark = b"--" + boundaries[0].encode("utf-8", "surrogateescape")
    first, *parts = (b"\r\n" + body).split(b"\r\n" + mark)
    if first or len(parts) != body.count(mark):
        return ()
    models: list[bytes] = []
    for part in parts:
        if part.startswith(b"--"):
            break  # the end
        head, empty_line, content = part.partition(b"\r\n\r\n")
        disposition = [line for line in head.split(b"\r\n") if line.lower().startswith(b"content-disposition")]
        found = _DISPOSITION.fullmatch(disposition[0]) if len(disposition) == 1 else None
        if found is None or not empty_line:
            if b"model" in head.lower():
                return ()
        elif found[1].lower() in (b"model", b"models", b"model[]"):
            if found[1] != b"model" or found[2] is not None:
                return ()
            models.append(content)
    return (models[0].decode("utf-8", "replace"),) if len(models) == 1 and models[0] else ()


def allowed(patterns: tuple[str, ...], models: tuple[str, ...]) -> bool:
    """Whether each model, and there is one, is in the list of a key."""
    return bool(models) and all(len(name) <= _LONGEST and _any_of(patterns).fullmatch(name) for name in models)


@lru_cache(maxsize=1024)
def _any_of(patterns: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(map(_expression, patterns)), re.DOTALL)


def _expression(pattern: str) -> str:
    """What stands between two stars is found at its first place, for good: no other place can help what follows.

    Tried at every place, a name made for it would hold the loop for minutes.
    """
    first, *rest = map(re.escape, pattern.split("*"))
    if not rest:
        return first
    *between, last = rest
    return first + "".join(f"(?>.*?{one})" for one in between) + ".*" + last


def shown(model: str) -> str:
    """The name as it may stand in a message and on a row: not longer than a line, nothing unprintable."""
    cut = model if len(model) <= _LONGEST_SHOWN else model[:_LONGEST_SHOWN] + "..."
    return "".join(letter if letter.isprintable() else "?" for letter in cut)
