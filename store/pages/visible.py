"""Text of strangers as a page may show it: what would be invisible, or would turn other text around, shown as a sign.

Escaping for HTML is the template's; this is about characters that a browser draws as nothing, or obeys: controls
(an ANSI sequence begins with one), direction overrides, and halves of characters that no encoding can carry.
"""

import re
from typing import Final

# C0 but tab and line feed, DEL, C1, direction marks, overrides and isolates, separators, surrogates, tags.
_UNSEEN: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e007f]"
)
_PICTURES: Final = 0x2400  # symbols for C0


def visible(text: object, most: int | None = None) -> str:
    """The text with a sign in the place of each such character; tabs and line ends stay. `most`: cut after so many."""
    shown = text if isinstance(text, str) else str(text)
    if most is not None and len(shown) > most:
        shown = shown[: most - 1] + "\N{HORIZONTAL ELLIPSIS}"
    return shown if shown.isprintable() else _UNSEEN.sub(_sign, shown.replace("\r\n", "\n"))


def _sign(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code < 0x20:
        return chr(_PICTURES + code)
    if code == 0x7F:
        return "\N{SYMBOL FOR DELETE}"
    if 0xD800 <= code <= 0xDFFF:
        return "\N{REPLACEMENT CHARACTER}"
    return f"\N{MATHEMATICAL LEFT ANGLE BRACKET}U+{code:04X}\N{MATHEMATICAL RIGHT ANGLE BRACKET}"
