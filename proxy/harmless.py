"""Text from clients and upstreams, made safe to print.

Model names, error messages and bodies are written by strangers. On a terminal a control sequence could move the
cursor, change the title or hide lines, and a bidirectional override could show a name backwards. Such characters are
shown as escapes (`\\x1b`, `\\u202e`), never sent. Rich's markup is not parsed anywhere: text is passed as `Text`.
"""

import re

# C0 and C1 controls, DEL, invisible formatting (soft hyphen, bidi marks, overrides and isolates, zero-width spaces,
# byte order mark, tags), line and paragraph separators, lone surrogates. The zero-width (non-)joiner stays: scripts
# and emoji need it.
_FORMATTING = (
    "\x7f-\x9f\xad\u0600-\u0605\u061c\u06dd\u070f\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e007f"
)
_DANGEROUS = re.compile(f"[\x00-\x1f{_FORMATTING}]")
_DANGEROUS_IN_LINES = re.compile(f"[\x00-\x08\x0b-\x1f{_FORMATTING}]")
_DANGEROUS_IN_JSON = re.compile(f"[{_FORMATTING}]")
_BEYOND_ASCII = re.compile("[^\x00-\x7f]")


def harmless(text: str, *, lines: bool = False) -> str:
    """The text with every dangerous character written as an escape; `lines` keeps line ends and tabs."""
    if lines:
        return _DANGEROUS_IN_LINES.sub(_escape, text.replace("\r\n", "\n"))
    return _DANGEROUS.sub(_escape, text)


def harmless_json(document: str) -> str:
    """The same JSON document, with what could harm a terminal as \\u escapes: it reads back equal."""
    return _DANGEROUS_IN_JSON.sub(_json_escape, document)


def ascii_json(document: str) -> str:
    """The same JSON document for whoever reads nothing but ASCII."""
    return _BEYOND_ASCII.sub(_json_escape, document)


def _escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    if match[0] in _NAMED:
        return _NAMED[match[0]]
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _json_escape(match: re.Match[str]) -> str:
    units = match[0].encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at : at + 2].hex()}" for at in range(0, len(units), 2))


_NAMED = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
