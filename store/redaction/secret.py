"""A secret that is known in full, and how it may be written: as it is, or with some of its signs escaped."""

import re

import msgspec

SHORTEST = 12
"""What is shorter is a word (`ollama`), and striking it out would hide nothing."""

_RUN = re.compile(rb"[0-9A-Za-z]+")
_SHORTEST_PIECE = 8


class KnownSecret(msgspec.Struct, frozen=True):
    """A secret, and what stands in its place."""

    value: bytes
    mark: bytes
    needle: bytes  # its longest run of letters and digits, which nobody escapes: found first, because that is cheap
    pattern: re.Pattern[bytes]

    def replaced(self, data: bytes) -> bytes:
        """The bytes without it."""
        return data if data.rfind(self.needle) < 0 else self.pattern.sub(self.mark, data)

    def without_halves(self, head: bytes, tail: bytes) -> tuple[bytes, bytes]:
        """The bytes before and after a gap, without a part of it that the gap left over."""
        for size in range(min(len(self.value) - 1, len(head)), _SHORTEST_PIECE - 1, -1):
            if head.endswith(self.value[:size]):
                head = head[:-size] + self.mark
                break
        for size in range(min(len(self.value) - 1, len(tail)), _SHORTEST_PIECE - 1, -1):
            if tail.startswith(self.value[-size:]):
                tail = self.mark + tail[size:]
                break
        return head, tail


def known(value: bytes, mark: bytes) -> KnownSecret:
    """This secret, to be looked for."""
    longest = max(_RUN.findall(value), key=len, default=b"")
    needle = longest if len(longest) >= 4 else value
    return KnownSecret(value, mark, needle, re.compile(b"".join(map(_written, value)), re.DOTALL))


def _written(sign: int) -> bytes:
    """A sign, or its escape: of an address, or of JSON, or of JSON within strings of JSON."""
    plain = bytes((sign,))
    if plain.isalnum():
        return plain
    code = b"".join(b"[%c%c]" % (one, one ^ 0x20) if one > 0x40 else b"%c" % one for one in b"%02X" % sign)
    return b"(?:" + re.escape(plain) + rb"|\\+" + re.escape(plain) + rb"|\\+u00" + code + b"|%" + code + b")"
