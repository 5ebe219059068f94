"""Messages as providers send them."""

import json
from typing import Any

CREATED = json.dumps({"type": "session.created", "session": {"id": "sess_1", "model": "gpt-realtime-2025-08-28"}})


def done(number: int = 1, *, into: int = 10, out: int = 5, **more: Any) -> str:
    """The end of a response, with its usage."""
    usage = {"total_tokens": into + out, "input_tokens": into, "output_tokens": out}
    return json.dumps({"type": "response.done", "response": {"id": f"resp_{number}", "usage": usage, **more}})


def audio(size: int) -> str:
    """A piece of audio."""
    return json.dumps({"type": "response.output_audio.delta", "delta": "UklG" * (size // 4)})
