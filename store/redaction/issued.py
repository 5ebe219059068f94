"""Keys that were issued here, wherever they stand: known by their prefix and checksum."""

import re

from proxy.keys import secret

MARK = b"[redacted issued key]"

NEEDLE = secret.PREFIX.encode()
_ANYWHERE = re.compile(secret.ANYWHERE.pattern.encode())
_LENGTH = 51
_BEGUN = re.compile(rb"tb-[0-9A-Za-z]{6,48}\Z")
# Nobody can check the end of one, but a word looks otherwise.
_ENDED = re.compile(
    rb"\A(?:b?-)?(?=[0-9A-Za-z]*[0-9])(?=[0-9A-Za-z]*[A-Z])(?=[0-9A-Za-z]*[a-z])[0-9A-Za-z]{16,49}(?![0-9A-Za-z])"
)


def replaced(data: bytes, found: list[bytes]) -> bytes:
    """The bytes without them; which they were is added to `found`."""
    if data.rfind(NEEDLE) < 0:
        return data

    def mark(match: re.Match[bytes]) -> bytes:
        if not secret.well_formed(match[0].decode()):
            return match[0]
        found.append(match[0])
        return MARK

    return _ANYWHERE.sub(mark, data)


def without_halves(head: bytes, tail: bytes) -> tuple[bytes, bytes]:
    """The bytes before and after a gap, without what may be left over of one."""
    begun = _BEGUN.search(head[-_LENGTH:])
    if begun is not None:
        head = head[: len(head) - len(begun[0])] + MARK
    return head, _ENDED.sub(MARK, tail)
