"""What is said at the counter, a JSON document a line: first an errand, then how far it is, then how it ended."""

import msgspec

from store.errands.pruning import Prune
from store.repricing.asked import Asked

FILE = "errands.sock"
LONGEST = 4 * 1024 * 1024
"""Bytes of a line: thousands of [[prices]] fit into it."""

Errand = Asked | Prune
"""Each errand is a type of its own, told apart by `errand`."""


class Progressed(msgspec.Struct, frozen=True, tag="progressed", tag_field="told"):
    """So many were looked at, and of these so many change."""

    done: int
    changed: int


class Done(msgspec.Struct, frozen=True, tag="done", tag_field="told"):
    """The errand is done; what came of it, as the errand says."""

    result: msgspec.Raw


class Refused(msgspec.Struct, frozen=True, tag="refused", tag_field="told"):
    """It is not done, or not to its end, and why."""

    message: str


Told = Progressed | Done | Refused

_encode = msgspec.json.Encoder().encode
read_errand = msgspec.json.Decoder(Errand).decode
read_told = msgspec.json.Decoder(Told).decode


def line(said: Errand | Told) -> bytes:
    """As it goes over the socket."""
    return _encode(said) + b"\n"
