"""Finds the credential a client presents, wherever the clients of the dialects put one.

A key that was issued here must stand alone and in its place, so that taking it out again leaves none behind for the
upstream.
"""

import base64
import binascii
from collections.abc import Iterator
from urllib.parse import unquote

import msgspec

from proxy.headers import CREDENTIALS, SUBPROTOCOL, Head
from proxy.keys.secret import ANYWHERE, PREFIX, claims_to_be_ours
from proxy.target import holds_issued_key, query_value, without_parameters

_IN_HEADERS = ("x-api-key", "api-key", "x-goog-api-key", "ocp-apim-subscription-key", "xi-api-key")
_OWN_SCHEMES = ("Token", "Key")  # instead of Bearer: Deepgram and Replicate; fal
IN_QUERY = ("key", "api_key")
IN_SUBPROTOCOL = ("openai-insecure-api-key.", "xai-client-secret.")
"""What a browser puts before the key among the subprotocols of a websocket: it cannot set other headers."""

NEVER_WITH_ISSUED = CREDENTIALS | {SUBPROTOCOL}
"""The headers an upstream does not get from the holder of an issued key."""


class Issued(msgspec.Struct, frozen=True):
    """A key that was issued here, or claims to be, as it was presented."""

    secret: str
    header: str | None  # None: in the query
    rest: str  # the target without it
    scheme: str = "Bearer"  # what its clients write before it in Authorization


class Misplaced(msgspec.Struct, frozen=True):
    """A key that was issued here stands where it must not: beside another credential, or where none belongs."""

    where: str


def presented(head: Head, rest: str) -> str | None:
    """The credential of this request, wherever the dialects' clients put one; None when there is none."""
    authorization = head.first("authorization")
    if authorization:
        return _of_authorization(authorization)
    for name in _IN_HEADERS:
        found = head.first(name)
        if found:
            return found
    if in_subprotocols := _in_subprotocols(head):
        return in_subprotocols[0]
    return query_value(rest, "key") or query_value(rest, "api_key") if "?" in rest else None


def every(head: Head, rest: str) -> list[str]:
    """All credentials of this request, also where there should be one: none of them may be kept."""
    found = []
    for value in head.every("authorization"):
        found.append(_of_authorization(value))
        if value[:6].lower() == "basic ":
            found += _user_and_password(value)
    for name in _IN_HEADERS:
        found += head.every(name)
    found += _in_subprotocols(head)
    if "?" in rest and "key=" in (unquote(rest) if "%" in rest else rest):
        found += [named for name in IN_QUERY if (named := query_value(rest, name))]
    return found


def issued(head: Head, rest: str) -> Issued | Misplaced | None:
    """The key of this request that was issued here; None when there is no sign of one."""
    if not head.marked and not _is_basic(head) and PREFIX not in rest and "%" not in rest:
        return None
    found = [(where, credential) for where, credential in _places(head, rest) if credential]
    ours = [(where, credential) for where, credential in found if claims_to_be_ours(credential)]
    strays = head.with_issued_key()
    if not ours:
        if strays:
            return Misplaced(f"the header {strays[0]}")
        return Misplaced("the path") if holds_issued_key(rest) else None
    header, secret = ours[0]
    if any(credential != secret for _, credential in found):
        return Misplaced("one place, and another credential in a second")
    for name in strays:
        if name not in NEVER_WITH_ISSUED:
            return Misplaced(f"the header {name}")
    rest = without_parameters(rest, IN_QUERY) if "?" in rest else rest
    return Misplaced("the path") if holds_issued_key(rest) else Issued(secret, header, rest, _scheme(head, header))


def _scheme(head: Head, header: str | None) -> str:
    written = (head.first("authorization") or "").partition(" ")[0].lower() if header == "authorization" else ""
    return next((scheme for scheme in _OWN_SCHEMES if scheme.lower() == written), "Bearer")


def _places(head: Head, rest: str) -> Iterator[tuple[str | None, str]]:
    """Every place where a client may put a key, and what is there; the query is None."""
    authorization = head.first("authorization")
    if authorization:
        if _is_basic(head):
            yield "authorization", _of_basic(authorization)
        else:
            yield "authorization", _of_authorization(authorization)
    for name in _IN_HEADERS:
        yield name, head.first(name) or ""
    for key in _in_subprotocols(head):
        yield SUBPROTOCOL, key
    if "?" in rest:
        for name in IN_QUERY:
            yield None, query_value(rest, name) or ""


def _in_subprotocols(head: Head) -> list[str]:
    words = [word.strip() for value in head.every(SUBPROTOCOL) for word in value.split(",")]
    return [word[len(mark) :] for word in words for mark in IN_SUBPROTOCOL if word.startswith(mark) and word != mark]


def _of_authorization(value: str) -> str:
    scheme, space, credential = value.partition(" ")
    return credential.strip() if space and scheme.lower() in ("bearer", "basic", "token", "key") else value


def _is_basic(head: Head) -> bool:
    return (head.first("authorization") or "")[:6].lower() == "basic "


def _of_basic(value: str) -> str:
    """The user or password that claims to be an issued key; else what stands there."""
    return next(filter(claims_to_be_ours, _user_and_password(value)), value[6:].strip())


def _user_and_password(value: str) -> list[str]:
    """Both, and before them every issued key that stands in them; an upstream may read more than the standard says."""
    encoded = value[6:].strip().replace("-", "+").replace("_", "/")  # as in addresses,
    try:
        plain = base64.b64decode(f"{encoded}==").decode("utf-8", "surrogateescape")  # and without its padding
    except (binascii.Error, ValueError):
        return []
    return [*ANYWHERE.findall(plain), *plain.split(":", 1)]


def duplicated(head: Head) -> str | None:
    """The credential header that came twice, if one did: two of them may be read as either."""
    for name in CREDENTIALS:
        if head.times(name) > 1:
            return name
    return None


def own_header(
    dialect: str, secret: str, path: str, presented_in: str | None = None, scheme: str = "Bearer"
) -> tuple[str, str]:
    """Where an upstream of this dialect expects its key.

    `presented_in` is the header of the issued key it replaces, and `scheme` what stood before that.
    """
    if presented_in in ("api-key", "ocp-apim-subscription-key", "xi-api-key"):  # azure, elevenlabs
        return presented_in, secret
    if dialect == "azure":  # wherever its clients put theirs: a Bearer is for tokens of Entra
        return "api-key", secret
    if dialect == "anthropic":
        return "x-api-key", secret
    if dialect == "gemini" and "/openai/" not in path:
        return "x-goog-api-key", secret
    return "Authorization", f"{scheme} {secret}"
