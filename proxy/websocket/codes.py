"""Close codes: what came from one side, as it may be sent to the other (RFC 6455, 7.4).

1005, 1006 and 1015 say that there was no close frame, or none with a code. They must never be on a wire.
"""

NOTHING = 1005  # a close frame without a code
ENDED_BADLY = 1011
GOING_AWAY = 1001
RESTARTING = 1012

_LOWEST, _HIGHEST = 1000, 4999
_LONGEST_REASON = 123  # bytes: a control frame holds 125, the code takes two


def on_the_wire(code: int) -> int | None:
    """The code to send for one that was received; None: a close frame without any."""
    if code == NOTHING:
        return None
    if code in (1006, 1015) or not _LOWEST <= code <= _HIGHEST:
        return ENDED_BADLY
    return code


def payload(code: int, reason: str = "") -> bytes:
    """The body of the close frame; a reason that is too long is cut between two characters."""
    sent = on_the_wire(code)
    if sent is None:
        return b""
    cut = reason.encode("utf-8", "replace")[:_LONGEST_REASON].decode("utf-8", "ignore")
    return sent.to_bytes(2, "big") + cut.encode()
