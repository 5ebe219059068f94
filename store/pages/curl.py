"""One call again, as a command for a shell: method, address, the headers that matter, the body; never the credential.

The words of strangers stand in it, so everything is quoted, and control characters, which a terminal would obey while
the command is pasted, are written as escapes (`$'\\x1b'`, understood by bash, zsh and ksh).
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from proxy.config.model import Address
from proxy.journal.notes import Headers
from store.dialects.document import Document

_LONGEST_ARGUMENT: Final = 100_000  # bytes; Linux allows 131072 for one
_PLAIN: Final = re.compile(r"[A-Za-z0-9_@%+=:,./-]+")
_CONTROL: Final = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]|'|\\"
)
_CREDENTIALS: Final = {
    "anthropic": '"x-api-key: $ANTHROPIC_API_KEY"',
    "gemini": '"x-goog-api-key: $GEMINI_API_KEY"',
    "azure": '"api-key: $AZURE_OPENAI_API_KEY"',
}
_BEARER: Final = '"Authorization: Bearer $API_KEY"'
_REDACTED: Final = re.compile(r"(?<=[?&;])[^=&;?]*=REDACTED(?:[&;]|$)")
# Headers that change what is answered or how the call is labelled; the others a client of its own sends by itself.
_SENT_AGAIN: Final = frozenset({
    "content-type", "accept", "baggage", "x-title", "helicone-user-id", "helicone-session-id", "x-portkey-metadata",
    "cf-aig-metadata", "x-goog-user-project",
})  # fmt: skip
_OPENING: Final = (
    "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
)  # fmt: skip
_SENT_AGAIN_PREFIXES: Final = ("anthropic-", "openai-", "x-tollbook-", "helicone-property-")


@dataclass(frozen=True, slots=True)
class Again:
    """The command; `body_file` is the name it reads the body from, `missing` says what it lacks to be the same call."""

    command: str
    body_file: str | None = None
    missing: str | None = None


def again(
    call_id: str, upstream: str | None, dialect: str, method: str, target: str,
    headers: Headers, body: Document | None, body_bytes: int, listen: Address, *, credential: bool, streamed: bool,
) -> Again:  # fmt: skip
    """The command that makes this call again, through the proxy that listens there; `credential`: it presented one."""
    path = _REDACTED.sub("", target).rstrip("?&;")
    url = f"http://{reachable(listen)}{f'/{upstream}' if upstream else ''}{path}"
    lines = [" ".join(("curl", *_options(method, url, streamed=streamed), quoted(url)))]
    if credential:
        lines.append(f"-H {_CREDENTIALS.get(dialect, _BEARER)}")
    kept = [(name, value) for name, value in headers if _matters(name)]
    lines += [f"-H {quoted(f'{name}: {value}')}" for name, value in kept]
    if any(name == "upgrade" for name, _ in headers):
        lines += [f"-H {quoted(header)}" for header in _OPENING]
        return Again(" \\\n  ".join(lines), missing="it opens the session, and sends none of its messages")
    if body_bytes and not any(name == "content-type" for name, _ in kept):
        lines.append("-H 'Content-Type:'")  # none was sent, and curl would send its own
    given, body_file, missing = _body(call_id, body, had_one=body_bytes > 0 or announced(headers))
    return Again(" \\\n  ".join([*lines, *given]), body_file, missing)


def announced(headers: Headers) -> bool:
    """Whether these headers of a request say that a body follows."""
    return any(name == "transfer-encoding" or (name == "content-length" and value != "0") for name, value in headers)


def quoted(text: str) -> str:
    """One word of a shell's command line that means this text, and shows every character of it."""
    if _PLAIN.fullmatch(text):
        return text
    if not any(match[0] not in "'\\" for match in _CONTROL.finditer(text)):
        return "'" + text.replace("'", "'\\''") + "'"
    return "$'" + _CONTROL.sub(_escaped, text) + "'"


def _escaped(match: re.Match[str]) -> str:
    if match[0] in "'\\":
        return "\\" + match[0]
    return "".join(f"\\x{byte:02x}" for byte in match[0].encode("utf-8", "replace"))


def _options(method: str, url: str, *, streamed: bool) -> Iterable[str]:
    if method == "HEAD":
        yield "--head"
    elif method != "GET":
        yield f"-X {quoted(method)}"
    if streamed:
        yield "-N"  # show each piece as it comes
    if any(char in url for char in "[]{}"):
        yield "-g"  # they are no patterns


def _body(call_id: str, body: Document | None, *, had_one: bool) -> tuple[list[str], str | None, str | None]:
    if body is None:
        return [], None, "its request body is not kept" if had_one else None
    if body.cut:
        return [], None, "its request body is not kept whole"
    file = f"tollbook-{call_id}-request"
    try:
        text = body.head.decode()
    except UnicodeDecodeError:
        return [f"--data-binary @{file}"], file, None
    if len(body.head) > _LONGEST_ARGUMENT or "\0" in text:
        return [f"--data-binary @{file}"], file, None
    # A leading @ would name a file; the newer option takes it as it stands.
    option = "--data-raw" if text.startswith("@") else "--data-binary"
    return [f"{option} {quoted(text)}"] if text else [], None, None


def _matters(name: str) -> bool:
    return name in _SENT_AGAIN or name.startswith(_SENT_AGAIN_PREFIXES)


def reachable(listen: Address) -> Address:
    """Where a client on this machine finds a listener of all addresses."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(listen.host, listen.host)  # noqa: S104
    return Address(host, listen.port)
