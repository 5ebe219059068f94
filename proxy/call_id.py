"""Ids of calls: UUIDv7 (RFC 9562), so they sort by the time the call was received.

Within one worker they are strictly increasing: calls of the same millisecond count up in the 12 bits after the time.
"""

import random
import secrets

_COUNTER_BITS = 12


class CallIds:
    """Gives out ids. Takes the time from its caller, so that past calls can be given their own."""

    def __init__(self) -> None:
        self._last = 0
        # Ids must be unique, not unguessable: a generator seeded once needs no system call for each of them.
        self._bits = random.Random(secrets.randbits(256)).getrandbits  # noqa: S311

    def new(self, received_at_us: int) -> bytes:
        """16 bytes, greater than every id given before."""
        time_and_counter = (received_at_us // 1000) << _COUNTER_BITS
        # A clock that goes back, or more than 4,096 calls in a millisecond: go on from the last one.
        self._last = time_and_counter = max(time_and_counter, self._last + 1)
        milliseconds, counter = divmod(time_and_counter, 1 << _COUNTER_BITS)
        value = (milliseconds << 80) | (0x7 << 76) | (counter << 64) | (0b10 << 62) | self._bits(62)
        return value.to_bytes(16)


def to_text(call_id: bytes) -> str:
    """The id as people and programs see it."""
    text = call_id.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
