"""What was told and what is still to be told: a small file, `webhook.json` in the data directory, replaced whole.

No part of the book, whose writer is another thread. A file that is lost or damaged is begun anew; what is then told
twice has the id it had before.
"""

import logging
import os
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from store.webhook.message import Message

FILE = "webhook.json"
_VERSION = 1
_KEPT_US = 86_400_000_000  # a period that is over may be looked at a little longer, where the book is stuck

log = logging.getLogger("tollbook.store")


class _File(msgspec.Struct, frozen=True):
    version: int
    told: dict[str, int | None]
    pending: tuple[Message, ...]


_decode = msgspec.json.Decoder(_File).decode


@dataclass(slots=True)
class Memory:
    """Changed by the loop; `write` is given a copy of it as bytes, and may be in a thread."""

    told: dict[str, int | None] = field(default_factory=dict)
    """By the id of a message, taken or still pending: when its period ends, in microseconds; None for a total."""
    pending: dict[str, Message] = field(default_factory=dict)

    def forget_ended(self, now_us: int) -> None:
        """A period that has long been over is not looked at any more, so it need not be known what was told of it."""
        for one in [one for one, until in self.told.items() if long_over(until, now_us)]:
            del self.told[one]

    def as_bytes(self) -> bytes:
        """As it is now."""
        return msgspec.json.encode(_File(_VERSION, self.told, tuple(self.pending.values())))


def long_over(until_us: int | None, now_us: int) -> bool:
    """Whether a period that ended then is out of memory."""
    return until_us is not None and until_us + _KEPT_US <= now_us


def read(data_dir: Path) -> Memory:
    """What is remembered; nothing, where that cannot be read."""
    path = data_dir / FILE
    try:
        found = _decode(path.read_bytes())
    except FileNotFoundError:
        return Memory()
    except (OSError, ValueError) as error:  # also what msgspec raises
        log.warning("%s cannot be read (%s); what it says was told is told again", path, error)
        return Memory()
    if found.version != _VERSION:
        log.warning("%s was written by another version; what it says was told is told again", path)
        return Memory()
    return Memory(dict(found.told), {one.id: one for one in found.pending})


def write(data_dir: Path, data: bytes) -> None:
    """Replace the file; after a power cut it holds the one or the other.

    Raises:
        OSError: it says what it said before.
    """
    beside = data_dir / f".{FILE}"
    fd = os.open(beside, os.O_CREAT | os.O_WRONLY | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    with open(fd, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(fd)
    beside.replace(data_dir / FILE)
