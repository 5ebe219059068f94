"""Reading the few members we care about out of a JSON body, however damaged.

The fast way is one typed decode that skips everything else. Where that fails (a member of another type than
expected, broken syntax, a cut) the members are found one by one, and each that can be understood counts.
"""

from typing import Any, Generic, TypeVar

import msgspec

from store.dialects import cut_json
from store.dialects.document import Document

T = TypeVar("T", bound=msgspec.Struct)

NOT_JSON = (msgspec.MsgspecError, ValueError, ArithmeticError, RecursionError)
"""What decoding bytes that are not the expected JSON raises."""


class Shape(Generic[T]):
    """A struct whose members all have defaults."""

    def __init__(self, struct: type[T]) -> None:
        self.struct = struct
        self._decode = msgspec.json.Decoder(struct).decode
        self._members: dict[str, tuple[str, Any]] = {
            field.encode_name: (field.name, msgspec.json.Decoder(field.type).decode)
            for field in msgspec.structs.fields(struct)
        }

    def parse(self, data: bytes) -> T | None:
        """The struct in these bytes; None when they hold no object."""
        try:
            return self._decode(data)
        except NOT_JSON:
            return self.gather(cut_json.members(Document(data)))

    def read(self, document: Document) -> tuple[T | None, bool]:
        """The struct in this body (None when there is no object in it), and whether the body reaches its own end."""
        if not document.cut:
            try:
                return self._decode(document.head), True
            except NOT_JSON:
                pass
        return self.gather(cut_json.members(document)), cut_json.closed(document)

    def gather(self, members: dict[str, bytes]) -> T | None:
        """The struct made of those members that can be understood."""
        known = {}
        for encoded, value in members.items():
            if encoded in self._members:
                name, decode = self._members[encoded]
                try:
                    known[name] = decode(value)
                except NOT_JSON:
                    continue
        return self.struct(**known) if members else None
